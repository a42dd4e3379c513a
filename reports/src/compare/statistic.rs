//! What can be compared, and limited.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::{
    nearest::did_you_mean,
    quantity,
    run::{Figure, PERCENTILES},
};

/// A statistic of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// One of [`PERCENTILES`], by its place there.
    Percentile(usize),
    /// The greatest latency.
    Max,
    /// The mean latency.
    Mean,
    /// CPU time of the server per request, under the load.
    Cpu,
    /// The share of requests that failed under the load.
    Errors,
}

impl Statistic {
    /// Those in nanoseconds, in the order in which they are shown.
    pub const TIMES: [Self; PERCENTILES.len() + 3] = [
        Self::Percentile(0),
        Self::Percentile(1),
        Self::Percentile(2),
        Self::Percentile(3),
        Self::Percentile(4),
        Self::Percentile(5),
        Self::Max,
        Self::Mean,
        Self::Cpu,
    ];

    /// The statistic of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|statistic| statistic.label() == name)
    }

    /// "; did you mean `p50`?": the end of a message about a name that is none.
    pub(super) fn near(name: &str) -> String {
        let labels: Vec<_> = Self::all().map(Self::label).collect();
        did_you_mean(name, labels.iter().map(String::as_str))
    }

    /// Every statistic.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::TIMES.into_iter().chain([Self::Errors])
    }

    /// Its name: `p50`, `max`, `errors`.
    #[must_use]
    pub fn label(self) -> String {
        match self {
            Self::Percentile(place) => quantity::percentile(PERCENTILES[place]),
            Self::Max => "max".to_owned(),
            Self::Mean => "mean".to_owned(),
            Self::Cpu => "cpu".to_owned(),
            Self::Errors => "errors".to_owned(),
        }
    }

    /// The latency in nanoseconds; none where the samples do not carry it, and for what is no latency.
    pub(crate) fn of(self, figure: &Figure) -> Option<f64> {
        match self {
            Self::Percentile(place) => {
                let needed = 1.0 / (1.0 - PERCENTILES[place] / 100.0);
                let carried = figure.count as f64 >= needed * (1.0 - f64::EPSILON * needed);
                figure
                    .percentiles
                    .get(place)
                    .filter(|_| carried)
                    .map(|value| *value as f64)
            }
            Self::Max => Some(figure.max as f64),
            Self::Mean => Some(figure.mean),
            Self::Cpu | Self::Errors => None,
        }
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.label())
    }
}

impl Serialize for Statistic {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.label())
    }
}
