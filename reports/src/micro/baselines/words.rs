//! Two baselines in words: what both renderings write, so that they agree.

use super::{Baselines, Figure, Row};
use crate::micro::words::{effect, time};
use crate::quantity;

/// The names of [`cells`]; an interval is criterion's of the median before it.
pub(super) const COLUMNS: [&str; 6] =
    ["benchmark", "base", "interval", "new", "interval", "change"];

pub(super) fn cells(row: &Row) -> Vec<String> {
    let interval =
        |Figure { interval_ns, .. }: Figure| quantity::range(interval_ns.0, interval_ns.1, time);
    vec![
        row.benchmark.clone(),
        time(row.base.median_ns),
        interval(row.base),
        time(row.new.median_ns),
        interval(row.new),
        match (row.change, row.difference_ns) {
            (Some(change), _) => effect(change),
            (None, Some(difference)) => quantity::signed(difference, time),
            (None, None) => quantity::NOT_MEASURED.to_owned(),
        },
    ]
}

/// What to heed, a sentence each: what one side lacks, caveats.
pub(super) fn remarks(baselines: &Baselines) -> Vec<String> {
    let sides = [
        (&baselines.base, &baselines.only_base),
        (&baselines.new, &baselines.only_new),
    ];
    sides
        .into_iter()
        .filter(|(_, only)| !only.is_empty())
        .map(|(name, only)| format!("only in {name}: {}", only.join(", ")))
        .chain(baselines.caveats.iter().cloned())
        .collect()
}
