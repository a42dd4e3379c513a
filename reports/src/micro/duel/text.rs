//! A duel of benchmarks for a terminal.

use std::fmt::Write;

use super::{Duel, words};
use crate::ladder::text::aligned;
use crate::micro::words::shell;

/// The duel as lines of text.
#[must_use]
pub fn render(duel: &Duel) -> String {
    let mut text = format!(
        "duel of benchmarks: {} → {} · {}\n\n",
        duel.terms.base,
        duel.terms.head,
        words::measured(duel)
    );
    let header = words::COLUMNS.map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(header)
        .chain(duel.rows.iter().map(words::cells))
        .collect();
    for line in aligned(&rows) {
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.push('\n');
    for caveat in words::caveats(duel) {
        let _ = writeln!(text, "! {}", crate::plain::line(&caveat));
    }
    let _ = writeln!(
        text,
        "{}\nexit {} · repeat: {}",
        words::headline(duel),
        duel.exit_code,
        shell(&duel.terms.repeat)
    );
    text
}
