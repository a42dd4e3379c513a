//! Limits: `p50 > 20%` (more than the base by that much), `p99 > 25ms` (the head alone),
//! `errors > 0.1%` (percentage points more than the base).

use std::str::FromStr;

use super::metric::{Kind, Metric};
use super::{Row, Verdict};
use crate::duration;
use crate::nearest::did_you_mean;
use crate::quantity;

/// Why a limit of a change says nothing where the base is 0.
const OF_NOTHING: &str =
    "the base is 0, and nothing is a share of it: limit the head, as `p99 > 25ms` does";

/// What a comparison must not exceed.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    metric: Metric,
    bound: Bound,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Bound {
    /// A share of the base, or points of error rate: 0.2 for 20 %.
    Above(f64),
    /// Nanoseconds, of the head.
    Absolute(f64),
}

/// A limit that does not say what it limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// There is no `>`, or something is missing beside it.
    #[error("`{0}` is not a limit: write for example `p50 > 20%`, `p99 > 25ms` or `errors > 0.1%`")]
    Form(String),
    /// The statistic has no such name.
    #[error("`{0}` is not a statistic: use {all}{near}", all = listed(), near = near(.0))]
    Statistic(String),
    /// The bound is not a number of a known unit.
    #[error("`{0}` is not a bound: use a number of 0 or more with %, ns, us, ms, s or m")]
    Bound(String),
    /// Error rates have no time.
    #[error(
        "`{0}`: errors are limited in percentage points above the base, for example `errors > 0.1%`"
    )]
    ErrorsInTime(String),
}

/// Of which metrics a limit is judged: those of any two runs.
fn limited() -> impl Iterator<Item = Metric> {
    Metric::times().chain([Metric::Errors])
}

/// `p50, max or errors`.
fn listed() -> String {
    let times: Vec<_> = Metric::times().map(|metric| metric.to_string()).collect();
    format!("{} or {}", times.join(", "), Metric::Errors)
}

/// "; did you mean `p50`?": the end of a message about a name that is none.
fn near(name: &str) -> String {
    let names: Vec<_> = limited().map(|metric| metric.to_string()).collect();
    did_you_mean(name, names.iter().map(String::as_str))
}

impl Limit {
    /// Reads limits separated by commas.
    ///
    /// # Errors
    /// When one of them does not say what it limits.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, LimitError> {
        text.split(',').map(str::parse).collect()
    }

    /// What it limits.
    #[must_use]
    pub fn metric(&self) -> &Metric {
        &self.metric
    }

    /// Whether it limits a change, not the head alone.
    pub(crate) fn is_relative(&self) -> bool {
        matches!(self.bound, Bound::Above(_))
    }

    /// The change that it allows, as a share; anything for an absolute limit.
    pub(crate) fn share(&self) -> f64 {
        match self.bound {
            Bound::Above(share) => share,
            Bound::Absolute(_) => f64::INFINITY,
        }
    }

    /// What it finds in a row: the change as a share, points of error rate, or the head's nanoseconds; none where the row
    /// lacks it, and where the base is 0 and the head is not.
    #[must_use]
    pub fn found(&self, row: &Row) -> Option<f64> {
        match self.bound {
            Bound::Absolute(_) => row.head,
            Bound::Above(_) if row.kind == Kind::Share => row.effect,
            Bound::Above(_) => match row.ratio() {
                Some(ratio) => Some(ratio - 1.0),
                None => row.effect.filter(|difference| *difference == 0.0),
            },
        }
    }

    /// Whether the row is beyond it: [`Verdict::Slower`] where it is, [`Verdict::NoChange`] where the limit held.
    #[must_use]
    pub fn verdict(&self, row: &Row) -> Verdict {
        let (Bound::Above(at_most) | Bound::Absolute(at_most)) = self.bound;
        match self.found(row) {
            None => Verdict::Inconclusive,
            Some(found) if found > at_most => Verdict::Slower,
            Some(_) => Verdict::NoChange,
        }
    }

    /// Why it says nothing of a row that was measured, where that is so.
    pub(crate) fn objection(&self, row: &Row) -> Option<String> {
        let of_nothing = self.is_relative() && self.found(row).is_none() && row.base == Some(0.0);
        of_nothing.then(|| OF_NOTHING.to_owned())
    }

    /// How a finding of this limit is to be written: in nanoseconds, or as a share.
    pub(crate) fn written(found: f64, limit: &str) -> String {
        if limit.ends_with('%') {
            quantity::change(found + 1.0)
        } else {
            quantity::duration(found)
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.bound {
            Bound::Above(share) => write!(out, "{} > {}%", self.metric, share * 100.0),
            Bound::Absolute(ns) => {
                write!(out, "{} > {}", self.metric, quantity::tick(ns))
            }
        }
    }
}

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let form = || LimitError::Form(text.trim().to_owned());
        let (name, bound) = text.split_once('>').ok_or_else(form)?;
        let (name, bound) = (name.trim(), bound.trim());
        if name.is_empty() || bound.is_empty() {
            return Err(form());
        }
        let metric = limited()
            .find(|metric| metric.to_string() == name)
            .ok_or_else(|| LimitError::Statistic(name.to_owned()))?;
        let bound = parse_bound(bound).ok_or_else(|| LimitError::Bound(bound.to_owned()))?;
        if metric == Metric::Errors && matches!(bound, Bound::Absolute(_)) {
            return Err(LimitError::ErrorsInTime(text.trim().to_owned()));
        }
        Ok(Self { metric, bound })
    }
}

fn parse_bound(text: &str) -> Option<Bound> {
    let Some(percent) = text.strip_suffix('%') else {
        return duration::nanoseconds(text).map(Bound::Absolute);
    };
    let percent: f64 = percent.trim().parse().ok()?;
    (percent.is_finite() && percent >= 0.0).then_some(Bound::Above(percent / 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_written_alike() {
        for (text, written) in [
            ("p50 > 20%", "p50 > 20%"),
            (" p99.9>0.5 % ", "p99.9 > 0.5%"),
            ("max > 25ms", "max > 25 ms"),
            ("mean > 1.5 us", "mean > 1.5 µs"),
            ("p99 > 2s", "p99 > 2 s"),
            ("errors > 0.1%", "errors > 0.1%"),
        ] {
            assert_eq!(text.parse::<Limit>().unwrap().to_string(), written);
        }
        assert_eq!(Limit::parse_all("p50 > 20%, errors > 0%").unwrap().len(), 2);
    }

    #[test]
    fn what_is_not_a_limit_is_told_how_to_be_one() {
        let said = [
            "p50",
            "p50 >",
            "p51 > 3%",
            "p50 > many",
            "p50 > -1%",
            "p50 > 20",
            "errors > 3ms",
            "p50 > NaN%",
            "",
        ]
        .map(|text| text.parse::<Limit>().unwrap_err().to_string());
        insta::assert_snapshot!(said.join("\n"));
    }
}
