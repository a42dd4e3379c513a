//! Whether to believe the run, before anything else on the page.

use super::html::{element, escaped};
use crate::{
    ladder::{Heading, words},
    quantity,
    run::Verdict,
};

/// So many reasons stand in the open; a run that was disturbed all along has a page of them.
const SHOWN: usize = 3;

pub(crate) fn render(heading: &Heading) -> String {
    let sound = heading.verdict == Verdict::Valid && heading.cut_short.is_none();
    let class = if sound { "badge good" } else { "badge bad" };
    let partial = if heading.cut_short.is_some() {
        ", partial"
    } else {
        ""
    };
    let verdict = format!("{}{partial}", heading.verdict.label());
    let shards = heading
        .shards
        .as_ref()
        .map_or(String::new(), |shards| format!("{shards} · "));
    let facts = format!(
        "{shards}{}, {} cores · {}",
        heading.cpu,
        heading.cores,
        quantity::elapsed(heading.elapsed_s)
    );
    let warnings = words::warnings(heading);
    let (first, others) = warnings.split_at(warnings.len().min(SHOWN));
    let reasons = list(first) + &folded(others);
    format!(
        "<p class=\"facts\">{} {}</p>{reasons}",
        element("span", class, &verdict),
        escaped(&facts)
    )
}

/// The other reasons, to be opened; empty for none.
fn folded(others: &[String]) -> String {
    if others.is_empty() {
        return String::new();
    }
    format!(
        "<details><summary>{} more</summary>{}</details>",
        others.len(),
        list(others)
    )
}

fn list(warnings: &[String]) -> String {
    if warnings.is_empty() {
        return String::new();
    }
    let items: String = warnings
        .iter()
        .map(|warning| element("li", "warning", warning))
        .collect();
    format!("<ul class=\"reasons\">{items}</ul>")
}
