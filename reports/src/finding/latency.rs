//! Each variant against the baseline, and all of them in one sentence.
//!
//! Of a closed model the median of the service time; the CPU time of a request where the load is the one that keeps the
//! server busy, since there a request waits for the others, and the median depends on how they share the core. Of an open
//! model the 99th percentile of the response time, since what its clients feel is the waiting; where no variant has a verdict
//! at that percentile, the median comes before it.

use super::beside::Beside;
use super::offered;
use crate::judge::{Comparison, Metric, Role, Row, Rule, Verdict};
use crate::ladder::{Against, Rung, Table, Told, is_of_a_busy_server};
use crate::quantity;
use crate::run::{Latency, Load, LoadStep, Run, Terms};

/// One variant: how long it takes, and how it compares with the baseline.
struct Place<'a> {
    label: &'a str,
    is_baseline: bool,
    ns: Option<f64>,
    /// The same under the quiet load, where the headline says it.
    quiet: Option<f64>,
    judged: Option<Row>,
    /// Blocks that a verdict takes at the least.
    least_blocks: usize,
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

/// So few variants have room for their latency under another load.
const FEW: usize = 4;
/// Fewer are compared one by one.
const LEAST_OF_A_SPAN: usize = 3;

pub(super) fn sentences(run: &Run, table: &Table) -> Vec<String> {
    let mut sentences = Vec::new();
    for metric in metrics(run, table) {
        sentences.extend(of_metric(run, table, &metric));
    }
    if let (Some(headline), Some(beside)) = (sentences.first_mut(), Beside::of(run, table)) {
        headline.push_str(". ");
        headline.push_str(&beside.sentence);
    }
    let rest = cpu(table).into_iter().chain(steps(run));
    sentences.into_iter().chain(rest).collect()
}

/// What the headline is of, and what comes after it.
pub(super) fn metrics(run: &Run, table: &Table) -> Vec<Metric> {
    let has_cpu = |rung: &Rung| rung.cpu_s_per_million.is_some();
    if is_of_a_busy_server(run) && table.rungs.iter().all(has_cpu) {
        return vec![Metric::Cpu, Metric::P50];
    }
    let tail = match table.latency {
        Latency::Response => Metric::percentile(99.0),
        Latency::Service => None,
    };
    let Some(tail) = tail else {
        return vec![Metric::P50];
    };
    if has_verdict(run, table, &tail) {
        vec![tail]
    } else {
        vec![Metric::P50, tail]
    }
}

/// A rung's value of a metric of findings, nanoseconds.
pub(super) fn measured(rung: &Rung, metric: &Metric) -> Option<f64> {
    /// CPU seconds for a million requests are microseconds for one.
    const NS: f64 = 1e3;
    match metric {
        Metric::Cpu => rung.cpu_s_per_million.map(|cost| cost.median * NS),
        &Metric::P50 => rung.p50.map(|ns| ns as f64),
        _ => rung.p99.map(|ns| ns as f64),
    }
}

/// The first other open load that makes the ladder's step, with which the ladder's own is compared where variants are few.
pub(super) fn quiet<'r>(run: &'r Run, table: &Table) -> Option<&'r Load> {
    let at = &run.scenario.ladder.latency.load;
    let are_few = (LEAST_OF_A_SPAN..=FEW).contains(&table.rungs.len());
    let mut loads = offered::loads(run).into_iter();
    let quiet = loads.find(|load| load.name != *at)?;
    (table.latency == Latency::Response && are_few).then_some(quiet)
}

/// A rung's latency under another load, nanoseconds.
pub(super) fn under(run: &Run, load: &Load, rung: &Rung, metric: &Metric) -> Option<u64> {
    let at = LoadStep {
        load: load.name.clone(),
        step: run.scenario.ladder.latency.step.clone(),
    };
    let figure = run.latency(&rung.variant.name, &at)?;
    Some(if *metric == Metric::P50 {
        figure.p50()
    } else {
        figure.at(99.0)
    })
}

/// Whether any variant has a verdict against the baseline.
fn has_verdict(run: &Run, table: &Table, metric: &Metric) -> bool {
    table.rungs.iter().any(|rung| {
        let row = judged(run, rung, metric);
        let against = Against::of(row.as_ref(), rung.least_blocks);
        matches!(against.told, Told::Verdict(_))
    })
}

fn of_metric(run: &Run, table: &Table, metric: &Metric) -> Vec<String> {
    let at = &run.scenario.ladder.latency;
    let mut quantity = self::quantity(table.latency, metric, &at.step);
    let quiet = quiet(run, table);
    if table.latency == Latency::Response && offered::loads(run).len() > 1 {
        quantity = format!("{quantity} under {}", at.load);
    }
    let short = match metric {
        Metric::Cpu => "server CPU time of a request".to_owned(),
        &Metric::P50 => "median".to_owned(),
        other => other.to_string(),
    };
    let rungs = table.rungs.iter();
    let places: Vec<Place<'_>> = rungs.map(|rung| place(run, rung, metric, quiet)).collect();
    let Some(baseline) = places.iter().find(|place| place.is_baseline) else {
        return Vec::new();
    };
    let others = places.iter().filter(|place| !place.is_baseline);
    let each = others.map(|place| against(place, baseline, &short));
    let quiet = quiet.map(|load| load.name.as_str());
    let span = span(&quantity, &places, baseline, quiet);
    span.into_iter().chain(each).collect()
}

/// The least and the greatest, and whose they are: `124 µs (one)`.
fn ends(places: &[Place<'_>], of: impl Fn(&Place<'_>) -> Option<f64>) -> Option<[String; 2]> {
    let all = || {
        places
            .iter()
            .filter_map(|place| Some((of(place)?, place.label)))
    };
    let by_value = |one: &(f64, &str), other: &(f64, &str)| one.0.total_cmp(&other.0);
    let said = |(ns, label): (f64, &str)| format!("{} ({label})", quantity::duration(ns));
    Some([said(all().min_by(by_value)?), said(all().max_by(by_value)?)])
}

/// `Median service time of sign-in`, `p99 response time of items`.
pub(super) fn quantity(latency: Latency, metric: &Metric, step: &str) -> String {
    // It is known of a load, not of a step within it.
    if *metric == Metric::Cpu {
        return "Server CPU time of a request".to_owned();
    }
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

fn place<'a>(run: &Run, rung: &'a Rung, metric: &Metric, quiet: Option<&Load>) -> Place<'a> {
    Place {
        label: &rung.variant.label,
        is_baseline: rung.is_baseline,
        ns: measured(rung, metric),
        quiet: quiet
            .and_then(|load| under(run, load, rung, metric))
            .map(|ns| ns as f64),
        judged: judged(run, rung, metric),
        least_blocks: rung.least_blocks,
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

impl Place<'_> {
    fn against(&self) -> Against {
        Against::of(self.judged.as_ref(), self.least_blocks)
    }
}

/// From the fastest to the slowest, and how the others compare with the baseline.
fn span(
    quantity: &str,
    places: &[Place<'_>],
    baseline: &Place<'_>,
    quiet: Option<&str>,
) -> Option<String> {
    let [least, most] = ends(places, |place| place.ns)?;
    let while_quiet = ends(places, |place| place.quiet).zip(quiet);
    let while_quiet = while_quiet.map_or_else(String::new, |([least, most], load)| {
        format!(". Under {load} it ranges from {least} to {most}")
    });
    let others: Vec<&Place<'_>> = places
        .iter()
        .filter(|place| !place.is_baseline && place.ns.is_some())
        .collect();
    if others.len() < 2 {
        return None;
    }
    let count = |wanted: Told| {
        let told = others.iter().map(|place| place.against().told);
        told.filter(|told| *told == wanted).count()
    };
    let classes: Vec<(usize, Told, [&str; 3])> = CLASSES
        .into_iter()
        .map(|(told, words)| (count(told), told, words))
        .filter(|(count, ..)| *count > 0)
        .collect();
    let is_judged = |told: &Told| matches!(told, Told::Verdict(_));
    let confidence = if classes.iter().any(|(_, told, _)| is_judged(told)) {
        format!(" ({} confidence)", percent(1.0 - crate::judge::ERROR))
    } else {
        String::new()
    };
    let baseline = baseline.label;
    let lack_blocks = || {
        let mut others = others.iter();
        others.all(|place| place.against().lacks_blocks())
    };
    let compared = match classes.as_slice() {
        [(count, Told::NoVerdict, _)] => {
            let why = if lack_blocks() {
                ": the run has too few blocks"
            } else {
                ""
            };
            match count {
                2 => format!("Neither alternative has a verdict against {baseline}{why}"),
                _ => format!(
                    "None of the {count} alternatives has a verdict against {baseline}{why}"
                ),
            }
        }
        [(2, _, [_, _, all])] => format!("Both alternatives {all} {baseline}"),
        [(count, _, [_, _, all])] => format!("All {count} alternatives {all} {baseline}"),
        // Of two there is room for their names.
        [(1, first, [said, ..]), (1, second, [also, ..])] => {
            let named = |told: Told| {
                let mut others = others.iter();
                let one = others.find(|place| place.against().told == told);
                one.map_or("", |place| place.label)
            };
            let (first, second) = (named(*first), named(*second));
            format!("Compared with {baseline}, {first} {said} and {second} {also}")
        }
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
    Some(format!(
        "{quantity} ranges from {least} to {most}{while_quiet}. {compared}{confidence}"
    ))
}

/// One variant against the baseline, by the verdict of the judge and never beyond it.
fn against(place: &Place<'_>, baseline: &Place<'_>, quantity: &str) -> String {
    let (name, other) = (place.label, baseline.label);
    let Some(ns) = place.ns else {
        return format!("{name}: nothing was measured");
    };
    let time = quantity::duration(ns);
    let against = place.against();
    let judged = place.judged.as_ref().filter(|_| against.is_measured());
    let Some((row, ends, coverage)) =
        judged.and_then(|row| Some((row, against.ends()?, against.coverage()?)))
    else {
        return format!("{name}: {quantity} {time} (too few blocks for a confidence interval)");
    };
    let words = against.words();
    let interval = format!("({} CI {ends})", percent(coverage));
    match against.told {
        Told::Verdict(Verdict::Faster | Verdict::Slower) => {
            format!("{name}: {quantity} {time}, {words} than {other} {interval}")
        }
        Told::Verdict(Verdict::NoChange | Verdict::Inconclusive) => {
            format!("{name}: {quantity} {time}, {words} from {other} {interval}")
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

    fn place<'a>(label: &'a str, ns: Option<u64>, judged: Option<&Row>) -> Place<'a> {
        Place {
            label,
            is_baseline: judged.is_none(),
            ns: ns.map(|ns| ns as f64),
            quiet: None,
            judged: judged.cloned(),
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
            span("Median service time of items", &places, &places[0], None).as_deref(),
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
            span("Median service time of items", &two, &two[0], None).as_deref(),
            Some(
                "Median service time of items ranges from 50.0 µs (fast) to 100 µs (base). Both alternatives are faster than \
                 base (99 % confidence)"
            )
        );
        let mixed = [&places[0], &places[2], &places[1]];
        let mixed = mixed.map(|of| place(of.label, of.ns.map(|ns| ns as u64), of.judged.as_ref()));
        assert_eq!(
            span("Median service time of items", &mixed, &mixed[0], None).as_deref(),
            Some(
                "Median service time of items ranges from 50.0 µs (fast) to 300 µs (slow). Compared with base, fast is faster \
                 and slow is slower (99 % confidence)"
            )
        );
        assert_eq!(span("it", &places[..2], &places[0], None), None);
    }
}
