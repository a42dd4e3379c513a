//! The verdict on two variants of one run: slower, faster, no change, or *I cannot tell*.
//!
//! In block b, for a quantity Q: `d_b = mean ln Q_head − mean ln Q_base`; effect = `exp(median d) − 1`.
//! For counts (errors, stale grants) the difference of rates takes the place of the ratio, and the difference of Q
//! itself where Q is 0 in some slice. The
//! interval is the sign test's, at an error shared out (Bonferroni) over every gated metric and every
//! look, so that looking early does not cry wolf. Nothing is assumed of the distribution of d but
//! that blocks do not depend on one another, and that is [checked](lengthen).
//!
//! What is judged is a pure function of the run: the same blocks give the same verdict, however
//! often somebody looked.

pub mod aside;
mod comparison;
pub mod differences;
pub mod information;
pub mod lengthen;
pub mod limit;
pub mod metric;
pub mod power;
mod row;
pub mod run_limit;

use serde::{Deserialize, Serialize};

pub use self::comparison::{Comparison, UnknownVariant};
use self::differences::{Differences, Scale};
use self::lengthen::lengthened;
pub use self::limit::Limit;
pub use self::metric::Metric;
pub use self::row::{INSTRUCTIONS, Role, Row};
use crate::order_statistics::{ALPHA, Estimate, Interval, at_least};

/// A difference below this is never called one: 3 %.
pub const MARGIN: f64 = 0.03;
/// At the last look an interval within this is no change: 10 %.
pub const RESOLUTION: f64 = 0.10;
/// The same for a rate of failures: 0.01 percentage points are never called more,
pub const RATE_MARGIN: f64 = 0.000_1;
/// and 0.1 points are what no change leaves open.
pub const RATE_RESOLUTION: f64 = 0.001;
/// Error of a whole duel in each direction, shared out over metrics and looks.
pub const ERROR: f64 = 0.01;
/// Blocks after which a duel is looked at.
pub const LOOKS: [usize; 3] = [20, 40, 60];

/// What became of a metric under a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The head is worse by more than the rule allows; in a duel by more than the margin, with the duel's certainty.
    Slower,
    /// The head is better by as much.
    Faster,
    /// The head is within what the rule allows; in a duel within the resolution of the base.
    NoChange,
    /// All of these are still possible.
    Inconclusive,
}

impl Verdict {
    /// As people read it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Slower => "slower",
            Self::Faster => "faster",
            Self::NoChange => "no change",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// How a row comes to its verdict.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// All blocks at once and no verdict.
    Describe {
        /// Error of the interval, both sides together.
        alpha: f64,
    },
    /// By interim analyses, at an error shared out over metrics and looks: the rule of a duel and of a finding.
    Sequential(Sequential),
    /// By the head's estimate against what a script allows.
    Limit(Limit),
    /// By every pass of a count that hardly varies: changes of more than this share.
    Threshold(f64),
}

impl Rule {
    /// A description with 95 % intervals.
    pub const DESCRIBE: Self = Self::Describe { alpha: ALPHA };
}

/// The interim analyses of a duel, and how many metrics share its error.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequential {
    /// Blocks after which it is looked at, ascending.
    pub looks: Vec<usize>,
    /// How many metrics are gated in the same duel.
    pub gated: usize,
}

impl Sequential {
    /// Blocks without which no verdict can have the certainty asked for: with fewer, even all of them
    /// on one side are too likely by chance.
    #[must_use]
    pub fn least_blocks(&self) -> usize {
        (-self.alpha().log2()).ceil() as usize
    }

    /// Error of one metric at one look, on each side of its interval.
    #[must_use]
    pub fn alpha(&self) -> f64 {
        ERROR / (self.gated.max(1) * self.looks.len().max(1)) as f64
    }
}

/// Differences as judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The verdict; none while it takes more blocks.
    pub verdict: Option<Verdict>,
    /// The median difference and its interval, on the scale of the differences.
    pub estimate: Option<Estimate>,
    /// Blocks that it rests on.
    pub blocks: usize,
    /// So many of them were taken together, since neighbours depended on one another.
    pub together: usize,
    /// Blocks that the next look takes; 0 where no more would help.
    pub next: usize,
}

/// Judges the differences of a metric, block by block in the order in which they ran.
#[must_use]
pub fn judge(differences: &Differences, rule: &Sequential) -> Judged {
    let alpha = rule.alpha();
    let last = rule.looks.len().saturating_sub(1);
    let mut judged = Judged {
        verdict: None,
        estimate: Estimate::of(&differences.values, 2.0 * alpha),
        blocks: differences.values.len(),
        together: 1,
        next: 0,
    };
    for (number, look) in rule.looks.iter().enumerate() {
        match lengthened(&differences.values, *look, judged.together) {
            Ok((taken, together)) => {
                let estimate = Estimate::of(&taken, 2.0 * alpha);
                let interval = estimate.and_then(|estimate| estimate.interval);
                judged = Judged {
                    verdict: interval.and_then(|interval| {
                        decide(differences, &taken, interval, alpha, number == last)
                    }),
                    estimate,
                    blocks: look * together,
                    together,
                    next: 0,
                };
                if judged.verdict.is_some() {
                    return judged;
                }
            }
            Err(needed) => {
                judged.next = needed;
                return judged;
            }
        }
    }
    judged
}

fn decide(
    differences: &Differences,
    taken: &[f64],
    interval: Interval,
    alpha: f64,
    last: bool,
) -> Option<Verdict> {
    // Values too few for the error asked for decide nothing.
    let certain = 1.0 - interval.coverage <= 2.0 * alpha * (1.0 + f64::EPSILON);
    let (margin, resolution) = differences.margins();
    let (slower, faster, near, within) = match differences.scale {
        Scale::Logarithm { .. } | Scale::Absolute { .. } => (
            certain && interval.low > margin,
            certain && interval.high < -margin,
            interval.low >= -margin && interval.high <= margin,
            interval.low >= -resolution && interval.high <= resolution,
        ),
        Scale::Rate => {
            // Most blocks may have no failure at all: the median says nothing of the others, so
            // the sign test is made without ties.
            let more = taken.iter().filter(|d| **d > 0.0).count();
            let fewer = taken.iter().filter(|d| **d < 0.0).count();
            let mean = taken.iter().sum::<f64>() / taken.len().max(1) as f64;
            (
                at_least(more, more + fewer) <= alpha && mean > margin,
                at_least(fewer, more + fewer) <= alpha && mean < -margin,
                mean.abs() <= margin,
                mean.abs() <= resolution
                    && interval.low >= -resolution
                    && interval.high <= resolution,
            )
        }
    };
    if slower {
        Some(Verdict::Slower)
    } else if faster {
        Some(Verdict::Faster)
    } else if certain && (near || last && within) {
        Some(Verdict::NoChange)
    } else {
        last.then_some(Verdict::Inconclusive)
    }
}

#[cfg(test)]
mod tests;
