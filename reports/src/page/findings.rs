//! What the run found: the most telling sentence as the headline, the others folded away below.

use super::html::{element, escaped};
use crate::finding::Finding;

/// The headline and what else was found; empty for a run that found nothing.
pub(super) fn render(finding: &Finding) -> String {
    let Some((first, others)) = finding.sentences.split_first() else {
        return String::new();
    };
    let class = if finding.doubt.is_some() {
        "headline doubted"
    } else {
        "headline"
    };
    let headline = element("p", class, &full_stop(first));
    if others.is_empty() {
        return headline;
    }
    let others = others.iter().fold(String::new(), |items, sentence| {
        items + "<li>" + &escaped(&full_stop(sentence)) + "</li>"
    });
    format!(
        "{headline}<details><summary>What else it found</summary><ul class=\"findings\">{others}</ul></details>"
    )
}

/// A sentence as it stands in a text.
fn full_stop(sentence: &str) -> String {
    if sentence.ends_with('.') {
        sentence.to_owned()
    } else {
        format!("{sentence}.")
    }
}
