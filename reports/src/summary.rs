//! `summary.md`: the ladder for a pull request or a design review.

use std::fmt::Write;

use crate::{
    ladder::{Rung, Table, words},
    run::Run,
};

/// The run in Markdown.
#[must_use]
pub fn render(run: &Run) -> String {
    let table = Table::of(run);
    let mut page = format!("# {}\n\n{}\n\n", run.scenario.name, run.scenario.question);
    if let Some(sentence) = table.changes.sentence() {
        let _ = writeln!(page, "**{sentence}**\n");
    }
    let _ = writeln!(page, "{}\n", words::heading(&table.heading));
    for warning in words::warnings(&table.heading) {
        let _ = writeln!(page, "> {warning}\n");
    }
    let header = std::iter::once(table.heading.load.as_str())
        .chain(words::COLUMNS)
        .chain(["given up"]);
    row(&mut page, header.map(str::to_owned));
    row(
        &mut page,
        std::iter::once("---".to_owned())
            .chain(vec!["---:".to_owned(); words::COLUMNS.len()])
            .chain(["---".to_owned()]),
    );
    for rung in &table.rungs {
        row(&mut page, cells(&table, rung));
    }
    let notes = table.given_up.notes();
    if !notes.is_empty() {
        let _ = writeln!(page, "\nGiven up:\n\n- {}", notes.join("\n- "));
    }
    if !table.changes.parts.is_empty() {
        page.push('\n');
        row(&mut page, words::CHANGE_COLUMNS.map(str::to_owned));
        row(
            &mut page,
            ["---", "---:", "---:", "---:", "---:"].map(str::to_owned),
        );
        for part in &table.changes.parts {
            row(&mut page, words::part(part));
        }
    }
    let _ = writeln!(
        page,
        "\nIntervals are those of the median over blocks, 95 % unless they say less."
    );
    let _ = writeln!(
        page,
        "\nMachine: {}.\n\n```\n{}\n```",
        words::machine(&run.machine),
        words::command(&run.command)
    );
    page
}

fn cells(table: &Table, rung: &Rung) -> Vec<String> {
    let mut cells = words::cells(rung);
    cells.push(words::given_up(table, rung));
    cells
}

fn row(page: &mut String, cells: impl IntoIterator<Item = String>) {
    let escaped: Vec<String> = cells
        .into_iter()
        .map(|cell| cell.replace('|', "\\|").replace('\n', " "))
        .collect();
    let _ = writeln!(page, "| {} |", escaped.join(" | "));
}
