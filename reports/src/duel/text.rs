//! A duel for a terminal.

use super::{Duel, words};
use crate::ladder::text::aligned;

/// The duel as lines of text; `replay` is the path of its `run.json`.
#[must_use]
pub fn render(duel: &Duel, replay: Option<&str>) -> String {
    let mut lines = vec![format!(
        "duel {}: {} → {} · {}",
        duel.scenario,
        words::name(&duel.base),
        words::name(&duel.head),
        words::load(duel)
    )];
    lines.extend(table(duel));
    lines.extend(words::also_differ(duel));
    lines.extend(words::set_aside(duel));
    let remarks = words::objections(duel).into_iter();
    lines.extend(
        remarks
            .chain(duel.caveats.iter().cloned())
            .map(|remark| format!("! {remark}")),
    );
    lines.push(words::quality(duel));
    lines.push(end(duel, replay));
    lines
        .iter()
        .map(|line| words::on_one_line(line) + "\n")
        .collect()
}

fn table(duel: &Duel) -> Vec<String> {
    let header = std::iter::once("").chain(words::COLUMNS);
    let rows = duel.rows.iter().map(|row| words::cells(duel, row));
    let counted = duel.instructions.as_ref();
    let counted = counted.map(|counted| words::cells_of_instructions(duel, counted));
    let mut figures: Vec<Vec<String>> = rows.chain(counted).map(Vec::from).collect();
    if figures.is_empty() {
        return Vec::new();
    }
    figures.insert(0, header.map(str::to_owned).collect());
    // Verdicts are words: they begin where their column does.
    let verdicts: Vec<String> = figures
        .iter_mut()
        .map(|row| row.pop().unwrap_or_default())
        .collect();
    let lines = aligned(&figures).into_iter().zip(verdicts);
    lines
        .map(|(line, verdict)| format!("{line}  {verdict}").trim_end().to_owned())
        .collect()
}

/// `exit 1, slower · repeat: authlab duel --replay …`.
fn end(duel: &Duel, replay: Option<&str>) -> String {
    let repeat = words::repeat(duel, replay);
    let repeat = repeat.map_or(String::new(), |words| format!(" · repeat: {words}"));
    format!("exit {}, {}{repeat}", duel.exit_code, duel.headline())
}
