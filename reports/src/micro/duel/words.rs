//! A duel of benchmarks in words: what both renderings write, so that they agree.

use super::Duel;
use crate::judge::{Row, Verdict};
use crate::ladder::words::range;
use crate::micro::words::{UNFINISHED, benchmarks, effect, time};
use crate::outcome::Outcome;
use crate::quantity::{self, NOT_MEASURED};

/// The names of [`cells`].
pub(super) const COLUMNS: [&str; 7] = [
    "benchmark",
    "base",
    "head",
    "effect",
    "interval",
    "verdict",
    "blocks",
];
/// Before an effect that may be none.
const WITHIN_NOISE: &str = "~ ";

pub(super) fn cells(row: &Row) -> Vec<String> {
    let figure = |ns: Option<f64>| ns.map_or(NOT_MEASURED.to_owned(), time);
    let mark = if row.within_noise { WITHIN_NOISE } else { "" };
    vec![
        row.metric.clone(),
        figure(row.base),
        figure(row.head),
        row.effect.map_or(NOT_MEASURED.to_owned(), |found| {
            format!("{mark}{}", effect(found))
        }),
        range(row.interval, effect),
        verdict(row),
        row.blocks.to_string(),
    ]
}

/// What is wrong in capitals: it is what is looked for.
fn verdict(row: &Row) -> String {
    match row.verdict {
        None => UNFINISHED.to_owned(),
        Some(Verdict::Slower) => Verdict::Slower.label().to_uppercase(),
        Some(verdict) => verdict.label().to_owned(),
    }
}

/// `slower: 1 of 3 benchmarks`.
pub(super) fn headline(duel: &Duel) -> String {
    let all = benchmarks(duel.rows.len());
    let of = |verdict| {
        let count = duel
            .rows
            .iter()
            .filter(|row| row.verdict == verdict)
            .count();
        (count, format!("{count} of {all}"))
    };
    let some = |verdict: Verdict| format!("{}: {}", verdict.label(), of(Some(verdict)).1);
    match duel.outcome {
        _ if duel.course.interrupted => format!("interrupted: {} without a verdict", of(None).1),
        Outcome::BadInput => "cannot be compared: no benchmarks".to_owned(),
        Outcome::LimitBroken => some(Verdict::Slower),
        Outcome::Inconclusive => some(Verdict::Inconclusive),
        Outcome::Ok if of(Some(Verdict::Faster)).0 > 0 => some(Verdict::Faster),
        Outcome::Ok => format!("no change: {all}"),
    }
}

/// `3 benchmarks · 1m12s`.
pub(super) fn measured(duel: &Duel) -> String {
    format!(
        "{} · {}",
        benchmarks(duel.rows.len()),
        quantity::elapsed(duel.course.elapsed_s)
    )
}

/// What to keep in mind, a sentence each.
pub(super) fn caveats(duel: &Duel) -> Vec<String> {
    let together = duel.rows.iter().filter(|row| row.together > 1);
    together
        .map(|row| {
            format!(
                "{}: neighbouring blocks depended on one another; each {} were taken together",
                row.metric, row.together
            )
        })
        .collect()
}
