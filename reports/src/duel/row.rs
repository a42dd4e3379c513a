//! A row of a duel: one metric on both sides, and how it is written.

use serde::Serialize;

use crate::judge::Verdict;
use crate::judge::metric::{Kind, Metric};
use crate::order_statistics::Interval;
use crate::quantity;

/// One metric on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its name: `p50`, `cpu`, `errors`.
    pub metric: String,
    /// The step, where the load has several and the metric is one of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// What it is here for.
    pub role: Role,
    /// What its figures are: `time` (ns), `bytes`, `per-second` or `share`.
    pub kind: Kind,
    /// The base's: the median over blocks, for shares that of all requests.
    pub base: Option<f64>,
    /// The head's.
    pub head: Option<f64>,
    /// For shares: how many of how many, of the base and the head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<[[u64; 2]; 2]>,
    /// The change: 0.07 is 7 % more; for shares the difference of [`Row::head`] and [`Row::base`],
    /// since the median block of a rare failure has none.
    pub effect: Option<f64>,
    /// Its interval, at the error of its part in the duel; 95 % for what is not gated.
    pub interval: Option<Interval>,
    /// Whether the effect and its interval are differences in the unit of the figures: a side that is 0 has no ratio.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub absolute: bool,
    /// The verdict; none for what is not gated, and while it takes more blocks.
    pub verdict: Option<Verdict>,
    /// Whether it is open that nothing has changed: by the verdict, or else by the interval.
    pub within_noise: bool,
    /// Blocks that it rests on.
    pub blocks: usize,
    /// So many of them were taken together, since neighbours depended on one another.
    pub together: usize,
    /// Requests of the base and the head.
    pub samples: [u64; 2],
    /// Blocks that the next look takes; 0 where none would help.
    #[serde(skip)]
    pub next: usize,
}

/// What a row is here for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "because")]
pub enum Role {
    /// Its verdict is part of the duel's.
    Gated,
    /// Asked for, but this machine or this load does not carry it: why, and what it would take.
    Advisory(String),
    /// Shown beside the gated ones.
    Beside,
    /// One of many; marked when it stands out among all of them.
    Information {
        /// It does.
        marked: bool,
    },
}

impl Row {
    /// `p50`, or `p50 get-1` where there are several steps.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.step {
            Some(step) => format!("{} {step}", self.metric),
            None => self.metric.clone(),
        }
    }

    /// Whether the duel's end rests on it: it is gated, or it is the median, which carries itself and
    /// so lacks nothing but samples. Of a head that answers too seldom for one, errors alone are no pass.
    #[must_use]
    pub fn is_decisive(&self) -> bool {
        match self.role {
            Role::Gated => true,
            Role::Advisory(_) => self.metric.parse() == Ok(Metric::P50),
            Role::Beside | Role::Information { .. } => false,
        }
    }

    /// A figure of this row, with its unit.
    #[must_use]
    pub fn written(&self, figure: f64) -> String {
        match self.kind {
            Kind::Time => quantity::duration(figure),
            Kind::Bytes => quantity::bytes(figure),
            Kind::PerSecond => format!("{}/s", quantity::number(figure)),
            Kind::Share => quantity::share(figure),
        }
    }

    /// A change of this row, with its sign: `+0.7 %`, `+0.5 points`, or `+120 ns` where a side is 0.
    #[must_use]
    pub fn changed(&self, effect: f64) -> String {
        match self.kind {
            _ if self.absolute => quantity::signed(effect, |size| self.written(size)),
            Kind::Share => quantity::points(effect),
            Kind::Time | Kind::Bytes | Kind::PerSecond => quantity::effect(effect),
        }
    }

    /// Both ends of the interval of such a change.
    #[must_use]
    pub fn changed_between(&self, low: f64, high: f64) -> String {
        match self.kind {
            _ if self.absolute => quantity::range(low, high, |end| self.changed(end)),
            Kind::Share => quantity::points_between(low, high),
            Kind::Time | Kind::Bytes | Kind::PerSecond => quantity::effects(low, high),
        }
    }

    /// Figures of the base and the head: `0/25 600` for shares.
    #[must_use]
    pub fn figures(&self) -> [String; 2] {
        match self.counts {
            Some(counts) => counts
                .map(|[some, of]| format!("{}/{}", quantity::grouped(some), quantity::grouped(of))),
            None => [self.base, self.head].map(|figure| {
                figure.map_or(quantity::NOT_MEASURED.to_owned(), |figure| {
                    self.written(figure)
                })
            }),
        }
    }
}
