//! Each variant beside the baseline, and all of them in one sentence.
//!
//! Of closed users the median of the service time; of open arrivals the 99th percentile of the response time, since what
//! they feel is the waiting. Both are the ladder's.

use crate::judge::{Role, Row, Verdict};
use crate::ladder::{Rung, Table};
use crate::quantity;
use crate::run::{Latency, LoadStep, Run, Terms};

/// One variant: how long it takes, and how it compares with the baseline.
struct Place<'a> {
    label: &'a str,
    is_baseline: bool,
    ns: Option<u64>,
    judged: Option<&'a Row>,
    /// Blocks that a verdict takes at the least.
    least_blocks: usize,
}

/// What may be said of a variant: its verdict, or why there is none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Verdict(Verdict),
    /// Too few blocks, too few samples, or a machine that does not carry it.
    NoVerdict,
    NoInterval,
}

pub(super) fn sentences(run: &Run, table: &Table) -> Vec<String> {
    let at = &run.scenario.ladder.latency;
    let is_open = table.latency == Latency::Response;
    let percentile = if is_open {
        "p99 of the response time"
    } else {
        "p50"
    };
    let places: Vec<Place<'_>> = table
        .rungs
        .iter()
        .map(|rung| place(run, rung, is_open))
        .collect();
    let Some(baseline) = places.iter().find(|place| place.is_baseline) else {
        return Vec::new();
    };
    let others = || places.iter().filter(|place| !place.is_baseline);
    let beside = others().map(|place| beside(place, baseline, percentile));
    span(at, &places, baseline, percentile)
        .into_iter()
        .chain(beside)
        .chain(cpu(table))
        .chain(steps(run))
        .collect()
}

fn place<'a>(run: &Run, rung: &'a Rung, is_open: bool) -> Place<'a> {
    let terms = Terms::of(run, &run.scenario.baseline, &rung.variant.name);
    Place {
        label: &rung.variant.label,
        is_baseline: rung.is_baseline,
        ns: if is_open { rung.p99 } else { rung.p50 },
        judged: rung.judged.as_ref(),
        least_blocks: terms.rule(run).least_blocks(),
    }
}

/// What a million requests cost the servers, where that was measured of several.
fn cpu(table: &Table) -> Option<String> {
    let parts: Vec<String> = table
        .rungs
        .iter()
        .filter_map(|rung| {
            let seconds = quantity::number(rung.cpu_s_per_million?.median);
            Some(format!("{} {seconds} s", rung.variant.label))
        })
        .collect();
    (parts.len() > 1).then(|| format!("server CPU of a million requests: {}", parts.join("; ")))
}

/// The other steps of closed loads that make several, and the first request of a fresh token: a sentence each.
fn steps(run: &Run) -> Vec<String> {
    let ladder = &run.scenario.ladder;
    let mut steps: Vec<LoadStep> = ladder.first.iter().cloned().collect();
    for load in run.scenario.loads.iter().filter(|load| !load.open) {
        let of_ladder = load.name == ladder.latency.load;
        steps.extend(
            load.steps
                .iter()
                .filter(|_| of_ladder)
                .map(|step| LoadStep {
                    load: load.name.clone(),
                    step: step.clone(),
                }),
        );
    }
    steps.retain(|at| *at != ladder.latency);
    let mut told: Vec<LoadStep> = Vec::new();
    for at in steps {
        if !told.contains(&at) {
            told.push(at);
        }
    }
    told.iter().filter_map(|at| medians(run, at)).collect()
}

fn medians(run: &Run, at: &LoadStep) -> Option<String> {
    let parts: Vec<String> = run
        .variants
        .iter()
        .filter_map(|variant| {
            let figure = run.latency(&variant.name, at)?;
            let p50 = quantity::duration(figure.p50() as f64);
            Some(format!("{} {p50}", variant.label))
        })
        .collect();
    (!parts.is_empty())
        .then(|| format!("p50 of {} under {}: {}", at.step, at.load, parts.join("; ")))
}

fn told(place: &Place<'_>) -> Told {
    let judged = place.judged;
    match judged {
        Some(row) if row.interval.is_some() => match row.verdict {
            Some(verdict) if row.blocks >= place.least_blocks => Told::Verdict(verdict),
            _ => Told::NoVerdict,
        },
        _ => Told::NoInterval,
    }
}

/// From the fastest to the slowest, and what became of each beside the baseline.
fn span(
    at: &LoadStep,
    places: &[Place<'_>],
    baseline: &Place<'_>,
    percentile: &str,
) -> Option<String> {
    let measured = || {
        places
            .iter()
            .filter_map(|place| Some((place.ns?, place.label)))
    };
    let (least, fastest) = measured().min()?;
    let (most, slowest) = measured().max()?;
    let others: Vec<Told> = places
        .iter()
        .filter(|place| !place.is_baseline && place.ns.is_some())
        .map(told)
        .collect();
    if others.len() < 2 {
        return None;
    }
    let count = |wanted: Told| others.iter().filter(|told| **told == wanted).count();
    let parts: Vec<String> = [
        (count(Told::Verdict(Verdict::Faster)), "faster"),
        (count(Told::Verdict(Verdict::Slower)), "slower"),
        (count(Told::Verdict(Verdict::NoChange)), "without a change"),
        (
            count(Told::Verdict(Verdict::Inconclusive)),
            "cannot be told from it",
        ),
        (count(Told::NoVerdict), "without a verdict"),
        (count(Told::NoInterval), "without an interval"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{count} {word}"))
    .collect();
    Some(format!(
        "{} takes from {} ({fastest}) to {} ({slowest}) at {percentile}; beside {}, each judged as a duel: {}",
        at.step,
        quantity::duration(least as f64),
        quantity::duration(most as f64),
        baseline.label,
        parts.join(", ")
    ))
}

/// One variant against the baseline, by the verdict of the judge and never beyond it.
fn beside(place: &Place<'_>, baseline: &Place<'_>, percentile: &str) -> String {
    let (name, other) = (place.label, baseline.label);
    let Some(ns) = place.ns else {
        return format!("{name}: nothing was measured");
    };
    let time = quantity::duration(ns as f64);
    let row = place.judged.and_then(|row| Some((row, row.speedup()?)));
    let Some((row, speedup, interval)) =
        row.and_then(|(row, speedup)| Some((row, speedup.median, speedup.interval?)))
    else {
        return format!("{name}: {time} at {percentile} (too few blocks for an interval)");
    };
    let within = format!(
        "{} … {}",
        quantity::times(interval.low),
        quantity::times(interval.high)
    );
    match told(place) {
        Told::Verdict(Verdict::Faster) => {
            let times = quantity::times(speedup);
            format!("{name}: {time} at {percentile}, {times} as fast as {other} ({within})")
        }
        Told::Verdict(Verdict::Slower) => {
            let times = quantity::times(1.0 / speedup);
            format!(
                "{name}: {time} at {percentile}, takes {times} the time of {other} ({within} as fast)"
            )
        }
        Told::Verdict(Verdict::NoChange) => {
            format!("{name}: {time} at {percentile}, no change from {other} ({within} as fast)")
        }
        Told::Verdict(Verdict::Inconclusive) => {
            format!("{name}: {time} at {percentile}, cannot tell from {other} ({within} as fast)")
        }
        Told::NoVerdict | Told::NoInterval => {
            let why = match &row.role {
                Role::Advisory(why) => why.clone(),
                _ => format!(
                    "{} of {} blocks",
                    row.blocks,
                    place.least_blocks.max(row.next)
                ),
            };
            format!("{name}: {time} at {percentile}, no verdict beside {other}: {why}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Metric;
    use crate::judge::metric::Kind;
    use crate::order_statistics::Interval;

    /// Twenty blocks, so many times as fast; the verdict is what the interval says of 3 %.
    fn row((low, median, high): (f64, f64, f64)) -> Row {
        let verdict = match (1.0 / high - 1.0, 1.0 / low - 1.0) {
            (least, _) if least > 0.03 => Verdict::Slower,
            (_, most) if most < -0.03 => Verdict::Faster,
            (least, most) if least >= -0.03 && most <= 0.03 => Verdict::NoChange,
            _ => Verdict::Inconclusive,
        };
        Row {
            effect: Some(1.0 / median - 1.0),
            interval: (low < high).then_some(Interval {
                low: 1.0 / high - 1.0,
                high: 1.0 / low - 1.0,
                coverage: 0.99,
            }),
            verdict: Some(verdict),
            blocks: 20,
            ..Row::new(&Metric::P50.to_string(), Kind::Time, Role::Gated)
        }
    }

    fn place<'a>(label: &'a str, ns: Option<u64>, judged: Option<&'a Row>) -> Place<'a> {
        Place {
            label,
            is_baseline: judged.is_none(),
            ns,
            judged,
            least_blocks: 8,
        }
    }

    #[test]
    fn a_sentence_says_no_more_than_its_interval() {
        let base = place("base", Some(100_000), None);
        let said = |ns, speedup| beside(&place("head", ns, Some(&row(speedup))), &base, "p50");
        assert_eq!(
            said(Some(50_000), (1.9, 2.0, 2.1)),
            "head: 50.0 µs at p50, 2.00× as fast as base (1.90× … 2.10×)"
        );
        assert_eq!(
            said(Some(200_000), (0.45, 0.5, 0.55)),
            "head: 200 µs at p50, takes 2.00× the time of base (0.450× … 0.550× as fast)"
        );
        assert_eq!(
            said(Some(99_000), (0.95, 1.01, 1.03)),
            "head: 99.0 µs at p50, cannot tell from base (0.950× … 1.03× as fast)"
        );
        assert_eq!(
            said(Some(99_000), (0.98, 1.01, 1.02)),
            "head: 99.0 µs at p50, no change from base (0.980× … 1.02× as fast)"
        );
        assert_eq!(
            said(Some(99_000), (2.0, 2.0, 2.0)),
            "head: 99.0 µs at p50 (too few blocks for an interval)"
        );
        assert_eq!(said(None, (2.0, 2.0, 2.0)), "head: nothing was measured");
        let few = Row {
            blocks: 7,
            ..row((1.9, 2.0, 2.1))
        };
        assert_eq!(
            beside(&place("head", Some(50_000), Some(&few)), &base, "p50"),
            "head: 50.0 µs at p50, no verdict beside base: 7 of 8 blocks"
        );
    }

    #[test]
    fn all_in_one_sentence_are_counted_by_what_their_intervals_allow() {
        let at = LoadStep {
            load: "one".to_owned(),
            step: "items".to_owned(),
        };
        let [fast, slow, same, once] = [
            row((1.9, 2.0, 2.1)),
            row((0.3, 0.33, 0.35)),
            row((0.9, 0.99, 1.1)),
            row((0.9, 0.9, 0.9)),
        ];
        let places = [
            place("base", Some(100_000), None),
            place("fast", Some(50_000), Some(&fast)),
            place("slow", Some(300_000), Some(&slow)),
            place("same", Some(101_000), Some(&same)),
            place("once", Some(102_000), Some(&once)),
            place("none", None, Some(&once)),
        ];
        assert_eq!(
            span(&at, &places, &places[0], "p50").as_deref(),
            Some(
                "items takes from 50.0 µs (fast) to 300 µs (slow) at p50; beside base, each judged as a duel: 1 faster, 1 slower, 1 cannot be told \
                 from it, 1 without an interval"
            )
        );
        assert_eq!(span(&at, &places[..2], &places[0], "p50"), None);
    }
}
