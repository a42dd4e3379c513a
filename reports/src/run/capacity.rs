//! What a capacity search found: the highest rate within its limits, and the rate–latency curve.

use serde::{Deserialize, Serialize};

use crate::{duration, quantity};

/// The search of one variant under one load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// The load's name.
    pub load: String,
    /// The variant's name.
    pub variant: String,
    /// Limit of `response`, as typed, e.g. `p99 < 20ms`.
    pub slo: String,
    /// Limit of failures and arrivals never sent, as typed, e.g. `< 0.1%`.
    pub errors: String,
    /// The highest rate confirmed within the limits, requests a second; none when not even the
    /// lowest rate tried was.
    pub rate: Option<f64>,
    /// The lowest rate seen beyond them above `rate`; none when the search was stopped by the
    /// generator.
    pub beyond: Option<f64>,
    /// What `rate` is a limit of.
    pub limited_by: LimitedBy,
    /// Every rate tried, in the order in which they were.
    pub points: Vec<Point>,
}

/// Why no higher rate was confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitedBy {
    /// `response` left its limit.
    Latency,
    /// Failures, or arrivals never sent.
    Errors,
    /// The server answered fewer than were offered.
    Rate,
    /// The generator could not send more on time: the server may carry more.
    Generator,
    /// The search was cut short.
    Interrupted,
}

/// One rate, offered for one slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Requests a second planned.
    pub offered_per_s: f64,
    /// Requests a second answered, until the last answer.
    pub achieved_per_s: f64,
    /// `response` at p50, ns; the greatest of the load's steps, as all below.
    pub p50_ns: u64,
    /// `response` at p99, ns.
    pub p99_ns: u64,
    /// `response` at p99.9, ns.
    pub p999_ns: u64,
    /// Greatest `response`, ns.
    pub max_ns: u64,
    /// The value that `slo` limits, ns.
    pub limited_ns: u64,
    /// Share of the planned requests that failed or were never sent.
    pub errors: f64,
    /// Share of the server's cores that it kept busy; none for a server not started here.
    pub busy: Option<f64>,
    /// The generator's lateness at p99, ns.
    pub timer_p99_ns: u64,
    /// Whether it was measured to confirm a rate that was within the limits before.
    pub confirms: bool,
    /// What was beyond; none when within all limits.
    pub beyond: Option<LimitedBy>,
}

impl Capacity {
    /// The limit of [`Point::limited_ns`], nanoseconds: the duration that `slo` ends with.
    #[must_use]
    pub fn limit_ns(&self) -> Option<u64> {
        let bound = self.slo.split('<').nth(1)?.trim();
        duration::nanoseconds(bound).map(|ns| ns as u64)
    }

    /// One sentence, without its full stop; `label` is the variant as people read it.
    #[must_use]
    pub fn sentence(&self, label: &str) -> String {
        let of = format!("{}, {label}", self.load);
        let limits = format!("within {} and errors {}", self.slo, self.errors);
        let why = self.limited_by.words();
        let Some(rate) = self.rate else {
            return format!("{of}: no rate {limits}: {why}");
        };
        let rate = per_second(rate);
        match (self.limited_by, self.beyond) {
            (LimitedBy::Generator, _) => format!("{of}: at least {rate} {limits}; {why}"),
            (_, Some(beyond)) => {
                format!("{of}: {rate} {limits}; at {} {why}", per_second(beyond))
            }
            (_, None) => format!("{of}: {rate} {limits}; {why}"),
        }
    }
}

impl LimitedBy {
    /// As written in `run.json`, for a cell of a table.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Errors => "errors",
            Self::Rate => "rate",
            Self::Generator => "generator",
            Self::Interrupted => "interrupted",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Latency => "latency left its limit",
            Self::Errors => "too many requests failed",
            Self::Rate => "fewer were answered than offered",
            Self::Generator => "the generator could not send more on time",
            Self::Interrupted => "the search was cut short",
        }
    }
}

fn per_second(rate: f64) -> String {
    format!("{}/s", quantity::number(rate))
}
