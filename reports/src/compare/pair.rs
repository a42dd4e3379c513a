//! One step on both sides, and its form as JSON.

use serde::{Serialize, Serializer};

use super::Missing;
use crate::judge::{Comparison, Metric, Row};
use crate::order_statistics::Interval;
use crate::run::{ALWAYS_HELD, Latency, LoadStep};

/// One step on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// The variant, or both: `bcrypt-12 → md5`.
    pub variant: String,
    /// Load and step.
    #[serde(flatten)]
    pub at: LoadStep,
    /// Which latency its statistics are of: that which stands first under the load.
    pub latency: Latency,
    /// A row for each statistic in nanoseconds: latencies, and CPU time per request.
    #[serde(serialize_with = "times")]
    pub times: Vec<Row>,
    /// Samples of the base and the head.
    pub samples: [u64; 2],
    /// Failures under the load.
    #[serde(serialize_with = "errors")]
    pub errors: Row,
}

impl Pair {
    /// The pair, or what is missing of it.
    pub(super) fn of(
        comparison: &Comparison<'_>,
        name: &str,
        load: &str,
        step: &str,
    ) -> Result<Self, Missing> {
        let lacking = |lacking| Missing {
            what: format!("{name}, {load}, {step}"),
            lacking,
        };
        let samples = match comparison.samples(step) {
            [Some(base), Some(head)] => [base, head],
            [None, Some(_)] => return Err(lacking("base")),
            [Some(_), None] => return Err(lacking("head")),
            [None, None] => return Err(lacking("both sides")),
        };
        Ok(Self {
            variant: name.to_owned(),
            at: LoadStep {
                load: load.to_owned(),
                step: step.to_owned(),
            },
            latency: comparison.latency(),
            times: Metric::times()
                .filter_map(|metric| {
                    let row = comparison.row_or_pooled(step, &metric);
                    let is_later = matches!(metric, Metric::Percentile(at) if at >= ALWAYS_HELD);
                    let is_measured = row.base.is_some() || row.head.is_some();
                    (is_measured || !is_later).then_some(row)
                })
                .collect(),
            samples,
            errors: comparison.row_or_pooled(step, &Metric::Errors),
        })
    }
}

fn times<S: Serializer>(rows: &[Row], out: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Time<'r> {
        statistic: &'r str,
        base_ns: Option<f64>,
        head_ns: Option<f64>,
        ratio: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        difference_ns: Option<f64>,
        interval: Option<Interval>,
    }
    out.collect_seq(rows.iter().map(|row| Time {
        statistic: &row.metric,
        base_ns: row.base,
        head_ns: row.head,
        ratio: row.ratio(),
        // A base of 0 has no ratio.
        difference_ns: row.effect.filter(|_| row.ratio().is_none()),
        interval: row.ratio_interval(),
    }))
}

fn errors<S: Serializer>(row: &Row, out: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Errors {
        failed: u64,
        requests: u64,
        rate: f64,
    }
    out.collect_seq(
        row.counts
            .unwrap_or_default()
            .map(|[failed, requests]| Errors {
                failed,
                requests,
                rate: failed as f64 / requests.max(1) as f64,
            }),
    )
}
