//! What a run found, in sentences made from its figures alone: what its changes made, what passed after a revoke, and each
//! variant beside the baseline: faster, slower, or not to be told apart. A run that is not to be believed says so first.

use crate::ladder::{Rung, Staleness, Table};
use crate::quantity;
use crate::run::{Run, Verdict};

/// What a run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The scenario.
    pub scenario: String,
    /// What was asked.
    pub question: String,
    /// Why it is not to be believed, where it is not.
    pub doubt: Option<String>,
    /// What was found; the most telling first.
    pub sentences: Vec<String>,
}

impl Finding {
    /// Of a run, also of one that is partial, invalid or empty.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let table = Table::of(run);
        let mut sentences: Vec<String> = table.changes.sentence().into_iter().collect();
        sentences.extend(table.staleness.iter().map(Staleness::sentence));
        sentences.extend(table.searches.iter().cloned());
        let baseline = table.rungs.iter().find(|rung| rung.is_baseline);
        if let Some(baseline) = baseline {
            let others = table.rungs.iter().filter(|rung| !rung.is_baseline);
            sentences.extend(others.map(|rung| beside(rung, baseline)));
        }
        Self {
            scenario: run.scenario.name.clone(),
            question: run.scenario.question.clone(),
            doubt: doubt(&table),
            sentences,
        }
    }
}

fn doubt(table: &Table) -> Option<String> {
    let heading = &table.heading;
    if let Some(why) = &heading.cut_short {
        return Some(format!("cut short: {why}"));
    }
    match heading.verdict {
        Verdict::Valid => None,
        other => Some(match heading.reasons.first() {
            Some(reason) => format!("{}: {reason}", other.label()),
            None => other.label().to_owned(),
        }),
    }
}

/// One variant against the baseline, by the interval of how many times as fast it is.
fn beside(rung: &Rung, baseline: &Rung) -> String {
    let (name, other) = (&rung.variant.label, &baseline.variant.label);
    let Some(p50) = rung.p50 else {
        return format!("{name}: nothing was measured");
    };
    let p50 = quantity::duration(p50 as f64);
    let estimate = rung
        .speedup
        .and_then(|speedup| Some((speedup, speedup.interval?)));
    let Some((speedup, interval)) = estimate else {
        return format!("{name}: {p50} at p50 (one block: no interval)");
    };
    let within = format!(
        "{} … {}",
        quantity::times(interval.low),
        quantity::times(interval.high)
    );
    if interval.low > 1.0 {
        let times = quantity::times(speedup.median);
        format!("{name}: {p50} at p50, {times} as fast as {other} ({within})")
    } else if interval.high < 1.0 {
        let times = quantity::times(1.0 / speedup.median);
        format!("{name}: {p50} at p50, takes {times} the time of {other} ({within} as fast)")
    } else {
        format!("{name}: {p50} at p50, cannot tell from {other} ({within} as fast)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order_statistics::{Estimate, Interval};
    use crate::run::Variant;

    fn rung(label: &str, p50: Option<u64>, speedup: Option<(f64, f64, f64)>) -> Rung {
        Rung {
            variant: Variant {
                name: label.to_owned(),
                label: label.to_owned(),
                target: String::new(),
                gives_up: Vec::new(),
                beside: Vec::new(),
            },
            is_baseline: speedup.is_none(),
            p50,
            first: None,
            speedup: speedup.map(|(low, median, high)| Estimate {
                median,
                values: 20,
                interval: (low < high).then_some(Interval {
                    low,
                    high,
                    coverage: 0.95,
                }),
            }),
            capacity: None,
            cpu_s_per_million: None,
            samples: 1000,
            failures: 0,
        }
    }

    #[test]
    fn a_sentence_says_no_more_than_its_interval() {
        let base = rung("base", Some(100_000), None);
        let said = |p50, speedup| beside(&rung("head", p50, Some(speedup)), &base);
        assert_eq!(
            said(Some(50_000), (1.9, 2.0, 2.1)),
            "head: 50.0 µs at p50, 2.00× as fast as base (1.90× … 2.10×)"
        );
        assert_eq!(
            said(Some(200_000), (0.45, 0.5, 0.55)),
            "head: 200 µs at p50, takes 2.00× the time of base (0.450× … 0.550× as fast)"
        );
        assert_eq!(
            said(Some(99_000), (0.98, 1.01, 1.03)),
            "head: 99.0 µs at p50, cannot tell from base (0.980× … 1.03× as fast)"
        );
        assert_eq!(
            said(Some(99_000), (2.0, 2.0, 2.0)),
            "head: 99.0 µs at p50 (one block: no interval)"
        );
        assert_eq!(said(None, (2.0, 2.0, 2.0)), "head: nothing was measured");
    }
}
