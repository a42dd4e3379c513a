//! What still passed after a revoke: a strip and a row for each variant that was probed.

use super::{
    charts::{NARROW, WIDE, responsive, section},
    html::{element, table},
};
use crate::{
    chart::{self, DrawError},
    quantity::{self, NOT_MEASURED},
    staleness::Strip,
};

const TITLE: &str = "After a revoke";
const NOTE: &str = "How long after a revoke was answered a request was sent that still passed. The darkest part holds half of \
    those that passed, the next all but a hundredth, the faintest ends at the longest.";
const COLUMNS: [&str; 7] = [
    "variant", "probed", "passed", "share", "p50", "p99", "longest",
];

/// The section; empty for a run that probed nothing.
pub(super) fn render(strips: &[Strip]) -> Result<String, DrawError> {
    if strips.is_empty() {
        return Ok(String::new());
    }
    let label = format!(
        "{TITLE}. A strip for each variant: how long requests still passed after a revoke; figures below."
    );
    let pictures = responsive(
        &label,
        &chart::staleness::draw(strips, WIDE.width)?,
        &chart::staleness::draw(strips, NARROW.width)?,
    );
    let rows: Vec<Vec<String>> = strips.iter().map(row).collect();
    Ok(section(
        TITLE,
        &(pictures + &element("figcaption", "note", NOTE)),
        &table(TITLE, &COLUMNS.map(str::to_owned), &rows),
    ))
}

fn row(strip: &Strip) -> Vec<String> {
    let staleness = &strip.staleness;
    let age =
        |ns: Option<u64>| ns.map_or(NOT_MEASURED.to_owned(), |ns| quantity::duration(ns as f64));
    vec![
        staleness.variant.clone(),
        quantity::grouped(staleness.probed),
        quantity::grouped(staleness.stale),
        quantity::share(strip.share()),
        age(strip.p50),
        age(strip.p99),
        age(staleness.longest),
    ]
}
