//! The ladder and the changes as a section of a page, and with all that was found in sentences as a document.

use super::{Attacked, Hits, Offered, Rung, Staleness, Table, Told, summary, words};
use crate::document::{self, Block, Document, Section, Tone};
use crate::duel::Duel;
use crate::plain;
use crate::quantity;
use crate::run::{Latency, Run};

/// Characters of a line below the ladder on a terminal: what takes more is said in a line of its own.
const LINE: usize = 80;
/// Before the trade-offs of a variant, on a terminal.
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
    if let Some(verdict) = verdict(run) {
        document.on_page(Block::Strong(verdict));
    }
    document.on_page(run.scenario.question.clone());
    if let Some(sentence) = &changes {
        document.on_page(Block::Strong(sentence.clone()));
    }
    document.push(words::heading(&ladder.heading));
    for warning in warnings.iter().chain(&stale) {
        document.on_page(Block::Warning(warning.clone()));
    }
    if ladder.summaries.is_empty() {
        on_terminal(ladder, &mut document);
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
        document.on_page("Trade-offs:".to_owned());
        document.on_page(Block::List(notes.clone()));
    }
    if let Some(parts) = parts(ladder) {
        if ladder.changes.parts.iter().any(|part| part.saved.is_some()) {
            document.on_terminal(parts.clone());
        }
        document.on_page(parts);
    }
    let plain = |sentence| (Tone::Plain, sentence);
    let sentences = ladder.offered.iter().map(Offered::sentence);
    let sentences = sentences.chain(ladder.staleness.iter().map(Staleness::sentence));
    let sentences = sentences.map(plain).chain(Attacked::told(&ladder.attacks));
    let others = ladder.hits.iter().map(Hits::sentence);
    let others = others.chain(ladder.searches.iter().cloned());
    for (tone, sentence) in sentences.chain(others.map(plain)) {
        document.push(Block::Note(sentence).toned(tone));
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
    document.on_terminal(Block::List(heed.collect()));
    let warnings = Block::List(stale.into_iter().chain(warnings).collect());
    document.on_terminal(warnings.toned(Tone::Doubtful));
    document.on_page(format!("Machine: {}.", words::machine(&run.machine)));
    document.on_page(Block::Code(plain::command(&run.command)));
    document
}

/// The verdict of a run that was a duel, in a sentence.
fn verdict(run: &Run) -> Option<String> {
    let duel = Duel::of(run, run.duel.as_ref()?).ok()?;
    Some(document::full_stop(&duel.sentence()))
}

/// The figures; the trade-offs of the variants are below them.
fn on_terminal(ladder: &Table, document: &mut Document) {
    let header = [ladder.heading.load.as_str()]
        .into_iter()
        .chain(words::columns(ladder.latency))
        .chain(["failed"]);
    let rungs = ladder.rungs.iter().map(|rung| {
        let mut cells = words::cells(ladder.latency, rung);
        cells.push(quantity::grouped(rung.failures));
        cells
    });
    let mut table = document::Table::of("", header, rungs);
    let against = table.header.iter().position(|name| name == words::AGAINST);
    for (row, rung) in table.rows.iter_mut().zip(&ladder.rungs) {
        if let Some(cell) = against.and_then(|at| row.get_mut(at)) {
            cell.tone = tone(rung);
        }
    }
    document.on_terminal(table);
    let remarks = ladder.rungs.iter().filter_map(|rung| {
        let label = &rung.variant.label;
        let taken = MARK.len() + label.chars().count() + 2;
        let said = words::remarks(ladder, rung, LINE.saturating_sub(taken));
        (!said.is_empty()).then(|| format!("{label}: {said}"))
    });
    document.on_terminal(Block::List(remarks.collect()));
}

fn tone(rung: &Rung) -> Tone {
    match rung.against().map(|against| against.told) {
        Some(Told::Verdict(verdict)) => Tone::of(verdict),
        _ => Tone::Plain,
    }
}

fn on_page(ladder: &Table) -> document::Table {
    let header = [ladder.heading.load.as_str()]
        .into_iter()
        .chain(words::columns(ladder.latency))
        .chain(["trade-off"]);
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
    let parts = &ladder.changes.parts;
    let has_cpu = parts.iter().any(|part| part.cpu.is_some());
    let of_cpu = if has_cpu {
        words::CPU_COLUMNS.as_slice()
    } else {
        &[]
    };
    let header = words::CHANGE_COLUMNS.iter().chain(of_cpu).copied();
    let rows = parts.iter().map(|part| {
        let mut cells = words::part(part);
        cells.extend(words::cpu(part).into_iter().flatten());
        cells
    });
    let table = document::Table::of("What each change made", header, rows);
    (!table.rows.is_empty()).then_some(table)
}

/// What is below a summary: the variant's trade-offs, and what it offered and cost.
pub(crate) fn below_a_summary(ladder: &Table) -> Option<Section> {
    let blocks = below(ladder);
    (!blocks.is_empty()).then(|| Section {
        id: None,
        title: "More of the run".to_owned(),
        blocks,
    })
}

/// The section.
pub(crate) fn section(ladder: &Table) -> Section {
    let mut blocks = vec![Block::Table(on_page(ladder))];
    blocks.extend(below(ladder));
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

/// What is said of a run below its figures, whether they are a ladder or a summary.
fn below(ladder: &Table) -> Vec<Block> {
    let mut blocks = Vec::new();
    let notes = ladder.given_up.notes();
    if !notes.is_empty() {
        blocks.extend([Block::Heading("Trade-offs".to_owned()), Block::List(notes)]);
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
    blocks
}
