//! What two variants are compared in: every statistic, metric and count has its one name here.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::nearest::did_you_mean;
use crate::quantity;
use crate::run::{Figure, LoadStep, PERCENTILES, Run, Slice, ascending_percentiles};

/// Samples that a slice's median needs: its luck is in the blocks' spread, which is judged.
pub const SAMPLES_OF_A_MEDIAN: u64 = 10;
/// Samples of a slice beyond another percentile, so that it is that percentile and no extreme.
const SAMPLES_BEYOND: f64 = 20.0;
/// Before a stage's name in `Server-Timing`.
const STAGE: &str = "stage-";

/// A metric of two variants.
///
/// Latencies are of the time that stands first: of open arrivals the response time, of closed users the service time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Metric {
    /// A percentile of the latency: one of [`PERCENTILES`], by its place there.
    Percentile(usize),
    /// The greatest latency.
    Max,
    /// The mean latency.
    Mean,
    /// CPU time of the server per answered request.
    Cpu,
    /// The share of requests that failed.
    Errors,
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
    /// A number of something, such as instructions.
    Count,
}

/// Not a metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a metric: use {all} or {STAGE}NAME{near}",
    all = Metric::all().map(|metric| metric.to_string()).collect::<Vec<_>>().join(", "),
    near = did_you_mean(.0, Metric::all().map(|metric| metric.to_string()).collect::<Vec<_>>().iter().map(String::as_str))
)]
pub struct NotAMetric(String);

impl Metric {
    /// The median latency: what is gated unless something else is asked for, with the share of failures.
    pub const P50: Self = Self::Percentile(0);

    /// The latencies and the CPU time, in the order in which they are shown: percentiles ascend.
    pub fn times() -> impl Iterator<Item = Self> {
        let percentiles = ascending_percentiles().into_iter().map(Self::Percentile);
        percentiles.chain([Self::Max, Self::Mean, Self::Cpu])
    }

    /// Every metric that any run may have; stages are those of a server.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::times().chain([Self::Errors, Self::Stale, Self::Capacity, Self::Memory])
    }

    /// A percentile of the latency; none that figures do not hold.
    #[must_use]
    pub fn percentile(percentile: f64) -> Option<Self> {
        let place = PERCENTILES
            .iter()
            .position(|known| known.total_cmp(&percentile).is_eq())?;
        Some(Self::Percentile(place))
    }

    /// How it is written and compared.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Errors | Self::Stale => Kind::Share,
            Self::Capacity => Kind::PerSecond,
            Self::Memory => Kind::Bytes,
            _ => Kind::Time,
        }
    }

    /// Whether it is one of the load as a whole, not of each of its steps.
    #[must_use]
    pub fn is_of_load(&self) -> bool {
        matches!(
            self,
            Self::Cpu | Self::Errors | Self::Stale | Self::Capacity | Self::Memory
        )
    }

    /// Samples that each slice needs of a step; more samples than a slice has make it advisory.
    #[must_use]
    pub fn samples_of_a_slice(&self) -> Option<u64> {
        match self {
            &Self::P50 => Some(SAMPLES_OF_A_MEDIAN),
            Self::Percentile(place) => {
                let beyond = 1.0 - PERCENTILES[*place] / 100.0;
                Some((SAMPLES_BEYOND / beyond).round() as u64)
            }
            // The greatest of a slice is an extreme of so few that nothing is known of its spread.
            Self::Max => None,
            _ => Some(1),
        }
    }

    /// Its value in a slice; none where the slice does not have it, or has too few samples for it.
    #[must_use]
    pub fn of(&self, slice: &Slice, step: &str) -> Option<f64> {
        match self {
            // The luck of a median of few samples is in the blocks' spread.
            &Self::P50 => Some(slice.latency(step)?.p50() as f64),
            Self::Percentile(_) | Self::Max | Self::Mean => self.of_figure(slice.latency(step)?),
            Self::Cpu => (slice.ok > 0).then_some(slice.cpu_ns? as f64 / slice.ok as f64),
            Self::Errors | Self::Stale => share(self.counts([slice])),
            Self::Capacity => slice.throughput(),
            Self::Memory => slice.peak_bytes.map(|bytes| bytes as f64),
            Self::Stage(name) => slice.p50(step, &format!("{STAGE}{name}")),
        }
    }

    /// Its value over all that a variant was asked under a load, merged as one; none where that is not known.
    pub(crate) fn pooled(&self, run: &Run, at: &LoadStep, variant: &str) -> Option<f64> {
        let slices = || run.slices_of(&at.load, variant);
        match self {
            Self::Percentile(_) | Self::Max | Self::Mean => {
                self.of_figure(run.latency(variant, at)?)
            }
            Self::Cpu => {
                let (mut cpu, mut ok) = (0, 0);
                for slice in slices() {
                    cpu += slice.cpu_ns?;
                    ok += slice.ok;
                }
                (ok > 0).then(|| cpu as f64 / ok as f64)
            }
            Self::Errors | Self::Stale => share(self.counts(slices())),
            Self::Capacity | Self::Memory | Self::Stage(_) => None,
        }
    }

    /// Of a share: how many requests of how many.
    pub(crate) fn counts<'s>(&self, slices: impl IntoIterator<Item = &'s Slice>) -> [u64; 2] {
        slices.into_iter().fold([0, 0], |[some, of], slice| {
            let [more, all] = match self {
                Self::Stale => [slice.stale, slice.probed],
                _ => [slice.failures(), slice.ok + slice.failures()],
            };
            [some + more, of + all]
        })
    }

    /// The latency in nanoseconds; none where the samples do not carry it, and for what is no latency.
    fn of_figure(&self, figure: &Figure) -> Option<f64> {
        match self {
            Self::Percentile(place) => {
                let needed = 1.0 / (1.0 - PERCENTILES[*place] / 100.0);
                let carried = figure.count as f64 >= needed * (1.0 - f64::EPSILON * needed);
                let held = figure.percentiles.get(*place).filter(|_| carried);
                held.map(|value| *value as f64)
            }
            Self::Max => Some(figure.max as f64),
            Self::Mean => Some(figure.mean),
            _ => None,
        }
    }
}

/// Some of so many, as a share; none of none.
pub(crate) fn share([some, of]: [u64; 2]) -> Option<f64> {
    (of > 0).then(|| some as f64 / of as f64)
}

impl fmt::Display for Metric {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Percentile(place) => {
                return out.write_str(&quantity::percentile(PERCENTILES[*place]));
            }
            Self::Stage(name) => return write!(out, "{STAGE}{name}"),
            Self::Max => "max",
            Self::Mean => "mean",
            Self::Cpu => "cpu",
            Self::Errors => "errors",
            Self::Stale => "stale",
            Self::Capacity => "capacity",
            Self::Memory => "memory",
        })
    }
}

impl FromStr for Metric {
    type Err = NotAMetric;

    fn from_str(text: &str) -> Result<Self, NotAMetric> {
        let text = text.trim();
        match text.strip_prefix(STAGE) {
            Some(name) if !name.is_empty() => Ok(Self::Stage(name.to_owned())),
            _ => Self::all()
                .find(|metric| metric.to_string() == text)
                .ok_or_else(|| NotAMetric(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_read_as_it_is_written() {
        for metric in Metric::all().chain([Metric::Stage("verify".to_owned())]) {
            assert_eq!(metric.to_string().parse(), Ok(metric));
        }
        for wrong in ["p51", "", "stage-", "latency"] {
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
