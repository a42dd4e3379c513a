//! A variant against the baseline in words, by the verdict of the judge and never beyond it. The ladder, the picture and the
//! sentences of a finding all take them from here.

use crate::judge::{Row, Verdict};
use crate::order_statistics::Interval;
use crate::quantity;

/// A greater ratio is a multiple: a change of so many hundredths is hard to read.
const MANIFOLD: f64 = 10.0;

/// What may be said of a variant: its verdict, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The judge's verdict.
    Verdict(Verdict),
    /// Too few blocks, too few samples, or a machine that does not carry it.
    NoVerdict,
    /// Too few blocks for an interval.
    NoInterval,
}

/// A variant against the baseline at one metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Against {
    /// What may be said of it.
    pub told: Told,
    /// The variant's time by the baseline's; none where nothing was measured, or nothing took time.
    ratio: Option<f64>,
    interval: Option<Interval>,
    /// More blocks would make a verdict of it.
    lacks_blocks: bool,
}

impl Against {
    /// Of a row, if at least so many blocks carry it.
    #[must_use]
    pub fn of(row: Option<&Row>, least_blocks: usize) -> Self {
        let told = match row {
            Some(row) if row.interval.is_some() => match row.verdict {
                Some(verdict) if row.blocks >= least_blocks => Told::Verdict(verdict),
                _ => Told::NoVerdict,
            },
            _ => Told::NoInterval,
        };
        Self {
            told,
            ratio: row.and_then(Row::ratio).filter(|ratio| *ratio > 0.0),
            interval: row.and_then(Row::ratio_interval),
            lacks_blocks: row.is_some_and(|row| row.blocks < least_blocks),
        }
    }

    /// Whether both were measured, so that one can be a multiple of the other.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.ratio.is_some()
    }

    /// Whether a verdict lacks blocks, and nothing else is known to be lacking.
    #[must_use]
    pub fn lacks_blocks(&self) -> bool {
        matches!(self.told, Told::NoVerdict | Told::NoInterval) && self.lacks_blocks
    }

    /// As a multiple of the baseline, whatever the verdict, and its interval: `1.03×` and `1.02× … 1.04×`. None where nothing
    /// was measured.
    #[must_use]
    pub fn multiple(&self) -> Option<[String; 2]> {
        let ends = |Interval { low, high, .. }| quantity::range(low, high, quantity::times);
        let interval = self.interval.map_or(String::new(), ends);
        Some([quantity::times(self.ratio?), interval])
    }

    /// `2.00× faster`, `1.08× slower`, or what the verdict is where it claims no direction.
    #[must_use]
    pub fn words(&self) -> String {
        let directed = |ratio: Option<f64>, word: &str| match ratio {
            Some(ratio) => format!("{} {word}", quantity::times(ratio)),
            None => word.to_owned(),
        };
        match self.told {
            Told::Verdict(Verdict::Faster) => directed(self.ratio.map(f64::recip), "faster"),
            Told::Verdict(Verdict::Slower) => directed(self.ratio, "slower"),
            Told::Verdict(Verdict::NoChange) => "no change".to_owned(),
            Told::Verdict(Verdict::Inconclusive) => "not distinguishable".to_owned(),
            Told::NoVerdict | Told::NoInterval => "no verdict".to_owned(),
        }
    }

    /// The same, with what a verdict lacks where that is blocks: for where there is room.
    #[must_use]
    pub fn words_and_why(&self) -> String {
        if self.lacks_blocks() {
            "too few blocks".to_owned()
        } else {
            self.words()
        }
    }

    /// The confidence interval in the direction of the words: `1.90× … 2.10×`; as a change of the baseline's time where
    /// they claim none: `−2.9 … +5.3 %`, or `18 500× … 38 700× as long`. None without an interval.
    #[must_use]
    pub fn ends(&self) -> Option<String> {
        let Interval { low, high, .. } = self.interval?;
        Some(match self.told {
            Told::Verdict(Verdict::Faster) if low > 0.0 => {
                quantity::range(1.0 / high, 1.0 / low, quantity::times)
            }
            Told::Verdict(Verdict::Slower) => quantity::range(low, high, quantity::times),
            _ if high > MANIFOLD => {
                format!("{} as long", quantity::range(low, high, quantity::times))
            }
            _ => quantity::effects(low - 1.0, high - 1.0),
        })
    }

    /// The interval as a table shows it, with what it covers where that is little; empty without one.
    #[must_use]
    pub fn interval(&self) -> String {
        let thin = self.interval.filter(Interval::is_thin);
        let covers = thin.map_or(String::new(), |thin| {
            format!(" ({})", quantity::share(thin.coverage))
        });
        self.ends().map_or(String::new(), |ends| ends + &covers)
    }

    /// How much the interval covers at the least; none without one.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        Some(self.interval?.coverage)
    }
}
