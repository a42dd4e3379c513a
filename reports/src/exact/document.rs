//! A comparison of counts as a document: a line a case, a request each.

use super::NOTES;
use super::comparison::{Comparison, Pair, Row};
use crate::document::{Block, Document, Table};
use crate::duel::instructions::THRESHOLD;
use crate::judge::Verdict;
use crate::quantity;

const GROUPS: [&str; 10] = [
    "",
    "",
    "instructions",
    "",
    "",
    "",
    "allocations",
    "",
    "",
    "bytes",
];
const COLUMNS: [&str; 10] = [
    "", "base", "now", "change", "", "base", "now", "", "base", "now",
];
/// The columns of verdicts.
const VERDICTS: [usize; 2] = [4, 7];

impl Comparison {
    /// The table, and what a reader must know of it.
    #[must_use]
    pub fn document(&self) -> Document {
        let mut document = Document::default();
        document.push(format!(
            "exact · a request · callgrind of {} · {}",
            self.toolchain.valgrind, self.toolchain.rustc
        ));
        document.push(Table {
            groups: GROUPS.map(str::to_owned).into(),
            words: VERDICTS.into(),
            ..Table::of("counts of a request", COLUMNS, self.rows.iter().map(cells))
        });
        document.push(conclusion(self));
        for note in NOTES {
            document.push(Block::Note(note.to_owned()));
        }
        document
    }
}

fn cells(row: &Row) -> Vec<String> {
    let (instructions, allocations) = (row.instructions, row.allocations);
    vec![
        row.name.clone(),
        whole(instructions.base),
        whole(instructions.now),
        quantity::change(instructions.now / instructions.base),
        shown(instructions),
        quantity::number(allocations.base),
        quantity::number(allocations.now),
        shown(allocations),
        whole(row.bytes.base),
        whole(row.bytes.now),
    ]
}

fn whole(value: f64) -> String {
    quantity::grouped(value.round() as u64)
}

/// Capitals for what wants a look.
fn shown(pair: Pair) -> String {
    match pair.verdict {
        None => "not judged".to_owned(),
        Some(Verdict::Slower) => Verdict::Slower.label().to_uppercase(),
        Some(verdict) => verdict.label().to_owned(),
    }
}

fn conclusion(comparison: &Comparison) -> String {
    if !comparison.differences.is_empty() {
        return format!(
            "described, not judged: {}",
            comparison.differences.join("; ")
        );
    }
    let rule = format!(
        "beyond {} of instructions, or by any allocation",
        quantity::share(THRESHOLD)
    );
    let (slower, faster) = (
        comparison.count(Verdict::Slower),
        comparison.count(Verdict::Faster),
    );
    let of = comparison.rows.len();
    match (slower, faster) {
        (0, 0) => format!("no change in {of} cases, {rule}"),
        (0, _) => format!("faster: {faster} of {of} cases, {rule}; `make exact-accept` keeps it"),
        (_, 0) => format!("SLOWER: {slower} of {of} cases, {rule}"),
        _ => format!("SLOWER: {slower} of {of} cases, faster: {faster}, {rule}"),
    }
}
