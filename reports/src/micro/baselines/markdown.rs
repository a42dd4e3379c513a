//! Two baselines for a pull request.

use std::fmt::Write;

use super::{Baselines, words};
use crate::markdown::escaped;

/// Both in Markdown.
#[must_use]
pub fn render(baselines: &Baselines) -> String {
    let mut page = format!(
        "### {} → {}\n\n",
        escaped(&baselines.base),
        escaped(&baselines.new)
    );
    for remark in words::remarks(baselines) {
        let _ = writeln!(page, "- {}", escaped(&remark));
    }
    let _ = writeln!(
        page,
        "\n| {} |\n|---|{}",
        words::COLUMNS.join(" | "),
        "---:|".repeat(words::COLUMNS.len() - 1)
    );
    for row in &baselines.rows {
        let cells: Vec<String> = words::cells(row).iter().map(|cell| escaped(cell)).collect();
        let _ = writeln!(page, "| {} |", cells.join(" | "));
    }
    page
}
