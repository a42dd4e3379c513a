//! Two baselines as a document.

use super::{Baselines, Figure, Row};
use crate::document::{Block, Document, Table};
use crate::micro::words::{effect, time};
use crate::quantity;

/// The names of [`cells`]; an interval is criterion's of the median before it.
const COLUMNS: [&str; 6] = ["benchmark", "base", "interval", "new", "interval", "change"];

impl Baselines {
    /// Both as they are read.
    #[must_use]
    pub fn document(&self) -> Document {
        let mut document = Document::default();
        let sides = format!("{} → {}", self.base, self.new);
        let remarks = Block::List(remarks(self));
        document.on_terminal(format!("criterion's baselines: {sides}"));
        document.on_terminal(String::new());
        document.on_page(Block::Heading(sides));
        document.on_page(remarks.clone());
        document.push(Table {
            tight: true,
            ..Table::of("", COLUMNS, self.rows.iter().map(cells))
        });
        document.on_terminal(String::new());
        document.on_terminal(remarks);
        document.on_terminal(format!("exit {}", self.exit_code));
        document
    }
}

fn cells(row: &Row) -> Vec<String> {
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
fn remarks(baselines: &Baselines) -> Vec<String> {
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
