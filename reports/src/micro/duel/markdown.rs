//! A duel of benchmarks for a job's summary or a pull request: the verdict first, what did not change
//! folded.

use std::fmt::Write;

use super::{Duel, words};
use crate::judge::{Row, Verdict};
use crate::markdown::{code_block, escaped};
use crate::micro::words::{benchmarks, shell};

/// GitHub takes 65 536 characters of a comment; the rest of the page is well below 4 kB.
const BYTES_OF_ROWS: usize = 60_000;

/// The duel in Markdown.
#[must_use]
pub fn render(duel: &Duel) -> String {
    let mut page = format!(
        "### {}\n\n{} → {} · {}\n\n",
        escaped(&words::headline(duel)),
        escaped(&duel.terms.base),
        escaped(&duel.terms.head),
        words::measured(duel)
    );
    let (unchanged, changed): (Vec<&Row>, Vec<&Row>) = duel
        .rows
        .iter()
        .partition(|row| row.verdict == Some(Verdict::NoChange));
    if !changed.is_empty() {
        page += &table(&changed, BYTES_OF_ROWS);
        page.push('\n');
    }
    if !unchanged.is_empty() {
        let room = BYTES_OF_ROWS.saturating_sub(page.len());
        let _ = writeln!(
            page,
            "<details><summary>no change: {}</summary>\n\n{}\n</details>\n",
            benchmarks(unchanged.len()),
            table(&unchanged, room)
        );
    }
    for caveat in words::caveats(duel) {
        let _ = writeln!(page, "- {}\n", escaped(&caveat));
    }
    let _ = writeln!(
        page,
        "exit {} · repeat:\n\n{}",
        duel.exit_code,
        code_block(&shell(&duel.terms.repeat))
    );
    page
}

/// The rows that `room` bytes take, and how many they are not.
fn table(rows: &[&Row], room: usize) -> String {
    let mut table = format!(
        "| {} |\n|---|{}\n",
        words::COLUMNS.join(" | "),
        "---:|".repeat(words::COLUMNS.len() - 1)
    );
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<String> = words::cells(row).iter().map(|cell| escaped(cell)).collect();
        let line = format!("| {} |\n", cells.join(" | "));
        if table.len() + line.len() > room {
            let left = benchmarks(rows.len() - number);
            let _ = writeln!(table, "\n{left} more: `--format json` has them all");
            break;
        }
        table += &line;
    }
    table
}
