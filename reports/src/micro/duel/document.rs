//! A duel of benchmarks as a document: a page has the verdict first, and what did not change folded.

use super::Duel;
use crate::document::{Block, Document, Most, Table};
use crate::judge::{Row, Verdict};
use crate::micro::{UNFINISHED, benchmarks, effect, time};
use crate::outcome::Outcome;
use crate::quantity::{self, NOT_MEASURED};

/// The names of [`cells`].
const COLUMNS: [&str; 7] = [
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
/// GitHub takes 65 536 characters of a comment; the rest of the page is well below 4 kB.
const ROWS_END: usize = 60_000;

impl Duel {
    /// The duel as it is read.
    #[must_use]
    pub fn document(&self) -> Document {
        let mut document = Document::default();
        let sides = format!(
            "{} → {} · {}",
            self.terms.base,
            self.terms.head,
            measured(self)
        );
        let end = format!("exit {} · repeat:", self.exit_code);
        let repeat = crate::plain::command(&self.terms.repeat);
        document.on_terminal(format!("duel of benchmarks: {sides}"));
        document.on_terminal(String::new());
        document.on_terminal(table(&self.rows));
        document.on_terminal(String::new());
        document.on_page(Block::Heading(headline(self)));
        document.on_page(sides);
        let (unchanged, changed): (Vec<&Row>, Vec<&Row>) = self
            .rows
            .iter()
            .partition(|row| row.verdict == Some(Verdict::NoChange));
        if !changed.is_empty() {
            document.on_page(ended(table(changed)));
        }
        if !unchanged.is_empty() {
            document.on_page(Block::Fold {
                summary: format!("no change: {}", benchmarks(unchanged.len())),
                blocks: vec![ended(table(unchanged))],
            });
        }
        document.on_terminal(headline(self));
        document.on_terminal(format!("{end} {repeat}"));
        document.on_page(end);
        document.on_page(Block::Code(repeat));
        document
    }
}

fn table<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Table {
    Table {
        tight: true,
        ..Table::of("", COLUMNS, rows.into_iter().map(cells))
    }
}

fn ended(table: Table) -> Block {
    let most = Most {
        end: ROWS_END,
        left_out: |rows| format!("{} more: `--format json` has them all", benchmarks(rows)),
    };
    Block::Most(most, Box::new(table.into()))
}

fn cells(row: &Row) -> Vec<String> {
    let figure = |ns: Option<f64>| ns.map_or(NOT_MEASURED.to_owned(), time);
    let mark = if row.within_noise { WITHIN_NOISE } else { "" };
    vec![
        row.metric.clone(),
        figure(row.base),
        figure(row.head),
        row.effect.map_or(NOT_MEASURED.to_owned(), |found| {
            format!("{mark}{}", effect(found))
        }),
        quantity::interval(row.interval, effect),
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
fn headline(duel: &Duel) -> String {
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
fn measured(duel: &Duel) -> String {
    format!(
        "{} · {}",
        benchmarks(duel.rows.len()),
        quantity::elapsed(duel.course.elapsed_s)
    )
}
