//! A comparison as a table: a line a case, a request each.

use std::fmt::Write as _;

use super::NOTES;
use super::comparison::{Compared, Report};
use crate::judge::threshold::INSTRUCTIONS;
use crate::judge::{Row, Verdict};
use crate::quantity;

/// The table, and what a reader must know of it.
#[must_use]
pub fn render(comparison: &Report) -> String {
    let mut text = format!(
        "exact · a request · callgrind of {} · {}\n",
        comparison.toolchain.valgrind, comparison.toolchain.rustc
    );
    let lines = lines(&comparison.cases);
    let widths = widths(&lines);
    for line in &lines {
        let _ = writeln!(text, "{}", aligned(line, &widths));
    }
    let _ = writeln!(text, "{}", conclusion(comparison));
    for note in NOTES {
        let _ = writeln!(text, "  {note}");
    }
    text
}

const COLUMNS: usize = 10;
type Line = [String; COLUMNS];

fn lines(cases: &[Compared]) -> Vec<Line> {
    let heads = [
        [
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
        ],
        [
            "", "base", "now", "change", "", "base", "now", "", "base", "now",
        ],
    ];
    let heads = heads.map(|head| head.map(str::to_owned));
    let line = |case: &Compared| {
        let (instructions, allocations) = (&case.instructions, &case.allocations);
        [
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
    };
    heads.into_iter().chain(cases.iter().map(line)).collect()
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

fn widths(lines: &[Line]) -> [usize; COLUMNS] {
    std::array::from_fn(|column| {
        let cells = lines.iter().map(|line| line[column].chars().count());
        cells.max().unwrap_or_default()
    })
}

/// Names and verdicts to the left, figures to the right.
fn aligned(line: &Line, widths: &[usize; COLUMNS]) -> String {
    const TO_THE_LEFT: [usize; 3] = [0, 4, 7];
    let cells: Vec<_> = line
        .iter()
        .zip(widths)
        .enumerate()
        .map(|(column, (cell, width))| {
            if TO_THE_LEFT.contains(&column) {
                format!("{cell:width$}")
            } else {
                format!("{cell:>width$}")
            }
        })
        .collect();
    cells.join("  ").trim_end().to_owned()
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
