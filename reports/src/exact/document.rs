//! A comparison of counts as a document: a line a case, a request each.

use super::NOTES;
use super::comparison::{Compared, Report};
use crate::document::{Block, Document, Table};
use crate::judge::threshold::INSTRUCTIONS;
use crate::judge::{Row, Verdict};
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

impl Report {
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
            ..Table::of("counts of a request", COLUMNS, self.cases.iter().map(cells))
        });
        document.push(conclusion(self));
        for note in NOTES {
            document.push(Block::Note(note.to_owned()));
        }
        document
    }
}

fn cells(case: &Compared) -> Vec<String> {
    let (instructions, allocations) = (&case.instructions, &case.allocations);
    vec![
        case.name.clone(),
        whole(instructions.base),
        whole(instructions.head),
        quantity::change(instructions.ratio().unwrap_or(1.0)),
        shown(instructions),
        quantity::number(allocations.base.unwrap_or_default()),
        quantity::number(allocations.head.unwrap_or_default()),
        shown(allocations),
        whole(case.bytes.base),
        whole(case.bytes.head),
    ]
}

fn whole(value: Option<f64>) -> String {
    quantity::grouped(value.unwrap_or_default().round() as u64)
}

/// Capitals for what wants a look.
fn shown(row: &Row) -> String {
    match row.verdict {
        None => "not judged".to_owned(),
        Some(Verdict::Slower) => Verdict::Slower.label().to_uppercase(),
        Some(verdict) => verdict.label().to_owned(),
    }
}

fn conclusion(comparison: &Report) -> String {
    if !comparison.differences.is_empty() {
        return format!(
            "described, not judged: {}",
            comparison.differences.join("; ")
        );
    }
    let rule = format!(
        "beyond {} of instructions, or by any allocation",
        quantity::share(INSTRUCTIONS)
    );
    let (slower, faster) = (
        comparison.count(Verdict::Slower),
        comparison.count(Verdict::Faster),
    );
    let of = comparison.cases.len();
    match (slower, faster) {
        (0, 0) => format!("no change in {of} cases, {rule}"),
        (0, _) => format!("faster: {faster} of {of} cases, {rule}; `make exact-accept` keeps it"),
        (_, 0) => format!("SLOWER: {slower} of {of} cases, {rule}"),
        _ => format!("SLOWER: {slower} of {of} cases, faster: {faster}, {rule}"),
    }
}
