//! The ladder and the changes as a section of a page, and with all that was found in sentences as a document.

use super::{Attacked, Hits, Offered, Staleness, Table, words};
use crate::document::{self, Block, Document, Section};
use crate::plain;
use crate::run::{Latency, Run};

/// A terminal of this many columns shows a rung on one line.
const COLUMNS_OF_TERMINAL: usize = 150;
/// Before what a variant gives up, on a terminal.
const MARK: &str = "! ";
/// Between that and the other columns.
const GAP: usize = 2;
/// So many sentences stand in the open.
const IN_THE_OPEN: usize = 2;
const TITLE: &str = "The ladder: every variant against the baseline";
const OF_CLOSED: &str = "p50, first and vs base: latency of one request as sent to answered, against the baseline within \
    the same block.";
const OF_OPEN: &str = "response p50 and vs base: response time of one request from its intended start, against the \
    baseline within the same block. service p50: service time, from when the request was sent.";
const NOTE: &str = "Intervals are of the median over blocks, 95 % unless they say less. requests/s is measured where \
    the server's cores were at least 97 % busy in the median slice, else its cores divided by the CPU time of a request.";

/// A run as it is read on a terminal, in a pull request or in a design review.
#[must_use]
pub fn document(run: &Run) -> Document {
    let ladder = &Table::of(run);
    let calibrated = ladder.calibrated.as_ref();
    let stale = calibrated.and_then(|calibrated| calibrated.stale.clone());
    let warnings = words::warnings(&ladder.heading);
    let changes = ladder.changes.sentence();
    let mut document = Document::default();
    document.on_page(Block::Title(run.scenario.name.clone()));
    document.on_page(run.scenario.question.clone());
    if let Some(sentence) = &changes {
        document.on_page(Block::Strong(sentence.clone()));
    }
    document.push(words::heading(&ladder.heading));
    for warning in warnings.iter().chain(&stale) {
        document.on_page(Block::Warning(warning.clone()));
    }
    document.on_terminal(on_terminal(ladder));
    document.on_page(on_page(ladder));
    if let Some(sentence) = changes {
        document.on_terminal(sentence);
    }
    let notes = ladder.given_up.notes();
    if !notes.is_empty() {
        document.on_page("Given up:".to_owned());
        document.on_page(Block::List(notes.clone()));
    }
    if let Some(parts) = parts(ladder) {
        let unnamed = document::Table {
            header: Vec::new(),
            ..parts.clone()
        };
        for line in unnamed.lines() {
            document.on_terminal(Block::Note(line));
        }
        document.on_page(parts);
    }
    let sentences = ladder.offered.iter().map(Offered::sentence);
    let sentences = sentences
        .chain(ladder.staleness.iter().map(Staleness::sentence))
        .chain(Attacked::sentences(&ladder.attacks))
        .chain(ladder.hits.iter().map(Hits::sentence))
        .chain(ladder.searches.iter().cloned());
    for sentence in sentences {
        document.push(Block::Note(sentence));
    }
    let counts = ladder.capacity_counts.as_ref();
    if let Some(counts) = counts {
        document.on_page(Block::Note(counts.clone()));
    }
    document.on_page(Block::Legend(
        "Intervals are those of the median over blocks, 95 % unless they say less.",
    ));
    if let Some(calibrated) = calibrated {
        document.push(Block::Note(calibrated.sentence.clone()));
    }
    let heed = notes.into_iter().chain(counts.cloned());
    document.on_terminal(Block::List(heed.chain(stale).chain(warnings).collect()));
    document.on_page(format!("Machine: {}.", words::machine(&run.machine)));
    document.on_page(Block::Code(plain::command(&run.command)));
    document
}

/// What a variant gives up stands at the end of its line, in so many words as there is room for.
fn on_terminal(ladder: &Table) -> document::Table {
    let header = [ladder.heading.load.as_str()]
        .into_iter()
        .chain(words::columns(ladder.latency));
    let rungs = ladder.rungs.iter();
    let rungs = rungs.map(|rung| words::cells(ladder.latency, rung));
    let mut table = document::Table::of("", header, rungs);
    let room = COLUMNS_OF_TERMINAL.saturating_sub(table.width() + GAP + MARK.len());
    table.words.push(table.header.len());
    for (cells, rung) in table.rows.iter_mut().zip(&ladder.rungs) {
        match words::given_up(ladder, rung, room) {
            nothing if nothing.is_empty() => {}
            said => cells.push(format!("{MARK}{said}").into()),
        }
    }
    table
}

fn on_page(ladder: &Table) -> document::Table {
    let header = [ladder.heading.load.as_str()]
        .into_iter()
        .chain(words::columns(ladder.latency))
        .chain(["given up"]);
    let rungs = ladder.rungs.iter().map(|rung| {
        let mut cells = words::cells(ladder.latency, rung);
        cells.push(words::given_up(ladder, rung, words::CELL));
        cells
    });
    let table = document::Table::of(TITLE, header, rungs);
    document::Table {
        wide: true,
        words: vec![table.header.len() - 1],
        ..table
    }
}

/// What each change made; none for a scenario without changes.
fn parts(ladder: &Table) -> Option<document::Table> {
    let parts = ladder.changes.parts.iter().map(words::part);
    let table = document::Table::of("What each change made", words::CHANGE_COLUMNS, parts);
    (!table.rows.is_empty()).then_some(table)
}

/// The section.
pub(crate) fn section(ladder: &Table) -> Section {
    let mut blocks = vec![Block::Table(on_page(ladder))];
    let notes = ladder.given_up.notes();
    if !notes.is_empty() {
        blocks.extend([Block::Heading("Given up".to_owned()), Block::List(notes)]);
    }
    blocks.extend(parts(ladder).map(Block::Table));
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
