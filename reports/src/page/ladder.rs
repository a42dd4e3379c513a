//! The ladder and the changes as tables.

use std::fmt::Write;

use super::html::{element, scrolled, table};
use crate::ladder::{Offered, Table, words};
use crate::run::Latency;

/// So many sentences stand in the open.
const IN_THE_OPEN: usize = 2;
const TITLE: &str = "The ladder: every variant against the baseline";
const OF_CLOSED: &str = "p50, first and vs base: latency of one request as sent to answered, against the baseline within \
    the same block.";
const OF_OPEN: &str = "response p50 and vs base: response time of one request from its intended start, against the \
    baseline within the same block. service p50: service time, from when the request was sent.";
const NOTE: &str = "Intervals are of the median over blocks, 95 % unless they say less. requests/s is measured where \
    the server's cores were at least 97 % busy in the median slice, else its cores divided by the CPU time of a request.";

pub(crate) fn render(ladder: &Table) -> String {
    let header: Vec<String> = [ladder.heading.load.as_str()]
        .into_iter()
        .chain(words::columns(ladder.latency))
        .chain(["given up"])
        .map(str::to_owned)
        .collect();
    let rungs: Vec<Vec<String>> = ladder
        .rungs
        .iter()
        .map(|rung| {
            words::cells(ladder.latency, rung)
                .into_iter()
                .chain([words::given_up(ladder, rung, words::CELL)])
                .collect()
        })
        .collect();
    let notes: String = ladder
        .given_up
        .notes()
        .iter()
        .map(|note| element("li", "given-up", note))
        .collect();
    let mut page = scrolled(TITLE, &table(TITLE, &header, &rungs));
    if !notes.is_empty() {
        let _ = write!(page, "<h3>Given up</h3><ul class=\"notes\">{notes}</ul>");
    }
    if !ladder.changes.parts.is_empty() {
        let parts: Vec<Vec<String>> = ladder.changes.parts.iter().map(words::part).collect();
        page += &table(
            "What each change made",
            &words::CHANGE_COLUMNS.map(str::to_owned),
            &parts,
        );
    }
    page += &offered(&ladder.offered);
    if let Some(counts) = &ladder.capacity_counts {
        page += &element("p", "note", &format!("{counts}."));
    }
    let latency = match ladder.latency {
        Latency::Response => OF_OPEN,
        Latency::Service => OF_CLOSED,
    };
    page + &element("p", "note", &format!("{latency} {NOTE}"))
}

/// What open loads offered; folded where it is a page of it.
fn offered(offered: &[Offered]) -> String {
    let sentences: String = offered
        .iter()
        .map(|offered| element("p", "note", &format!("{}.", offered.sentence())))
        .collect();
    if offered.len() <= IN_THE_OPEN {
        return sentences;
    }
    format!("<details><summary>Offered and answered</summary>{sentences}</details>")
}
