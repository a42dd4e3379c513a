//! The ladder and the changes as a section of a page, and with all that was found in sentences as a document.

use super::{Attacked, Hits, Offered, Staleness, Table, summary, words};
use crate::document::{self, Block, Document, Section};
use crate::plain;
use crate::quantity;
use crate::run::{Latency, Run};

/// What is not shown on a terminal is as wide.
const COLUMNS: usize = 80;
/// Before what a variant gives up, on a terminal.
const MARK: &str = "! ";
/// So many sentences stand in the open.
const IN_THE_OPEN: usize = 2;
const TITLE: &str = "The ladder: every variant against the baseline";
const OF_CLOSED: &str = "p50, first and vs base: latency of one request as sent to answered, against the baseline within \
    the same block.";
const OF_OPEN: &str = "response p50 and vs base: response time of one request from its intended start, against the \
    baseline within the same block. service p50: service time, from when the request was sent.";
const NOTE: &str = "vs base says faster or slower only where the verdict does; elsewhere its interval is the change of \
    the baseline's p50. Intervals are of the median over blocks, 95 % or more unless they say less. requests/s is measured where \
    the server's cores were at least 97 % busy in the median slice, else its cores divided by the CPU time of a request.";

/// A run as it is read on a terminal of 80 columns, in a pull request or in a design review.
#[must_use]
pub fn document(run: &Run) -> Document {
    document_in(run, COLUMNS)
}

/// The same for a terminal of so many columns.
#[must_use]
pub fn document_in(run: &Run, columns: usize) -> Document {
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
    if ladder.summaries.is_empty() {
        on_terminal(ladder, columns, &mut document);
        document.on_page(on_page(ladder));
    }
    for summary in &ladder.summaries {
        for block in summary.blocks(true) {
            document.on_terminal(block);
        }
        for block in summary.blocks(false) {
            document.on_page(block);
        }
    }
    if !ladder.summaries.is_empty()
        && let Some(valid) = summary::validity(run)
    {
        document.push(valid);
    }
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
        "Intervals are those of the median over blocks, 95 % or more unless they say less. Where there is no direction, that of \
        vs base is the change of the baseline's p50.",
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

/// The figures, as many beside each other as there is room for; what a variant gives up stands below them.
fn on_terminal(ladder: &Table, columns: usize, document: &mut Document) {
    let header = [ladder.heading.load.as_str()]
        .into_iter()
        .chain(words::columns(ladder.latency))
        .chain(["failed"]);
    let rungs = ladder.rungs.iter().map(|rung| {
        let mut cells = words::cells(ladder.latency, rung);
        cells.push(quantity::grouped(rung.failures));
        cells
    });
    let table = document::Table::of("", header, rungs);
    for part in table.fitted(columns) {
        document.on_terminal(part);
    }
    let remarks = ladder.rungs.iter().filter_map(|rung| {
        let label = &rung.variant.label;
        let taken = MARK.len() + label.chars().count() + 2;
        let said = words::remarks(ladder, rung, columns.saturating_sub(taken));
        (!said.is_empty()).then(|| format!("{label}: {said}"))
    });
    document.on_terminal(Block::List(remarks.collect()));
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

/// What stands below a summary: what the variant gives up, and what it offered and cost.
pub(crate) fn below_a_summary(ladder: &Table) -> Option<Section> {
    let whole = section(ladder);
    let below = whole.blocks.into_iter().skip(1).collect::<Vec<_>>();
    // The last is the note on the ladder's own columns.
    let below: Vec<Block> = match below.split_last() {
        Some((_, others)) if !others.is_empty() => others.to_vec(),
        _ => return None,
    };
    Some(Section {
        id: None,
        title: "More of the run".to_owned(),
        blocks: below,
    })
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
