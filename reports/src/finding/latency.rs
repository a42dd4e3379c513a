//! Each variant beside the baseline, and all of them in one sentence.
//!
//! Of closed users the median of the service time; of open arrivals the 99th percentile of the response time, since what
//! they feel is the waiting. Both are the ladder's.

use crate::ladder::{Rung, Table};
use crate::order_statistics::Estimate;
use crate::quantity;
use crate::run::{Latency, LoadStep, Run};

/// One variant: how long it takes, and how many times as fast as the baseline it is.
struct Place<'a> {
    label: &'a str,
    is_baseline: bool,
    ns: Option<u64>,
    speedup: Option<Estimate>,
}

/// What an interval of a ratio allows to be said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Faster,
    Slower,
    CannotTell,
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
        .map(|rung| place(rung, is_open))
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

fn place(rung: &Rung, is_open: bool) -> Place<'_> {
    let (ns, speedup) = if is_open {
        let waited = rung.waited;
        (
            waited.map(|waited| waited.p99),
            waited.and_then(|waited| waited.speedup),
        )
    } else {
        (rung.p50, rung.speedup)
    };
    Place {
        label: &rung.variant.label,
        is_baseline: rung.is_baseline,
        ns,
        speedup,
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
    match place.speedup.and_then(|speedup| speedup.interval) {
        None => Told::NoInterval,
        Some(interval) if interval.low > 1.0 => Told::Faster,
        Some(interval) if interval.high < 1.0 => Told::Slower,
        Some(_) => Told::CannotTell,
    }
}

/// From the fastest to the slowest, and how many can be told from the baseline.
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
        (count(Told::Faster), "faster"),
        (count(Told::Slower), "slower"),
        (count(Told::CannotTell), "cannot be told from it"),
        (count(Told::NoInterval), "without an interval"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{count} {word}"))
    .collect();
    Some(format!(
        "{} takes from {} ({fastest}) to {} ({slowest}) at {percentile}; beside {}, each at 95 %: {}",
        at.step,
        quantity::duration(least as f64),
        quantity::duration(most as f64),
        baseline.label,
        parts.join(", ")
    ))
}

/// One variant against the baseline, by the interval of how many times as fast it is.
fn beside(place: &Place<'_>, baseline: &Place<'_>, percentile: &str) -> String {
    let (name, other) = (place.label, baseline.label);
    let Some(ns) = place.ns else {
        return format!("{name}: nothing was measured");
    };
    let time = quantity::duration(ns as f64);
    let estimate = place
        .speedup
        .and_then(|speedup| Some((speedup, speedup.interval?)));
    let Some((speedup, interval)) = estimate else {
        return format!("{name}: {time} at {percentile} (too few blocks for an interval)");
    };
    let within = format!(
        "{} … {}",
        quantity::times(interval.low),
        quantity::times(interval.high)
    );
    match told(place) {
        Told::Faster => {
            let times = quantity::times(speedup.median);
            format!("{name}: {time} at {percentile}, {times} as fast as {other} ({within})")
        }
        Told::Slower => {
            let times = quantity::times(1.0 / speedup.median);
            format!(
                "{name}: {time} at {percentile}, takes {times} the time of {other} ({within} as fast)"
            )
        }
        Told::CannotTell | Told::NoInterval => {
            format!("{name}: {time} at {percentile}, cannot tell from {other} ({within} as fast)")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order_statistics::Interval;

    fn place(label: &str, ns: Option<u64>, speedup: Option<(f64, f64, f64)>) -> Place<'_> {
        Place {
            label,
            is_baseline: speedup.is_none(),
            ns,
            speedup: speedup.map(|(low, median, high)| Estimate {
                median,
                values: 20,
                interval: (low < high).then_some(Interval {
                    low,
                    high,
                    coverage: 0.95,
                }),
            }),
        }
    }

    #[test]
    fn a_sentence_says_no_more_than_its_interval() {
        let base = place("base", Some(100_000), None);
        let said = |ns, speedup| beside(&place("head", ns, Some(speedup)), &base, "p50");
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
            "head: 99.0 µs at p50 (too few blocks for an interval)"
        );
        assert_eq!(said(None, (2.0, 2.0, 2.0)), "head: nothing was measured");
    }

    #[test]
    fn all_in_one_sentence_are_counted_by_what_their_intervals_allow() {
        let at = LoadStep {
            load: "one".to_owned(),
            step: "items".to_owned(),
        };
        let places = [
            place("base", Some(100_000), None),
            place("fast", Some(50_000), Some((1.9, 2.0, 2.1))),
            place("slow", Some(300_000), Some((0.3, 0.33, 0.35))),
            place("same", Some(101_000), Some((0.9, 0.99, 1.1))),
            place("once", Some(102_000), Some((0.9, 0.9, 0.9))),
            place("none", None, Some((0.9, 0.9, 0.9))),
        ];
        assert_eq!(
            span(&at, &places, &places[0], "p50").as_deref(),
            Some(
                "items takes from 50.0 µs (fast) to 300 µs (slow) at p50; beside base, each at 95 %: 1 faster, 1 slower, 1 cannot be told \
                 from it, 1 without an interval"
            )
        );
        assert_eq!(span(&at, &places[..2], &places[0], "p50"), None);
    }
}
