//! Counts against a baseline, judged case by case.

use super::{Case, Counts, ExactError, NOTES, Toolchain};
use crate::document::{Block, Document, Table};
use crate::judge::{INSTRUCTIONS, Row, Rule, Verdict};
use crate::outcome::Outcome;
use crate::quantity;

/// Every case of both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What the counts were made with now.
    pub toolchain: Toolchain,
    /// What differs from what the baseline's were made with; nothing is judged then.
    pub differences: Vec<String>,
    /// The cases, in the order in which they were counted.
    pub cases: Vec<Compared>,
}

/// A case, a request each.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The case.
    pub name: String,
    /// Instructions, judged by [`INSTRUCTIONS`].
    pub instructions: Row,
    /// Allocations: one more in all the requests together is slower.
    pub allocations: Row,
    /// Bytes asked for; shown, never judged.
    pub bytes: Row,
}

impl Report {
    /// Compares.
    ///
    /// # Errors
    /// A case that one of the sides does not have.
    pub fn of(base: &Counts, now: &Counts) -> Result<Self, ExactError> {
        let names = missing(&base.cases, &now.cases);
        if !names.is_empty() {
            return Err(ExactError::NotCounted { names });
        }
        let names = missing(&now.cases, &base.cases);
        if !names.is_empty() {
            return Err(ExactError::NoBaseline { names });
        }
        let differences = now.toolchain.differences(&base.toolchain);
        let judged = differences.is_empty();
        let pairs = now.cases.iter().filter_map(|now| {
            let same = base.cases.iter().find(|base| base.name == now.name);
            same.map(|base| (base, now))
        });
        Ok(Self {
            toolchain: now.toolchain.clone(),
            cases: pairs.map(|(base, now)| case(base, now, judged)).collect(),
            differences,
        })
    }

    /// What a script sees. Where nothing is judged there is nothing to object to, and the words say so.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        if self.count(Verdict::Slower) > 0 {
            Outcome::LimitBroken
        } else {
            Outcome::Ok
        }
    }

    /// How many cases are so, in one figure or the other.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        let is_so = |case: &&Compared| {
            [&case.instructions, &case.allocations]
                .iter()
                .any(|row| row.verdict == Some(verdict))
        };
        self.cases.iter().filter(is_so).count()
    }
}

/// The names of those that the others lack.
fn missing(some: &[Case], others: &[Case]) -> Vec<String> {
    let lacks = |case: &&Case| others.iter().all(|other| other.name != case.name);
    some.iter()
        .filter(lacks)
        .map(|case| case.name.clone())
        .collect()
}

fn case(base: &Case, now: &Case, judged: bool) -> Compared {
    let row = |name: &str, total: fn(&Case) -> u64, threshold: Option<f64>| {
        let [base, now] = [base, now].map(|case| [case.a_request(total(case))]);
        let rule = threshold
            .filter(|_| judged)
            .map_or(Rule::DESCRIBE, Rule::Threshold);
        Row::counted(name, &base, &now, &rule)
    };
    Compared {
        name: now.name.clone(),
        instructions: row("instructions", |case| case.instructions, Some(INSTRUCTIONS)),
        allocations: row("allocations", |case| case.allocations, Some(0.0)),
        bytes: row("bytes", |case| case.bytes, None),
    }
}

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
            wide: true,
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
