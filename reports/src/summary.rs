//! `summary.md`: the ladder for a pull request or a design review.

use std::fmt::Write;

use crate::{
    ladder::{Attacked, Hits, Rung, Table, words},
    markdown::{code_block, escaped},
    run::Run,
};

/// The run in Markdown.
#[must_use]
pub fn render(run: &Run) -> String {
    let table = Table::of(run);
    let mut page = format!(
        "# {}\n\n{}\n\n",
        escaped(&run.scenario.name),
        escaped(&run.scenario.question)
    );
    if let Some(sentence) = table.changes.sentence() {
        let _ = writeln!(page, "**{}**\n", escaped(&sentence));
    }
    let _ = writeln!(page, "{}\n", escaped(&words::heading(&table.heading)));
    let calibrated = table.calibrated.as_ref();
    let stale = calibrated.and_then(|calibrated| calibrated.stale.clone());
    for warning in words::warnings(&table.heading).into_iter().chain(stale) {
        let _ = writeln!(page, "> {}\n", escaped(&warning));
    }
    let columns = words::columns(table.latency);
    let figures = " ---: |".repeat(columns.len());
    let header = std::iter::once(table.heading.load.as_str())
        .chain(columns)
        .chain(["given up"]);
    row(&mut page, header.map(str::to_owned));
    let _ = writeln!(page, "| --- |{figures} --- |");
    for rung in &table.rungs {
        row(&mut page, cells(&table, rung));
    }
    let notes: Vec<String> = table
        .given_up
        .notes()
        .iter()
        .map(|note| escaped(note))
        .collect();
    if !notes.is_empty() {
        let _ = writeln!(page, "\nGiven up:\n\n- {}", notes.join("\n- "));
    }
    if !table.changes.parts.is_empty() {
        page.push('\n');
        row(&mut page, words::CHANGE_COLUMNS.map(str::to_owned));
        let figures = " ---: |".repeat(words::CHANGE_COLUMNS.len() - 1);
        let _ = writeln!(page, "| --- |{figures}");
        for part in &table.changes.parts {
            row(&mut page, words::part(part));
        }
    }
    for offered in &table.offered {
        let _ = writeln!(page, "\n{}.", escaped(&offered.sentence()));
    }
    for staleness in &table.staleness {
        let _ = writeln!(page, "\n{}.", escaped(&staleness.sentence()));
    }
    let attacks = Attacked::sentences(&table.attacks);
    for sentence in attacks
        .into_iter()
        .chain(table.hits.iter().map(Hits::sentence))
    {
        let _ = writeln!(page, "\n{}.", escaped(&sentence));
    }
    for search in &table.searches {
        let _ = writeln!(page, "\n{}.", escaped(search));
    }
    if let Some(counts) = &table.capacity_counts {
        let _ = writeln!(page, "\n{}.", escaped(counts));
    }
    let _ = writeln!(
        page,
        "\nIntervals are those of the median over blocks, 95 % unless they say less."
    );
    if let Some(calibrated) = calibrated {
        let _ = writeln!(page, "\n{}.", escaped(&calibrated.sentence));
    }
    let _ = writeln!(
        page,
        "\nMachine: {}.\n\n{}",
        escaped(&words::machine(&run.machine)),
        code_block(&words::command(&run.command))
    );
    page
}

fn cells(table: &Table, rung: &Rung) -> Vec<String> {
    let mut cells = words::cells(table.latency, rung);
    cells.push(words::given_up(table, rung, words::CELL));
    cells
}

fn row(page: &mut String, cells: impl IntoIterator<Item = String>) {
    let escaped: Vec<String> = cells.into_iter().map(|cell| escaped(&cell)).collect();
    let _ = writeln!(page, "| {} |", escaped.join(" | "));
}
