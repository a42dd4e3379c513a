//! The ladder for a terminal.

use std::fmt::Write;

use crate::plain;

use super::{
    Attacked, Hits, Table,
    words::{cells, columns, given_up, heading, part, warnings},
};

/// A terminal of this many columns shows a rung on one line.
const COLUMNS_OF_TERMINAL: usize = 150;
const MARK: &str = "! ";
/// Two spaces between columns: thousands inside them have one.
const GAP: &str = "  ";

/// The ladder as lines of text.
#[must_use]
pub fn render(table: &Table) -> String {
    let header = std::iter::once(table.heading.load.as_str())
        .chain(columns(table.latency))
        .map(str::to_owned)
        .collect();
    let rows: Vec<Vec<String>> = std::iter::once(header)
        .chain(table.rungs.iter().map(|rung| cells(table.latency, rung)))
        .collect();
    let lines = aligned(&rows);
    let width = lines.first().map_or(0, |line| line.chars().count());
    let room = COLUMNS_OF_TERMINAL.saturating_sub(width + GAP.len() + MARK.len());
    let marks = table
        .rungs
        .iter()
        .map(|rung| mark(&given_up(table, rung, room)));
    let mut text = plain::line(&heading(&table.heading)).into_owned() + "\n";
    for (line, mark) in lines
        .into_iter()
        .zip(std::iter::once(String::new()).chain(marks))
    {
        let mark = plain::line(&mark);
        let _ = writeln!(text, "{}", format!("{line}{mark}").trim_end());
    }
    if let Some(sentence) = table.changes.sentence() {
        let _ = writeln!(text, "{}", plain::line(&sentence));
    }
    let parts: Vec<Vec<String>> = table.changes.parts.iter().map(part).collect();
    for line in aligned(&parts) {
        let _ = writeln!(text, "{GAP}{}", line.trim_end());
    }
    for offered in &table.offered {
        let _ = writeln!(text, "{GAP}{}", plain::line(&offered.sentence()));
    }
    for staleness in &table.staleness {
        let _ = writeln!(text, "{GAP}{}", plain::line(&staleness.sentence()));
    }
    let attacks = Attacked::sentences(&table.attacks);
    for sentence in attacks
        .into_iter()
        .chain(table.hits.iter().map(Hits::sentence))
    {
        let _ = writeln!(text, "{GAP}{}", plain::line(&sentence));
    }
    let calibrated = table.calibrated.as_ref();
    let said = calibrated.map(|calibrated| &calibrated.sentence);
    for sentence in table.searches.iter().chain(said) {
        let _ = writeln!(text, "{GAP}{}", plain::line(sentence));
    }
    for note in table.given_up.notes() {
        let _ = writeln!(text, "! {}", plain::line(&note));
    }
    for remark in table
        .capacity_counts
        .iter()
        .chain(calibrated.and_then(|calibrated| calibrated.stale.as_ref()))
        .chain(&warnings(&table.heading))
    {
        let _ = writeln!(text, "! {}", plain::line(remark));
    }
    text
}

fn mark(given_up: &str) -> String {
    if given_up.is_empty() {
        String::new()
    } else {
        format!("{GAP}{MARK}{given_up}")
    }
}

/// A longer cell is cut, characters: the others of its column would be as wide.
const WIDEST: usize = 400;

/// The first column to the left, figures to the right, each as wide as its widest cell.
pub(crate) fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let shown = |cell: &String| {
        let cell = plain::line(cell);
        match cell.char_indices().nth(WIDEST) {
            Some((at, _)) => format!("{}…", &cell[..at]),
            None => cell.into_owned(),
        }
    };
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(shown).collect())
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns)
        .map(|column| width(column).unwrap_or_default())
        .collect();
    let line = |row: &Vec<String>| {
        let padded =
            row.iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, width))| match column {
                    0 => format!("{cell:<width$}"),
                    _ => format!("{cell:>width$}"),
                });
        padded.collect::<Vec<_>>().join(GAP)
    };
    rows.iter().map(line).collect()
}
