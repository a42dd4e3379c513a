//! A comparison for a pull request.

use std::fmt::Write;

use super::{Report, words};
use crate::markdown::escaped;

/// The comparison in Markdown.
#[must_use]
pub fn render(comparison: &Report) -> String {
    let mut page = format!(
        "### {} → {}\n\n",
        escaped(&comparison.base),
        escaped(&comparison.head)
    );
    for remark in words::remarks(comparison)
        .into_iter()
        .chain(words::limits(comparison))
    {
        let _ = writeln!(page, "- {}", escaped(&remark));
    }
    for pair in &comparison.pairs {
        let _ = writeln!(
            page,
            "\n**{}, {}: {}{}**\n",
            escaped(&pair.at.load),
            escaped(&pair.at.step),
            escaped(&pair.variant),
            words::of_latency(pair)
        );
        let _ = writeln!(
            page,
            "| | {} |\n|---|{}",
            words::COLUMNS.join(" | "),
            "---:|".repeat(words::COLUMNS.len())
        );
        for mut row in words::rows(pair) {
            row.resize(words::COLUMNS.len() + 1, String::new());
            let _ = writeln!(
                page,
                "| {} |",
                row.iter()
                    .map(|cell| escaped(cell))
                    .collect::<Vec<_>>()
                    .join(" | ")
            );
        }
    }
    if let Some(duel) = &comparison.duel {
        page.push('\n');
        page.push_str(&crate::duel::markdown::render(duel, None));
    }
    page
}
