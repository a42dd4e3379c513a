//! A comparison in words: what both renderings write, so that they agree.

use super::{Limit, Pair, Report};
use crate::{
    judge::{Row, Verdict},
    ladder::words::range,
    quantity::{self, NOT_MEASURED},
    run::Latency,
};

/// The names of [`rows`].
pub(crate) const COLUMNS: [&str; 5] = ["base", "head", "ratio", "change", "interval"];

/// The rows of a pair: its statistics, samples and errors.
pub(crate) fn rows(pair: &Pair) -> Vec<Vec<String>> {
    let [base, head] = pair.samples.map(quantity::grouped);
    let [base_errors, head_errors] = pair.errors.figures();
    let counts = [
        vec!["samples".to_owned(), base, head],
        vec!["errors".to_owned(), base_errors, head_errors],
    ];
    pair.times.iter().map(time).chain(counts).collect()
}

/// What the latencies of a pair are, where that must be said: of open arrivals.
pub(crate) fn of_latency(pair: &Pair) -> String {
    match pair.latency {
        Latency::Response => format!(" · {}", pair.latency.label()),
        Latency::Service => String::new(),
    }
}

/// How many limits held; none without limits.
pub(crate) fn limits(comparison: &Report) -> Option<String> {
    let limits = &comparison.limits;
    let held = limits
        .iter()
        .filter(|judged| judged.verdict == Verdict::NoChange)
        .count();
    (!limits.is_empty()).then(|| format!("limits: {held} of {} held", limits.len()))
}

/// What to heed, a sentence each: faults, what is missing, limits that did not hold, caveats.
pub(crate) fn remarks(comparison: &Report) -> Vec<String> {
    let faults = comparison.faults.iter().cloned();
    let missing = comparison
        .missing
        .iter()
        .map(|missing| format!("missing on {}: {}", missing.lacking, missing.what));
    let limits = comparison.limits.iter().filter_map(|judged| {
        let (limit, pair) = (&judged.limit, &judged.pair);
        match (judged.verdict, judged.found) {
            (Verdict::Faster | Verdict::NoChange, _) => None,
            (Verdict::Slower, Some(found)) => Some(format!(
                "limit {limit} broken: {} at {pair}",
                Limit::written(found, limit)
            )),
            (Verdict::Slower | Verdict::Inconclusive, _) => Some(match &judged.objection {
                Some(objection) => format!("limit {limit} cannot be judged at {pair}: {objection}"),
                None => format!("limit {limit} cannot be judged: too few samples at {pair}"),
            }),
        }
    });
    faults
        .chain(missing)
        .chain(limits)
        .chain(comparison.caveats.iter().cloned())
        .collect()
}

fn time(row: &Row) -> Vec<String> {
    let value = |ns: Option<f64>| ns.map_or(NOT_MEASURED.to_owned(), quantity::duration);
    let ratio = row.ratio();
    vec![
        row.metric.clone(),
        value(row.base),
        value(row.head),
        ratio.map_or(NOT_MEASURED.to_owned(), quantity::times),
        match (ratio, row.effect) {
            (Some(ratio), _) => quantity::change(ratio),
            (None, Some(difference)) => quantity::signed(difference, quantity::duration),
            (None, None) => NOT_MEASURED.to_owned(),
        },
        range(row.ratio_interval(), quantity::times),
    ]
}
