//! A row: one metric on both sides under a rule, and how it is written.

use serde::Serialize;

use super::differences::{Differences, Scale};
use super::metric::{Kind, Metric};
use super::{Judged, Rule, Verdict};
use crate::order_statistics::Interval;
use crate::quantity;

/// One metric on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its name: `p50`, `cpu`, `errors`, or that of a benchmark.
    pub metric: String,
    /// The step, where the load has several and the metric is one of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// What it is here for.
    pub role: Role,
    /// What its figures are: `time` (ns), `bytes`, `per-second`, `share` or `count`.
    pub kind: Kind,
    /// The base's estimate: the median over the blocks that the effect rests on, for shares that of all requests.
    pub base: Option<f64>,
    /// The head's: the base's, changed by the effect, so that a row never contradicts itself.
    pub head: Option<f64>,
    /// For shares: how many of how many, of the base and the head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<[[u64; 2]; 2]>,
    /// The change: 0.07 is 7 % more; for shares the difference of [`Row::head`] and [`Row::base`],
    /// since the median block of a rare failure has none.
    pub effect: Option<f64>,
    /// Its interval, at the error of the rule: 95 % for what is described; none where blocks do not carry it.
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
    /// Requests of the base and the head.
    pub samples: [u64; 2],
    /// Blocks that a verdict would take, about; 0 where there is one.
    #[serde(skip)]
    pub needed: usize,
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

impl Role {
    /// What a row of this rule is here for.
    pub(super) fn of(rule: &Rule) -> Self {
        match rule {
            Rule::Describe { .. } => Self::Beside,
            Rule::Sequential(_) | Rule::Limit(_) | Rule::Threshold(_) => Self::Gated,
        }
    }
}

impl Row {
    /// A row of which nothing is measured.
    pub(crate) fn new(metric: &str, kind: Kind, role: Role) -> Self {
        Self {
            metric: metric.to_owned(),
            step: None,
            role,
            kind,
            base: None,
            head: None,
            counts: None,
            effect: None,
            interval: None,
            absolute: false,
            verdict: None,
            within_noise: true,
            blocks: 0,
            samples: [0, 0],
            needed: 0,
        }
    }

    /// A metric, or a benchmark, whose differences were judged.
    #[must_use]
    pub fn judged(
        metric: &str,
        kind: Kind,
        role: Role,
        differences: &Differences,
        judged: &Judged,
    ) -> Self {
        let scale = differences.scale;
        let level = differences.level(judged.blocks);
        let both = level.zip(judged.estimate);
        let effects = judged
            .estimate
            .map(|estimate| estimate.map(|difference| effect(scale, kind, difference)));
        let interval = effects.and_then(|effects| effects.interval);
        let differs = matches!(judged.verdict, Some(Verdict::Slower | Verdict::Faster));
        Self {
            base: both.map(|(base, _)| figure(scale, kind, base)),
            head: both.map(|(base, estimate)| figure(scale, kind, base + estimate.median)),
            effect: effects.map(|effects| effects.median),
            interval,
            absolute: matches!(scale, Scale::Absolute { .. }),
            verdict: judged.verdict,
            within_noise: !differs && interval.is_none_or(|at| at.low <= 0.0 && 0.0 <= at.high),
            blocks: judged.blocks,
            needed: judged.needed,
            ..Self::new(metric, kind, role)
        }
    }

    /// Head by base; none for a base of 0, which nothing is a multiple of.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        Some(1.0 + self.relative(self.effect?)?)
    }

    /// The interval of the ratio.
    #[must_use]
    pub fn ratio_interval(&self) -> Option<Interval> {
        let interval = self.interval?;
        Some(Interval {
            low: 1.0 + self.relative(interval.low)?,
            high: 1.0 + self.relative(interval.high)?,
            ..interval
        })
    }

    /// A change as a share of the base; none of a base of 0.
    fn relative(&self, effect: f64) -> Option<f64> {
        match (self.absolute, self.base) {
            (false, _) => Some(effect),
            (true, Some(base)) => (base > 0.0).then(|| effect / base),
            (true, None) => None,
        }
    }

    /// `p50`, or `p50 get-items` where there are several steps.
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
            // They hardly vary: every digit says something.
            Kind::Count => quantity::grouped(figure.round() as u64),
        }
    }

    /// A change of this row, with its sign: `+0.7 %`, `+0.5 points`, or `+120 ns` where a side is 0.
    #[must_use]
    pub fn changed(&self, effect: f64) -> String {
        match self.kind {
            _ if self.absolute => quantity::signed(effect, |size| self.written(size)),
            Kind::Share => quantity::points(effect),
            Kind::Time | Kind::Bytes | Kind::PerSecond | Kind::Count => quantity::effect(effect),
        }
    }

    /// Both ends of the interval of such a change.
    #[must_use]
    pub fn changed_between(&self, low: f64, high: f64) -> String {
        match self.kind {
            _ if self.absolute => quantity::range(low, high, |end| self.changed(end)),
            Kind::Share => quantity::points_between(low, high),
            Kind::Time | Kind::Bytes | Kind::PerSecond | Kind::Count => {
                quantity::effects(low, high)
            }
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

/// A difference as a change of the quantity: of what is better when there is more, what is worse is less of it.
fn effect(scale: Scale, kind: Kind, difference: f64) -> f64 {
    match (scale, kind) {
        (Scale::Absolute { .. }, Kind::PerSecond) => -difference,
        (Scale::Rate | Scale::Absolute { .. }, _) => difference,
        (Scale::Logarithm { .. }, Kind::PerSecond) => (-difference).exp_m1(),
        (Scale::Logarithm { .. }, _) => difference.exp_m1(),
    }
}

/// A level of the scale as the quantity.
fn figure(scale: Scale, kind: Kind, level: f64) -> f64 {
    match (scale, kind) {
        (Scale::Absolute { .. }, Kind::PerSecond) => -level,
        (Scale::Rate | Scale::Absolute { .. }, _) => level,
        (Scale::Logarithm { .. }, Kind::PerSecond) => out_of_logarithm(-level),
        (Scale::Logarithm { .. }, _) => out_of_logarithm(level),
    }
}

/// Without the last digits, which the way through a logarithm costs: 100 ns are 100, and not 100.00000000000004.
fn out_of_logarithm(level: f64) -> f64 {
    const DIGITS: i32 = 12;
    let value = level.exp();
    let scale = 10_f64.powi(DIGITS - value.log10().ceil() as i32);
    let rounded = (value * scale).round() / scale;
    if rounded.is_finite() { rounded } else { value }
}

/// Changes of a count of instructions below are none: 1 %.
pub const INSTRUCTIONS: f64 = 0.01;

impl Row {
    /// Counts of both sides, a value a pass: under [`Rule::Threshold`] every pass of the head is judged against every one
    /// of the base, and under any other rule nothing is.
    #[must_use]
    pub fn counted(name: &str, base: &[f64], head: &[f64], rule: &Rule) -> Self {
        let mean = |values: &[f64]| {
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        let both = !base.is_empty() && !head.is_empty();
        // Nothing is a share of a base of 0.
        let change = |head: f64, base: f64| (both && base > 0.0).then(|| head / base - 1.0);
        let verdict = match rule {
            Rule::Threshold(share) if both => Some({
                let beyond = |share: f64| {
                    (
                        least(head) > most(base) * (1.0 + share),
                        most(head) < least(base) * (1.0 - share),
                    )
                };
                let within = least(head) >= most(base) * (1.0 - share)
                    && most(head) <= least(base) * (1.0 + share);
                match beyond(*share) {
                    (true, _) => Verdict::Slower,
                    (_, true) => Verdict::Faster,
                    _ if within => Verdict::NoChange,
                    _ => Verdict::Inconclusive,
                }
            }),
            _ => None,
        };
        let range = change(least(head), most(base)).zip(change(most(head), least(base)));
        let (base, head) = (mean(base), mean(head));
        Self {
            base,
            head,
            effect: base.zip(head).and_then(|(base, head)| change(head, base)),
            interval: range.map(|(low, high)| Interval {
                low,
                high,
                coverage: 1.0,
            }),
            verdict,
            within_noise: !matches!(verdict, Some(Verdict::Slower | Verdict::Faster)),
            ..Self::new(name, Kind::Count, Role::of(rule))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_beyond_the_threshold_in_every_pass_is_one() {
        let verdict = |base: &[f64], head: &[f64]| {
            Row::counted("instructions", base, head, &Rule::Threshold(INSTRUCTIONS)).verdict
        };
        assert_eq!(
            verdict(&[100.0, 100.1], &[101.5, 101.4]),
            Some(Verdict::Slower)
        );
        assert_eq!(
            verdict(&[100.0, 100.1], &[98.0, 98.1]),
            Some(Verdict::Faster)
        );
        assert_eq!(
            verdict(&[100.0, 100.1], &[100.2, 100.3]),
            Some(Verdict::NoChange)
        );
        assert_eq!(
            verdict(&[100.0], &[100.5, 101.5]),
            Some(Verdict::Inconclusive)
        );
        assert_eq!(verdict(&[], &[100.0]), None);
    }

    #[test]
    fn of_a_base_of_nothing_any_more_is_slower_and_nothing_is_no_change() {
        let row = |head: f64| Row::counted("allocations", &[0.0], &[head], &Rule::Threshold(0.0));
        assert_eq!(row(1.0).verdict, Some(Verdict::Slower));
        assert_eq!(
            (row(0.0).verdict, row(0.0).effect),
            (Some(Verdict::NoChange), None)
        );
    }
}
