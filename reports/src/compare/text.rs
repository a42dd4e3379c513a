//! A comparison for a terminal.

use std::fmt::Write;

use super::{Report, words};
use crate::ladder::text::aligned;
use crate::plain;

/// The comparison as lines of text.
#[must_use]
pub fn render(comparison: &Report) -> String {
    let mut text = format!(
        "authlab compare · {} → {}\n",
        plain::line(&comparison.base),
        plain::line(&comparison.head)
    );
    for pair in &comparison.pairs {
        let _ = writeln!(
            text,
            "\n{} · {} · {}{}",
            plain::line(&pair.at.load),
            plain::line(&pair.at.step),
            plain::line(&pair.variant),
            words::of_latency(pair)
        );
        let header = std::iter::once("")
            .chain(words::COLUMNS)
            .map(str::to_owned)
            .collect();
        let rows: Vec<Vec<String>> = std::iter::once(header).chain(words::rows(pair)).collect();
        for line in aligned(&rows) {
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text.push('\n');
    for remark in words::remarks(comparison) {
        let _ = writeln!(text, "! {}", plain::line(&remark));
    }
    if let Some(limits) = words::limits(comparison) {
        let _ = writeln!(text, "{}", plain::line(&limits));
    }
    match &comparison.duel {
        // It ends with the exit code too.
        Some(duel) => text.push_str(&crate::duel::text::render(duel, None)),
        None => {
            let _ = writeln!(text, "exit {}", comparison.exit_code);
        }
    }
    text
}
