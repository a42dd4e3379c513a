//! What a duel can be asked about.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::compare::Statistic;
use crate::nearest::did_you_mean;
use crate::run::{PERCENTILES, Slice};

/// Samples that a slice's median needs: its luck is in the blocks' spread, which is judged.
pub const SAMPLES_OF_A_MEDIAN: u64 = 10;
/// Samples of a slice beyond another percentile, so that it is that percentile and no extreme.
const SAMPLES_BEYOND: f64 = 20.0;
/// Before a stage's name in `Server-Timing`.
const STAGE: &str = "stage-";

/// A metric of two variants of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Metric {
    /// A statistic of the latency that stands first (of open arrivals the response time, of closed users
    /// the service time), CPU time per request, or the share of requests that failed.
    Statistic(Statistic),
    /// The share of requests that passed after their credentials were revoked.
    Stale,
    /// Requests answered a second: as many as closed users get.
    Capacity,
    /// The most memory that the server's processes held within a slice.
    Memory,
    /// The median of a stage of `Server-Timing`, by its name.
    Stage(String),
}

/// How a quantity of the metric is written, and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Nanoseconds.
    Time,
    /// Bytes.
    Bytes,
    /// Something a second: more is better.
    PerSecond,
    /// A share of requests.
    Share,
}

/// Not a metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a metric: use p50, p75, p90, p99, p99.9, p99.99, max, mean, cpu, errors, stale, capacity, memory or \
     stage-NAME{near}",
    near = Metric::near(.0)
)]
pub struct NotAMetric(String);

impl Metric {
    /// The median latency: what is gated unless something else is asked for,
    pub const P50: Self = Self::Statistic(Statistic::Percentile(0));
    /// with the share of failures.
    pub const ERRORS: Self = Self::Statistic(Statistic::Errors);
    /// CPU time of the server per request.
    pub const CPU: Self = Self::Statistic(Statistic::Cpu);

    /// "; did you mean `p50`?": the end of a message about a name that is none.
    fn near(name: &str) -> String {
        let statistics = Statistic::all().map(Self::Statistic);
        let all = statistics.chain([Self::Stale, Self::Capacity, Self::Memory]);
        let names: Vec<_> = all.map(|metric| metric.to_string()).collect();
        did_you_mean(name, names.iter().map(String::as_str))
    }

    /// How it is written and compared.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Statistic(Statistic::Errors) | Self::Stale => Kind::Share,
            Self::Statistic(_) | Self::Stage(_) => Kind::Time,
            Self::Capacity => Kind::PerSecond,
            Self::Memory => Kind::Bytes,
        }
    }

    /// Whether it is one of the load as a whole, not of each of its steps.
    #[must_use]
    pub fn is_of_load(&self) -> bool {
        matches!(
            self,
            Self::Statistic(Statistic::Cpu | Statistic::Errors)
                | Self::Stale
                | Self::Capacity
                | Self::Memory
        )
    }

    /// Samples that each slice needs of a step; more samples than a slice has make it advisory.
    #[must_use]
    pub fn samples_of_a_slice(&self) -> Option<u64> {
        match self {
            Self::Statistic(Statistic::Percentile(0)) => Some(SAMPLES_OF_A_MEDIAN),
            Self::Statistic(Statistic::Percentile(place)) => {
                let beyond = 1.0 - PERCENTILES[*place] / 100.0;
                Some((SAMPLES_BEYOND / beyond).round() as u64)
            }
            // The greatest of a slice is an extreme of so few that nothing is known of its spread.
            Self::Statistic(Statistic::Max) => None,
            _ => Some(1),
        }
    }

    /// Its value in a slice; none where the slice does not have it.
    #[must_use]
    pub fn of(&self, slice: &Slice, step: &str) -> Option<f64> {
        let share = |part: u64, of: u64| (of > 0).then(|| part as f64 / of as f64);
        match self {
            Self::Statistic(Statistic::Cpu) => {
                (slice.ok > 0).then_some(slice.cpu_ns? as f64 / slice.ok as f64)
            }
            Self::Statistic(Statistic::Errors) => {
                let failed = slice.failures();
                share(failed, slice.ok + failed)
            }
            Self::Statistic(statistic) => statistic.of(slice.latency(step)?),
            Self::Stale => share(slice.stale, slice.probed),
            Self::Capacity => slice.throughput(),
            Self::Memory => slice.peak_bytes.map(|bytes| bytes as f64),
            Self::Stage(name) => slice.p50(step, &format!("{STAGE}{name}")),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Statistic(statistic) => statistic.fmt(out),
            Self::Stale => out.write_str("stale"),
            Self::Capacity => out.write_str("capacity"),
            Self::Memory => out.write_str("memory"),
            Self::Stage(name) => write!(out, "{STAGE}{name}"),
        }
    }
}

impl FromStr for Metric {
    type Err = NotAMetric;

    fn from_str(text: &str) -> Result<Self, NotAMetric> {
        let text = text.trim();
        match text {
            "stale" => Ok(Self::Stale),
            "capacity" => Ok(Self::Capacity),
            "memory" => Ok(Self::Memory),
            _ => match text.strip_prefix(STAGE) {
                Some(name) if !name.is_empty() => Ok(Self::Stage(name.to_owned())),
                _ => Statistic::named(text)
                    .map(Self::Statistic)
                    .ok_or_else(|| NotAMetric(text.to_owned())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_read_as_it_is_written() {
        let mut all: Vec<Metric> = Statistic::all().map(Metric::Statistic).collect();
        all.extend([
            Metric::Stale,
            Metric::Capacity,
            Metric::Memory,
            Metric::Stage("verify".to_owned()),
        ]);
        for metric in all {
            assert_eq!(metric.to_string().parse(), Ok(metric));
        }
        for wrong in ["p95", "", "stage-", "latency"] {
            assert!(wrong.parse::<Metric>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_tail_needs_more_samples_than_a_median() {
        let needed = |text: &str| text.parse::<Metric>().unwrap().samples_of_a_slice();
        assert_eq!(needed("p50"), Some(10));
        assert_eq!(needed("p99"), Some(2_000));
        assert_eq!(needed("p99.9"), Some(20_000));
        assert_eq!(needed("max"), None);
    }
}
