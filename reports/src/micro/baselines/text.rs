//! Two baselines for a terminal.

use std::fmt::Write;

use super::{Baselines, words};
use crate::ladder::text::aligned;

/// Both as lines of text.
#[must_use]
pub fn render(baselines: &Baselines) -> String {
    let mut text = format!(
        "criterion's baselines: {} → {}\n\n",
        baselines.base, baselines.new
    );
    let header = words::COLUMNS.map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(header)
        .chain(baselines.rows.iter().map(words::cells))
        .collect();
    for line in aligned(&rows) {
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.push('\n');
    for remark in words::remarks(baselines) {
        let _ = writeln!(text, "! {}", crate::plain::line(&remark));
    }
    let _ = writeln!(text, "exit {}", baselines.exit_code);
    text
}
