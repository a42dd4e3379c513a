//! One step on both sides, and its form as JSON; and what two separate runs may be gated by, which is more than
//! identical servers differ on their machines.

use serde::{Serialize, Serializer};

use super::Missing;
use crate::judge::{Comparison, Limit, Metric, Row, power};
use crate::order_statistics::Interval;
use crate::quantity;
use crate::run::{ALWAYS_HELD, Calibration, Latency, LoadStep, Run};

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

/// Standard deviations of the difference of two machines' noise that a limit must exceed. More blocks
/// do not help: what changes between two runs is the same for all blocks of one.
const DEVIATIONS: f64 = 3.0;
/// Standard deviations in a median absolute deviation of normal values.
const SIGMA_IN_MAD: f64 = 1.4826;

/// Why a limit is not judged between two runs, in words; none when it is.
pub(super) fn objection(base: &Run, head: &Run, limit: &Limit) -> Option<String> {
    if !limit.is_relative() || *limit.metric() == Metric::Errors {
        return None;
    }
    if base.scenario.name != head.scenario.name || base.scenario.profile != head.scenario.profile {
        return Some("the scenarios differ".to_owned());
    }
    let statistic = limit.metric().to_string();
    let (from, to) = match (noise(base, &statistic), noise(head, &statistic)) {
        (Ok(from), Ok(to)) => (from, to),
        (Err(objection), _) | (_, Err(objection)) => return Some(objection),
    };
    if base.machine.cpu != head.machine.cpu || base.machine.cores != head.machine.cores {
        return Some("the machines differ".to_owned());
    }
    let told_apart = (DEVIATIONS * SIGMA_IN_MAD * from.hypot(to)).exp_m1();
    (limit.share() < told_apart).then(|| {
        format!(
            "two separate runs on these machines tell only more than {} apart",
            quantity::share(told_apart)
        )
    })
}

fn noise(run: &Run, statistic: &str) -> Result<f64, String> {
    let without = |why: &str| {
        format!(
            "{why}: two separate runs are gated by absolute limits (`p50 > 5ms`), or where `authlab calibrate` ran before both"
        )
    };
    let known: &Calibration = run
        .calibration
        .as_ref()
        .ok_or_else(|| without(&format!("run {} carries no calibration", run.id)))?;
    if let Some(stale) = &known.stale {
        return Err(without(&format!(
            "the calibration of run {} does not hold ({stale})",
            run.id
        )));
    }
    let slice_ms = run.scenario.loads.first().map_or(100, |load| load.slice_ms);
    power::noise(known, statistic, slice_ms)
        .map(|noise| noise.mad)
        .ok_or_else(|| {
            without(&format!(
                "the calibration of run {} does not know the noise of {statistic}",
                run.id
            ))
        })
}
