//! What caches had of what they were asked for.

use super::html::{element, table};
use crate::{
    ladder::Hits,
    quantity::{self, NOT_MEASURED},
};

const TITLE: &str = "What the caches had";
const NOTE: &str = "Ideal is the best that a cache of that size could have had of the same requests (Bélády 1966), where the scenario \
    says how much it holds.";
const COLUMNS: [&str; 5] = ["variant", "load", "asked", "hits", "ideal"];

/// The section; empty for a run in which no answer told of a cache.
pub(super) fn render(hits: &[Hits]) -> String {
    if hits.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = hits.iter().map(row).collect();
    format!(
        "<section aria-labelledby=\"hits\"><h2 id=\"hits\">{TITLE}</h2>\n{}{}</section>\n",
        table(TITLE, &COLUMNS.map(str::to_owned), &rows),
        element("p", "note", NOTE)
    )
}

fn row(hits: &Hits) -> Vec<String> {
    vec![
        hits.variant.clone(),
        hits.load.clone(),
        quantity::grouped(hits.cache.asked),
        quantity::share(hits.ratio()),
        hits.ideal()
            .map_or(NOT_MEASURED.to_owned(), quantity::share),
    ]
}
