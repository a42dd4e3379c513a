//! Each variant against the baseline, and all of them in one sentence.
//!
//! Of closed users the median of the service time; of open arrivals the 99th percentile of the response time, since what
//! they feel is the waiting. Both are the ladder's.

use crate::judge::{Comparison, Metric, Role, Row, Rule, Verdict};
use crate::ladder::{Rung, Table};
use crate::order_statistics::Interval;
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
pub(super) enum Told {
    Verdict(Verdict),
    /// Too few blocks, too few samples, or a machine that does not carry it.
    NoVerdict,
    NoInterval,
}

/// What is said of variants that were told the same, of one and of several, and of all of them.
const CLASSES: [(Told, [&str; 3]); 6] = [
    (
        Told::Verdict(Verdict::Faster),
        ["is faster", "are faster", "are faster than"],
    ),
    (
        Told::Verdict(Verdict::Slower),
        ["is slower", "are slower", "are slower than"],
    ),
    (
        Told::Verdict(Verdict::NoChange),
        ["shows no change", "show no change", "show no change from"],
    ),
    (
        Told::Verdict(Verdict::Inconclusive),
        [
            "is not distinguishable from it",
            "are not distinguishable from it",
            "are not distinguishable from",
        ],
    ),
    (
        Told::NoVerdict,
        [
            "has no verdict",
            "have no verdict",
            "have no verdict against",
        ],
    ),
    (
        Told::NoInterval,
        [
            "has too few blocks for a confidence interval",
            "have too few blocks for a confidence interval",
            "have too few blocks for a confidence interval against",
        ],
    ),
];

pub(super) fn sentences(run: &Run, table: &Table) -> Vec<String> {
    let at = &run.scenario.ladder.latency;
    let is_open = table.latency == Latency::Response;
    let (quantity, short) = match (is_open, Metric::percentile(99.0)) {
        (true, Some(metric)) => (self::quantity(table.latency, &metric, &at.step), "p99"),
        _ => (
            self::quantity(table.latency, &Metric::P50, &at.step),
            "median",
        ),
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
    let each = others().map(|place| against(place, baseline, short));
    span(&quantity, &places, baseline)
        .into_iter()
        .chain(each)
        .chain(cpu(table))
        .chain(steps(run))
        .collect()
}

/// `Median service time of sign-in`, `p99 response time of items`.
pub(super) fn quantity(latency: Latency, metric: &Metric, step: &str) -> String {
    let name = if *metric == Metric::P50 {
        "Median".to_owned()
    } else {
        metric.to_string()
    };
    format!("{name} {} of {step}", latency.label())
}

/// `95 %`, of how much an interval covers at the least.
pub(super) fn percent(coverage: f64) -> String {
    // What was computed as 95 may lie a little below.
    const SLACK: f64 = 1e-9;
    format!("{} %", (coverage * 100.0 + SLACK).floor())
}

/// A rung at a metric against the baseline, by the rule of a duel of the two; none for the baseline.
pub(super) fn judged(run: &Run, rung: &Rung, metric: &Metric) -> Option<Row> {
    if rung.is_baseline {
        return None;
    }
    let (at, baseline) = (&run.scenario.ladder.latency, &run.scenario.baseline);
    let known = rung.judged.as_ref();
    if let Some(row) = known.filter(|row| row.metric == metric.to_string()) {
        return Some(row.clone());
    }
    let rule = Rule::Sequential(Terms::of(run, baseline, &rung.variant.name).rule(run));
    let comparison = Comparison::of(run, &at.load, [baseline, &rung.variant.name], &rule);
    Some(comparison.claim(&at.step, metric))
}

/// What may be said of it.
pub(super) fn told(run: &Run, rung: &Rung, judged: Option<&Row>) -> Told {
    told_of(judged, least_blocks(run, rung))
}

fn least_blocks(run: &Run, rung: &Rung) -> usize {
    let terms = Terms::of(run, &run.scenario.baseline, &rung.variant.name);
    terms.rule(run).least_blocks()
}

fn place<'a>(run: &Run, rung: &'a Rung, is_open: bool) -> Place<'a> {
    Place {
        label: &rung.variant.label,
        is_baseline: rung.is_baseline,
        ns: if is_open { rung.p99 } else { rung.p50 },
        judged: rung.judged.as_ref(),
        least_blocks: least_blocks(run, rung),
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
    (parts.len() > 1).then(|| {
        format!(
            "Server CPU time for a million requests: {}",
            parts.join("; ")
        )
    })
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
    let latency = run.latency_of(&at.load).label();
    (!parts.is_empty()).then(|| {
        format!(
            "Median {latency} of {} under {}: {}",
            at.step,
            at.load,
            parts.join("; ")
        )
    })
}

fn told_of(judged: Option<&Row>, least_blocks: usize) -> Told {
    match judged {
        Some(row) if row.interval.is_some() => match row.verdict {
            Some(verdict) if row.blocks >= least_blocks => Told::Verdict(verdict),
            _ => Told::NoVerdict,
        },
        _ => Told::NoInterval,
    }
}

/// From the fastest to the slowest, and how the others compare with the baseline.
fn span(quantity: &str, places: &[Place<'_>], baseline: &Place<'_>) -> Option<String> {
    let measured = || {
        places
            .iter()
            .filter_map(|place| Some((place.ns?, place.label)))
    };
    let (least, fastest) = measured().min()?;
    let (most, slowest) = measured().max()?;
    let others: Vec<&Place<'_>> = places
        .iter()
        .filter(|place| !place.is_baseline && place.ns.is_some())
        .collect();
    if others.len() < 2 {
        return None;
    }
    let count = |wanted: Told| {
        let told = others
            .iter()
            .map(|place| told_of(place.judged, place.least_blocks));
        told.filter(|told| *told == wanted).count()
    };
    let classes: Vec<(usize, Told, [&str; 3])> = CLASSES
        .into_iter()
        .map(|(told, words)| (count(told), told, words))
        .filter(|(count, ..)| *count > 0)
        .collect();
    let baseline = baseline.label;
    let compared = match classes.as_slice() {
        [(2, _, [_, _, all])] => format!("Both alternatives {all} {baseline}"),
        [(count, _, [_, _, all])] => format!("All {count} alternatives {all} {baseline}"),
        several => {
            let parts: Vec<String> = several
                .iter()
                .map(|(count, _, [one, many, _])| {
                    format!("{count} {}", if *count == 1 { one } else { many })
                })
                .collect();
            let (end, before) = parts.split_last()?;
            format!(
                "Of the {} alternatives to {baseline}, {} and {end}",
                others.len(),
                before.join(", ")
            )
        }
    };
    let is_judged = |told: &Told| matches!(told, Told::Verdict(_));
    let confidence = if classes.iter().any(|(_, told, _)| is_judged(told)) {
        format!(" ({} confidence)", percent(1.0 - crate::judge::ERROR))
    } else {
        String::new()
    };
    Some(format!(
        "{quantity} ranges from {} ({fastest}) to {} ({slowest}). {compared}{confidence}",
        quantity::duration(least as f64),
        quantity::duration(most as f64),
    ))
}

/// One variant against the baseline, by the verdict of the judge and never beyond it.
fn against(place: &Place<'_>, baseline: &Place<'_>, quantity: &str) -> String {
    let (name, other) = (place.label, baseline.label);
    let Some(ns) = place.ns else {
        return format!("{name}: nothing was measured");
    };
    let time = quantity::duration(ns as f64);
    let row = place.judged.and_then(|row| Some((row, row.ratio()?)));
    let judged = row.and_then(|(row, ratio)| Some((row, ratio, row.ratio_interval()?)));
    let Some((
        row,
        ratio,
        Interval {
            low,
            high,
            coverage,
        },
    )) = judged
    else {
        return format!("{name}: {quantity} {time} (too few blocks for a confidence interval)");
    };
    let confidence = percent(coverage);
    let times = |low: f64, high: f64| {
        let ends = quantity::range(low, high, quantity::times);
        format!("({confidence} CI {ends})")
    };
    let change = format!(
        "({confidence} CI {})",
        quantity::effects(low - 1.0, high - 1.0)
    );
    match told_of(place.judged, place.least_blocks) {
        Told::Verdict(Verdict::Faster) => format!(
            "{name}: {quantity} {time}, {} faster than {other} {}",
            quantity::times(1.0 / ratio),
            times(1.0 / high, 1.0 / low)
        ),
        Told::Verdict(Verdict::Slower) => format!(
            "{name}: {quantity} {time}, {} slower than {other} {}",
            quantity::times(ratio),
            times(low, high)
        ),
        Told::Verdict(Verdict::NoChange) => {
            format!("{name}: {quantity} {time}, no change from {other} {change}")
        }
        Told::Verdict(Verdict::Inconclusive) => {
            format!("{name}: {quantity} {time}, not distinguishable from {other} {change}")
        }
        Told::NoVerdict | Told::NoInterval => {
            let why = match &row.role {
                Role::Advisory(why) => why.clone(),
                _ => format!(
                    "{} of {} blocks",
                    row.blocks,
                    place.least_blocks.max(row.needed)
                ),
            };
            format!("{name}: {quantity} {time}, no verdict against {other}: {why}")
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
        let said = |ns, speedup| against(&place("head", ns, Some(&row(speedup))), &base, "median");
        assert_eq!(
            said(Some(50_000), (1.9, 2.0, 2.1)),
            "head: median 50.0 µs, 2.00× faster than base (99 % CI 1.90× … 2.10×)"
        );
        assert_eq!(
            said(Some(200_000), (0.45, 0.5, 0.55)),
            "head: median 200 µs, 2.00× slower than base (99 % CI 1.82× … 2.22×)"
        );
        assert_eq!(
            said(Some(99_000), (0.95, 1.01, 1.03)),
            "head: median 99.0 µs, not distinguishable from base (99 % CI −2.9 … +5.3 %)"
        );
        assert_eq!(
            said(Some(99_000), (0.98, 1.01, 1.02)),
            "head: median 99.0 µs, no change from base (99 % CI −2.0 … +2.0 %)"
        );
        assert_eq!(
            said(Some(99_000), (2.0, 2.0, 2.0)),
            "head: median 99.0 µs (too few blocks for a confidence interval)"
        );
        assert_eq!(said(None, (2.0, 2.0, 2.0)), "head: nothing was measured");
        let few = Row {
            blocks: 7,
            ..row((1.9, 2.0, 2.1))
        };
        assert_eq!(
            against(&place("head", Some(50_000), Some(&few)), &base, "median"),
            "head: median 50.0 µs, no verdict against base: 7 of 8 blocks"
        );
    }

    #[test]
    fn all_in_one_sentence_are_counted_by_what_their_intervals_allow() {
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
            span("Median service time of items", &places, &places[0]).as_deref(),
            Some(
                "Median service time of items ranges from 50.0 µs (fast) to 300 µs (slow). Of the 4 alternatives to base, 1 is \
                 faster, 1 is slower, 1 is not distinguishable from it and 1 has too few blocks for a confidence interval (99 % \
                 confidence)"
            )
        );
        let two = [
            place("base", Some(100_000), None),
            place("fast", Some(50_000), Some(&fast)),
            place("again", Some(51_000), Some(&fast)),
        ];
        assert_eq!(
            span("Median service time of items", &two, &two[0]).as_deref(),
            Some(
                "Median service time of items ranges from 50.0 µs (fast) to 100 µs (base). Both alternatives are faster than \
                 base (99 % confidence)"
            )
        );
        assert_eq!(span("it", &places[..2], &places[0]), None);
    }
}
