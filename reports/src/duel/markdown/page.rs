//! A page of Markdown that has an end: what would pass it is left out and counted.

use std::fmt::Write;

use super::super::words::COLUMNS;
use crate::markdown::escaped;

/// Names, sentences and commands longer than these are cut, characters.
pub(super) const NAME: usize = 200;
pub(super) const SENTENCE: usize = 500;
pub(super) const COMMAND: usize = 1_000;

/// What was written so far.
pub(super) struct Page(pub(super) String);

impl Page {
    /// A paragraph.
    pub(super) fn paragraph(&mut self, text: &str) {
        let _ = write!(self.0, "{text}\n\n");
    }

    /// Begins what is folded away; whoever begins it ends it.
    pub(super) fn fold(&mut self, summary: &str) {
        self.paragraph(&format!("<details><summary>{}</summary>", escaped(summary)));
    }

    /// Ends what is folded away.
    pub(super) fn unfold(&mut self) {
        self.paragraph("</details>");
    }

    /// Items of a list, as many as end before `end` bytes.
    pub(super) fn list(&mut self, items: &[String], end: usize) {
        let items = items
            .iter()
            .map(|item| format!("- {}", escaped(&cut(item, SENTENCE))));
        self.lines(items, end);
    }

    /// Rows of a table, as many as end before `end` bytes.
    pub(super) fn table(&mut self, rows: impl ExactSizeIterator<Item = [String; 7]>, end: usize) {
        if rows.len() == 0 {
            return;
        }
        let _ = writeln!(
            self.0,
            "| | {} |\n| --- |{} --- |",
            COLUMNS.join(" | "),
            " ---: |".repeat(COLUMNS.len() - 1)
        );
        let rows = rows.map(|cells| {
            let cells = cells.map(|cell| escaped(&cut(&cell, NAME)));
            format!("| {} |", cells.join(" | "))
        });
        self.lines(rows, end);
    }

    fn lines(&mut self, lines: impl ExactSizeIterator<Item = String>, end: usize) {
        if lines.len() == 0 {
            return;
        }
        let mut left_out = 0;
        for line in lines {
            if left_out == 0 && self.0.len() + line.len() < end {
                self.0 += &line;
                self.0.push('\n');
            } else {
                left_out += 1;
            }
        }
        self.0.push('\n');
        if left_out > 0 {
            self.paragraph(&format!(
                "{left_out} more left out, so that this fits into a comment: they are in the JSON."
            ));
        }
    }
}

/// At most so many characters of a text.
pub(super) fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
