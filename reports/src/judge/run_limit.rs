//! Limits of one run, without another to compare it with: `p95 > 50ms`, `rate < 900`, `errors > 0.1%`.
//!
//! Latencies are of the time that stands first: of open loads the response time, of closed loads the service time.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::duration;
use crate::quantity;
use crate::run::{Figure, LoadStep, PERCENTILES, Run, Slice, throughput};

/// A limit of a run: what it limits, and beyond which bound the run fails.
#[derive(Debug, Clone, PartialEq)]
pub struct RunLimit {
    of: Of,
    bound: f64,
    typed: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Of {
    /// Of each step's latency, nanoseconds.
    Percentile(f64),
    Mean,
    Max,
    /// Requests a second, which must not be fewer.
    Rate,
    /// Of all requests, as a share.
    ErrorRate,
    /// Requests that failed.
    Errors,
}

/// A limit that does not say what it limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a limit of a run: write `p95 > 50ms` (any percentile from p1 to p99.99, mean or max), `rate < 900`, `errors > 0.1%` or `errors > 10`"
)]
pub struct NotALimit(String);

/// A limit, and what was found of one variant under one load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// The limit, as typed.
    pub limit: String,
    /// The variant's name.
    pub variant: String,
    /// The load's name.
    pub load: String,
    /// The step, where it is of one.
    pub step: Option<String>,
    /// What was found: nanoseconds, requests a second, a share or a count; none where nothing was measured.
    pub found: Option<f64>,
    /// The same, as people read it.
    pub shown: String,
    /// Whether the limit was broken. What was not measured breaks it too.
    pub broken: bool,
}

impl RunLimit {
    /// Reads limits separated by commas.
    ///
    /// # Errors
    /// When one of them does not say what it limits.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, NotALimit> {
        text.split(',').map(str::parse).collect()
    }

    fn is_of_step(&self) -> bool {
        matches!(self.of, Of::Percentile(_) | Of::Mean | Of::Max)
    }

    fn of_figure(&self, figure: &Figure) -> Option<f64> {
        Some(match self.of {
            Of::Percentile(percentile) => value_at(figure, percentile) as f64,
            Of::Mean => figure.mean,
            Of::Max => figure.max as f64,
            _ => return None,
        })
    }

    fn of_slices(&self, slices: &[&Slice]) -> Option<f64> {
        let failed: u64 = slices.iter().map(|slice| slice.failures()).sum();
        let ok: u64 = slices.iter().map(|slice| slice.ok).sum();
        match self.of {
            Of::Rate => throughput(slices.iter().copied()),
            Of::Errors => Some(failed as f64),
            Of::ErrorRate if ok + failed > 0 => Some(failed as f64 / (ok + failed) as f64),
            _ => None,
        }
    }

    fn breaks(&self, found: Option<f64>) -> bool {
        match (self.of, found) {
            (_, None) => true,
            (Of::Rate, Some(found)) => found < self.bound,
            (_, Some(found)) => found > self.bound,
        }
    }

    fn shown(&self, found: Option<f64>) -> String {
        match (self.of, found) {
            (_, None) => "not measured".to_owned(),
            (Of::Rate, Some(found)) => format!("{}/s", quantity::number(found)),
            (Of::Errors, Some(found)) => quantity::number(found),
            (Of::ErrorRate, Some(found)) => format!("{:.2} %", found * 100.0),
            (_, Some(found)) => quantity::duration(found),
        }
    }
}

impl FromStr for RunLimit {
    type Err = NotALimit;

    fn from_str(text: &str) -> Result<Self, NotALimit> {
        let refused = || NotALimit(text.trim().to_owned());
        let place = text.find(['<', '>']).ok_or_else(refused)?;
        let (name, bound) = (text[..place].trim(), text[place + 1..].trim());
        let is_least = text[place..].starts_with('<');
        let time = || duration::nanoseconds(bound);
        let number = |text: &str| {
            let number: f64 = text.trim().parse().ok()?;
            (number.is_finite() && number >= 0.0).then_some(number)
        };
        let (of, bound) = match (name, is_least) {
            ("rate", true) => (Of::Rate, number(bound.strip_suffix("/s").unwrap_or(bound))),
            ("errors", false) => match bound.strip_suffix('%') {
                Some(percent) => (Of::ErrorRate, number(percent).map(|share| share / 100.0)),
                None => (Of::Errors, number(bound)),
            },
            ("mean", false) => (Of::Mean, time()),
            ("max", false) => (Of::Max, time()),
            (name, false) => {
                let percentile = name.strip_prefix('p').and_then(number);
                let percentile = percentile.filter(|of| (1.0..=99.99).contains(of));
                (Of::Percentile(percentile.ok_or_else(refused)?), time())
            }
            _ => return Err(refused()),
        };
        Ok(Self {
            of,
            bound: bound.ok_or_else(refused)?,
            typed: text.trim().to_owned(),
        })
    }
}

/// A percentile of a merged figure: as it holds it, or read from its curve; between two points of
/// the curve, the greater value.
fn value_at(figure: &Figure, percentile: f64) -> u64 {
    let held = PERCENTILES
        .iter()
        .position(|held| held.total_cmp(&percentile).is_eq());
    let held = held
        .and_then(|place| figure.percentiles.get(place))
        .copied();
    let of_curve = || {
        let above = figure.curve.iter().find(|(at, _)| *at >= percentile);
        above.map(|(_, value)| *value)
    };
    held.or_else(of_curve)
        .unwrap_or_else(|| figure.at(percentile))
}

/// Checks each limit for each variant under each load that was measured.
#[must_use]
pub fn check(run: &Run, limits: &[RunLimit]) -> Vec<Checked> {
    let mut checked = Vec::new();
    for limit in limits {
        for (load, variant) in run
            .scenario
            .loads
            .iter()
            .flat_map(|load| run.variants.iter().map(move |variant| (load, variant)))
        {
            let mut add = |step: Option<&String>, found: Option<f64>| {
                checked.push(Checked {
                    limit: limit.typed.clone(),
                    variant: variant.name.clone(),
                    load: load.name.clone(),
                    step: step.cloned(),
                    found,
                    shown: limit.shown(found),
                    broken: limit.breaks(found),
                });
            };
            if !limit.is_of_step() {
                let slices: Vec<&Slice> = run.slices_of(&load.name, &variant.name).collect();
                add(None, limit.of_slices(&slices));
                continue;
            }
            for step in &load.steps {
                let at = LoadStep {
                    load: load.name.clone(),
                    step: step.clone(),
                };
                let figure = run.latency(&variant.name, &at);
                let figure = figure.filter(|figure| figure.count > 0);
                add(
                    Some(step),
                    figure.and_then(|figure| limit.of_figure(figure)),
                );
            }
        }
    }
    checked
}

impl fmt::Display for Checked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.broken { "broken" } else { "held" };
        let Self {
            limit,
            variant,
            load,
            shown,
            ..
        } = self;
        let step = self.step.as_ref();
        let step = step.map_or(String::new(), |step| format!(", step {step}"));
        write!(
            out,
            "limit {limit}: {verdict}, {shown} ({variant} under {load}{step})"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_say_what_they_limit() {
        let read =
            RunLimit::parse_all("p95 > 50ms, rate < 900/s,errors>0.5 %, errors > 3").unwrap();
        let seen: Vec<_> = read.iter().map(|limit| (limit.of, limit.bound)).collect();
        let expected = [
            (Of::Percentile(95.0), 50e6),
            (Of::Rate, 900.0),
            (Of::ErrorRate, 0.005),
            (Of::Errors, 3.0),
        ];
        assert_eq!(seen, expected);
        for text in [
            "",
            "p95",
            "p95 < 50ms",
            "p95 > 50",
            "p95 > 5%",
            "p0 > 1s",
            "p100 > 1s",
            "pNaN > 1s",
            "rate > 900",
            "rate < -1",
            "errors < 1%",
            "errors > NaN",
            "speed > 3",
        ] {
            let said = RunLimit::parse_all(text).unwrap_err().to_string();
            assert!(said.contains("write `p95 > 50ms`"), "{text}: {said}");
        }
    }

    #[test]
    fn a_percentile_is_read_from_the_curve_where_the_figure_does_not_hold_it() {
        let figure = Figure {
            variant: String::new(),
            load: String::new(),
            step: String::new(),
            metric: String::new(),
            count: 10,
            min: 1,
            mean: 5.0,
            max: 10,
            percentiles: vec![5, 8, 9, 10],
            curve: vec![(80.0, 8), (95.0, 9), (100.0, 10)],
            buckets: Vec::new(),
        };
        assert_eq!(value_at(&figure, 50.0), 5);
        assert_eq!(value_at(&figure, 85.0), 9);
        assert_eq!(value_at(&figure, 99.9), 10);
    }
}
