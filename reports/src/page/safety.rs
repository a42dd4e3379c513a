//! The cost–safety table.

use super::html::{Cell, element, scrolled, table_of};
use crate::{
    ladder::{Table, words},
    quantity::NOT_MEASURED,
    safety::{self, Safety, Shown},
};

const TITLE: &str = "Cost and safety";
const COSTS: [&str; 3] = ["requests/s", "CPU s/million", "memory"];
const NOTE: &str = "A cell of safety counts what passed of what should have been refused, in an attack that this run made; memory \
    is the most that the servers held in any slice.";

/// The section; empty for a run without variants.
pub(super) fn render(ladder: &Table, safety: &Safety) -> String {
    if ladder.rungs.is_empty() {
        return String::new();
    }
    let header: Vec<String> = ["variant"]
        .iter()
        .chain(words::latency_columns(ladder.latency))
        .chain(&COSTS)
        .map(|name| (*name).to_owned())
        .chain(safety.columns())
        .chain(["given up".to_owned()])
        .collect();
    let rows: Vec<Vec<Cell>> = safety::beside(ladder, safety)
        .map(|(rung, row)| {
            let costs = safety::costs(rung, row);
            let shown = row.shown().into_iter().map(|(text, shown)| Cell {
                text: kept_together(&text),
                class: class(shown),
            });
            [rung.variant.label.clone()]
                .into_iter()
                .chain(words::latencies(ladder.latency, rung))
                .chain(costs)
                .map(Cell::from)
                .chain(shown)
                .chain([Cell::from(words::given_up(ladder, rung, words::CELL))])
                .collect()
        })
        .collect();
    format!(
        "<section aria-labelledby=\"safety\"><h2 id=\"safety\">{TITLE}</h2>\n{}{}</section>\n",
        scrolled(TITLE, &table_of(TITLE, &header, &rows)),
        element(
            "p",
            "note",
            &format!("{NOTE} {NOT_MEASURED}: not tried, or not measured.")
        )
    )
}

/// A share may stand above what it is a share of, and breaks nowhere else.
fn kept_together(text: &str) -> String {
    text.replace(' ', "\u{a0}").replace("%\u{a0}of", "% of")
}

fn class(shown: Shown) -> &'static str {
    match shown {
        Shown::NotTried => "",
        Shown::Refused => "safe",
        Shown::Passed => "unsafe",
    }
}
