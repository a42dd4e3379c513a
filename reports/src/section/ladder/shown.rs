//! The ladder and the changes as tables of a page.

use super::{Table, words};
use crate::document::{self, Block, Section};
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

/// The section.
pub(crate) fn section(ladder: &Table) -> Section {
    let header = [ladder.heading.load.as_str()]
        .into_iter()
        .chain(words::columns(ladder.latency))
        .chain(["given up"]);
    let rungs = ladder.rungs.iter().map(|rung| {
        words::cells(ladder.latency, rung)
            .into_iter()
            .chain([words::given_up(ladder, rung, words::CELL)])
            .collect()
    });
    let mut blocks = vec![Block::Table(document::Table {
        wide: true,
        ..document::Table::of(TITLE, header, rungs)
    })];
    let notes = ladder.given_up.notes();
    if !notes.is_empty() {
        blocks.extend([Block::Heading("Given up".to_owned()), Block::List(notes)]);
    }
    if !ladder.changes.parts.is_empty() {
        let parts = ladder.changes.parts.iter().map(words::part);
        let changes = document::Table::of("What each change made", words::CHANGE_COLUMNS, parts);
        blocks.push(changes.into());
    }
    let offered: Vec<Block> = ladder
        .offered
        .iter()
        .map(|offered| Block::Note(format!("{}.", offered.sentence())))
        .collect();
    if offered.len() <= IN_THE_OPEN {
        blocks.extend(offered);
    } else {
        blocks.push(Block::Fold {
            summary: "Offered and answered".to_owned(),
            blocks: offered,
        });
    }
    let counts = ladder.capacity_counts.as_ref();
    blocks.extend(counts.map(|counts| Block::Note(format!("{counts}."))));
    let latency = match ladder.latency {
        Latency::Response => OF_OPEN,
        Latency::Service => OF_CLOSED,
    };
    blocks.push(Block::Note(format!("{latency} {NOTE}")));
    Section {
        id: Some("ladder"),
        title: "The ladder".to_owned(),
        blocks,
    }
}
