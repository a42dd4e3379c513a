//! Whether to believe the run, before anything else on the page.

use super::html::{element, escaped};
use crate::{
    ladder::{Heading, words},
    quantity,
    run::Verdict,
};

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
    let reasons: String = words::warnings(heading)
        .iter()
        .map(|warning| element("li", "warning", warning))
        .collect();
    let reasons = if reasons.is_empty() {
        reasons
    } else {
        format!("<ul class=\"reasons\">{reasons}</ul>")
    };
    format!(
        "<p class=\"facts\">{} {}</p>{reasons}",
        element("span", class, &verdict),
        escaped(&facts)
    )
}
