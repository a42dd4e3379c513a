//! The verdict on two variants of one run: slower, faster, no change, or *I cannot tell*.
//!
//! In block b, for a quantity Q: `d_b = mean ln Q_head − mean ln Q_base`; effect = `exp(median d) − 1`.
//! For counts (errors, stale grants) the difference of rates takes the place of the ratio, and the difference of Q
//! itself where Q is 0 in some slice. A duel is judged after every block by a test that holds however often somebody
//! looks and whatever the noise does ([`stakes`]), at an error shared out (Bonferroni) over every gated metric. The
//! blocks of a run that was no duel are judged once, by the sign test.
//!
//! What is judged is a pure function of the run: the same blocks give the same verdict, however
//! often somebody looked.

pub mod aside;
mod comparison;
pub mod differences;
pub mod information;
pub mod limit;
pub mod metric;
pub mod power;
mod row;
pub mod run_limit;
mod stakes;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::comparison::{Comparison, UnknownVariant};
use self::differences::{Differences, Scale};
pub use self::limit::Limit;
pub use self::metric::Metric;
pub use self::row::{INSTRUCTIONS, Role, Row};
use self::stakes::{Game, Side};
use crate::order_statistics::{ALPHA, Estimate, at_least};

/// A difference below this is never called one, unless a duel's terms have another margin: 3 %.
pub const MARGIN: f64 = 0.03;
/// At the end an interval within this is no change: 10 %.
pub const RESOLUTION: f64 = 0.10;
/// The same for any margin: wide enough that there is room between the two.
#[must_use]
pub(crate) fn resolution(margin: f64) -> f64 {
    RESOLUTION.max(2.0 * margin)
}
/// The same for a rate of failures: 0.01 percentage points are never called more,
pub const RATE_MARGIN: f64 = 0.000_1;
/// and 0.1 points are what no change leaves open.
pub const RATE_RESOLUTION: f64 = 0.001;
/// Error of a whole duel in each direction, shared out over metrics.
pub const ERROR: f64 = 0.01;
/// Blocks of a duel before which nothing is decided: both servers have then been started twice, since what a start fixes
/// for a server's whole life is no noise of a block.
pub const LEAST_BLOCKS: usize = 20;
/// Before which block both servers start for the second time.
pub const SECOND_START: usize = LEAST_BLOCKS / 2;

/// The slices of a duel, unless something else is said. They are short, because what disturbs a machine lasts longer than a
/// block of them and so disturbs both sides alike: docs/adr/0026-short-slices.md.
pub const SLICE: Duration = Duration::from_millis(10);
/// The same where a slice must carry a tail, or generators take turns by the clock.
pub const LONG_SLICE: Duration = Duration::from_millis(100);

/// Slices of a block.
const SLICES: u32 = 4;

/// The most blocks of a duel: those that fit into its budget if nothing but slices takes any of it, and always as many as
/// a verdict takes.
#[must_use]
pub fn most_blocks(within: Duration, slice: Duration) -> usize {
    let blocks = within.as_secs_f64() / (slice * SLICES).as_secs_f64().max(1e-3);
    (blocks.ceil() as usize).max(LEAST_BLOCKS)
}

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
    /// At an error shared out over metrics: the rule of a duel and of a finding.
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

/// When blocks are judged, how many metrics share the error, and what is called a difference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sequential {
    /// How many metrics are gated in the same duel.
    pub gated: usize,
    /// When.
    pub when: When,
    /// The most blocks that there will be, about.
    pub blocks: usize,
    /// A difference below this share is never called one; of rates of failures it is [`RATE_MARGIN`] always.
    pub margin: f64,
}

/// When blocks are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// All at once: those of a run that was no duel, so that nobody looked before it ended.
    Once,
    /// After each, from [`LEAST_BLOCKS`] on.
    EachBlock {
        /// There will be no more of them.
        ended: bool,
    },
}

impl Sequential {
    /// Blocks without which no verdict can have the certainty asked for: with fewer, even all of them
    /// on one side are too likely by chance.
    #[must_use]
    pub fn least_blocks(&self) -> usize {
        match self.when {
            When::Once => (-self.alpha().log2()).ceil() as usize,
            When::EachBlock { .. } => stakes::least_blocks(self.alpha()).max(LEAST_BLOCKS),
        }
    }

    /// Error of one metric, on each side of its interval.
    #[must_use]
    pub fn alpha(&self) -> f64 {
        ERROR / self.gated.max(1) as f64
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
    /// Blocks that a verdict would take, about; 0 where there is one.
    pub needed: usize,
}

/// Judges the differences of a metric, block by block in the order in which they ran.
#[must_use]
pub fn judge(differences: &Differences, rule: &Sequential) -> Judged {
    match rule.when {
        When::Once => judge_once(differences, rule),
        When::EachBlock { ended } => judge_each(differences, rule, ended),
    }
}

fn judge_once(differences: &Differences, rule: &Sequential) -> Judged {
    let alpha = rule.alpha();
    let values = &differences.values;
    let estimate = Estimate::of(values, 2.0 * alpha);
    let interval = estimate.and_then(|estimate| estimate.interval);
    let known = interval.map(|interval| {
        let (margin, resolution) = differences.margins(rule.margin);
        // Values too few for the error asked for decide nothing.
        let is_certain = 1.0 - interval.coverage <= 2.0 * alpha * (1.0 + f64::EPSILON);
        let is_within = |most: f64| is_certain && interval.low >= -most && interval.high <= most;
        match differences.scale {
            Scale::Logarithm { .. } | Scale::Absolute { .. } => Known {
                beyond: beyond(
                    is_certain && interval.low > margin,
                    is_certain && interval.high < -margin,
                ),
                within_margin: is_within(margin),
                within_resolution: is_within(resolution),
            },
            Scale::Rate => {
                // Most blocks may have no failure at all: the median says nothing of the others, so
                // the sign test is made without ties.
                let more = values.iter().filter(|d| **d > 0.0).count();
                let fewer = values.iter().filter(|d| **d < 0.0).count();
                let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
                Known {
                    beyond: beyond(
                        at_least(more, more + fewer) <= alpha && mean > margin,
                        at_least(fewer, more + fewer) <= alpha && mean < -margin,
                    ),
                    within_margin: is_certain && mean.abs() <= margin,
                    within_resolution: is_within(resolution) && mean.abs() <= resolution,
                }
            }
        }
    });
    Judged {
        verdict: known.and_then(|known| known.verdict(true)),
        estimate,
        blocks: values.len(),
        needed: 0,
    }
}

fn judge_each(differences: &Differences, rule: &Sequential, ended: bool) -> Judged {
    let (alpha, least) = (rule.alpha(), rule.least_blocks());
    let values = &differences.values;
    let mut games = Games::of(differences, rule.margin);
    let decided = values
        .iter()
        .zip(stakes::noises(values))
        .enumerate()
        .find_map(|(before, (difference, noise))| {
            games.play(*difference, noise);
            let blocks = before + 1;
            let is_last = ended && blocks == values.len();
            let known = (blocks >= least).then(|| games.known(alpha));
            Some((known?.verdict(is_last)?, blocks))
        });
    let blocks = decided.map_or(values.len(), |(_, blocks)| blocks);
    let judged = &values[..blocks];
    let interval = stakes::interval(judged, alpha);
    let estimate = Estimate::of(judged, 2.0 * alpha).map(|of| Estimate {
        // A lopsided sample's median may lie beside what its interval leaves open.
        median: interval.map_or(of.median, |at| of.median.max(at.low).min(at.high)),
        interval,
        ..of
    });
    let verdict = decided.map(|(verdict, _)| verdict);
    let is_open = matches!(verdict, None | Some(Verdict::Inconclusive));
    Judged {
        verdict,
        estimate,
        blocks,
        needed: if is_open {
            needed(differences, estimate, rule).max(blocks + 1)
        } else {
            0
        },
    }
}

/// Blocks after which the interval is narrow enough for a verdict, about: its width falls with their square root.
fn needed(differences: &Differences, estimate: Option<Estimate>, rule: &Sequential) -> usize {
    let least = rule.least_blocks();
    let both = estimate.and_then(|estimate| Some((estimate, estimate.interval?)));
    let Some((estimate, interval)) = both else {
        return least;
    };
    let (margin, resolution) = differences.margins(rule.margin);
    let size = estimate.median.abs();
    let room = (size - margin).max(resolution - size);
    let half = (interval.high - interval.low) / 2.0;
    let times = (half / room).powi(2).max(1.0);
    ((estimate.values as f64 * times).ceil() as usize).max(least)
}

/// What is certain of the true difference.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// Beyond the margin, slower or faster,
    beyond: Option<Verdict>,
    /// or within it,
    within_margin: bool,
    /// or within the resolution.
    within_resolution: bool,
}

impl Known {
    /// The verdict; none while there is more to come that could give one.
    fn verdict(self, is_last: bool) -> Option<Verdict> {
        if self.beyond.is_some() {
            self.beyond
        } else if self.within_margin || is_last && self.within_resolution {
            Some(Verdict::NoChange)
        } else {
            is_last.then_some(Verdict::Inconclusive)
        }
    }
}

fn beyond(above: bool, below: bool) -> Option<Verdict> {
    match (above, below) {
        (true, _) => Some(Verdict::Slower),
        (false, true) => Some(Verdict::Faster),
        (false, false) => None,
    }
}

/// The games that a verdict is made of, each against the end of a range.
struct Games {
    is_of_rates: bool,
    margin: f64,
    resolution: f64,
    above: Game,
    below: Game,
    /// That it is above the range's lower end, and below its upper one.
    within_margin: [Game; 2],
    within_resolution: [Game; 2],
    sum: f64,
    blocks: usize,
}

impl Games {
    fn of(differences: &Differences, margin: f64) -> Self {
        let (margin, resolution) = differences.margins(margin);
        let is_of_rates = differences.scale == Scale::Rate;
        // Most blocks may have no failure at all: what is typical says nothing of the others. So it is staked on which
        // side has more of them, block by block, and the mean must be beyond the margin.
        let claim = if is_of_rates { 0.0 } else { margin };
        let within = |end: f64| {
            [
                Game::against(-end, Side::Above),
                Game::against(end, Side::Below),
            ]
        };
        Self {
            is_of_rates,
            margin,
            resolution,
            above: Game::against(claim, Side::Above),
            below: Game::against(-claim, Side::Below),
            within_margin: within(margin),
            within_resolution: within(resolution),
            sum: 0.0,
            blocks: 0,
        }
    }

    fn play(&mut self, difference: f64, noise: f64) {
        let noise_of_sides = if self.is_of_rates { 0.0 } else { noise };
        self.above.play(difference, noise_of_sides);
        self.below.play(difference, noise_of_sides);
        for game in self
            .within_margin
            .iter_mut()
            .chain(&mut self.within_resolution)
        {
            game.play(difference, noise);
        }
        self.sum += difference;
        self.blocks += 1;
    }

    fn known(&self, alpha: f64) -> Known {
        let are_won = |games: &[Game; 2]| games.iter().all(|game| game.is_won(alpha));
        let (above, below) = (self.above.is_won(alpha), self.below.is_won(alpha));
        let within_resolution = are_won(&self.within_resolution);
        if !self.is_of_rates {
            return Known {
                beyond: beyond(above, below),
                within_margin: are_won(&self.within_margin),
                within_resolution,
            };
        }
        let mean = self.sum / self.blocks.max(1) as f64;
        Known {
            beyond: beyond(above && mean > self.margin, below && mean < -self.margin),
            within_margin: mean.abs() <= self.margin,
            within_resolution: within_resolution && mean.abs() <= self.resolution,
        }
    }
}

#[cfg(test)]
mod rivals;
#[cfg(test)]
mod tests;
