//! Limits: `p50 > 20%` (more than the base by that much), `p99 > 25ms` (the head alone),
//! `errors > 0.1%` (percentage points more than the base).

use std::str::FromStr;

use serde::Serialize;

use super::pair::Time;
use super::{Pair, Statistic};
use crate::duration;

/// Why a limit of a change says nothing where the base is 0.
const OF_NOTHING: &str =
    "the base is 0, and nothing is a share of it: limit the head, as `p99 > 25ms` does";

/// What a comparison must not exceed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    statistic: Statistic,
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
    #[error(
        "`{0}` is not a statistic: use p50, p75, p90, p99, p99.9, p99.99, max, mean, cpu or errors{near}",
        near = Statistic::near(.0)
    )]
    Statistic(String),
    /// The bound is not a number of a known unit.
    #[error("`{0}` is not a bound: use a number of 0 or more with %, ns, us, ms or s")]
    Bound(String),
    /// Error rates have no time.
    #[error(
        "`{0}`: errors are limited in percentage points above the base, for example `errors > 0.1%`"
    )]
    ErrorsInTime(String),
}

/// What became of a limit at one pair.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The limit, as written.
    pub limit: String,
    /// Variant, load and step.
    pub pair: String,
    /// What was found: ratio − 1, points of error rate, or nanoseconds; none when it was not.
    pub found: Option<f64>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it was not judged, where that is not for want of samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objection: Option<String>,
}

/// Whether a limit held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It held.
    Held,
    /// It was broken.
    Broken,
    /// The samples do not carry the statistic, or the machines do not.
    CannotTell,
}

impl Limit {
    /// Reads limits separated by commas.
    ///
    /// # Errors
    /// When one of them does not say what it limits.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, LimitError> {
        text.split(',').map(str::parse).collect()
    }

    /// Whether it limits failures.
    pub(crate) fn is_of_errors(&self) -> bool {
        self.statistic == Statistic::Errors
    }

    /// What it limits.
    pub(crate) fn statistic(&self) -> Statistic {
        self.statistic
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

    /// Judges one pair, unless something is said against that.
    pub(crate) fn judge(&self, pair: &Pair, objection: Option<&String>) -> Judged {
        let (found, at_most) = match self.bound {
            Bound::Above(share) if self.statistic == Statistic::Errors => {
                let [base, head] = pair.errors;
                (
                    (base.requests > 0 && head.requests > 0).then_some(head.rate - base.rate),
                    share,
                )
            }
            Bound::Above(share) => (self.time(pair).and_then(Time::change), share),
            Bound::Absolute(ns) => (self.time(pair).and_then(|time| time.head_ns), ns),
        };
        let of_nothing = self.is_relative()
            && self
                .time(pair)
                .is_some_and(|time| found.is_none() && time.base_ns == Some(0.0));
        let of_nothing = of_nothing.then(|| OF_NOTHING.to_owned());
        let verdict = match found {
            None => Verdict::CannotTell,
            Some(_) if objection.is_some() => Verdict::CannotTell,
            Some(found) if found > at_most => Verdict::Broken,
            Some(_) => Verdict::Held,
        };
        Judged {
            limit: self.to_string(),
            pair: format!("{}, {}, {}", pair.variant, pair.at.load, pair.at.step),
            found,
            verdict,
            objection: objection.cloned().or(of_nothing),
        }
    }

    /// How a finding of this limit is to be written: in nanoseconds, or as a share.
    pub(crate) fn written(found: f64, limit: &str) -> String {
        if limit.ends_with('%') {
            crate::quantity::change(found + 1.0)
        } else {
            crate::quantity::duration(found)
        }
    }

    fn time<'a>(&self, pair: &'a Pair) -> Option<&'a Time> {
        pair.times
            .iter()
            .find(|time| time.statistic == self.statistic)
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.bound {
            Bound::Above(share) => write!(out, "{} > {}%", self.statistic, share * 100.0),
            Bound::Absolute(ns) => {
                write!(out, "{} > {}", self.statistic, crate::quantity::tick(ns))
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
        let statistic =
            Statistic::named(name).ok_or_else(|| LimitError::Statistic(name.to_owned()))?;
        let bound = parse_bound(bound).ok_or_else(|| LimitError::Bound(bound.to_owned()))?;
        if statistic == Statistic::Errors && matches!(bound, Bound::Absolute(_)) {
            return Err(LimitError::ErrorsInTime(text.trim().to_owned()));
        }
        Ok(Self { statistic, bound })
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
