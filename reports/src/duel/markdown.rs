//! A duel for a CI job's summary or a comment on a pull request: the verdict first, what it rests on
//! next, everything else folded.

mod page;

use self::page::{COMMAND, NAME, Page, SENTENCE, cut};
use super::{Duel, words};
use crate::judge::Role;
use crate::markdown::{code_block, escaped};

/// The most bytes of a page: a comment on GitHub holds 65 536 characters.
pub const MOST_BYTES: usize = 64_000;

// Each part ends at its mark at the latest, in bytes, so that none takes the place of those after it.
const OBJECTIONS_END: usize = 10_000;
const VERDICTS_END: usize = 26_000;
const NOT_GATED_END: usize = 34_000;
const CAVEATS_END: usize = 42_000;
/// Leaves room for the line that says what was left out, and for the end of the fold.
const INFORMATION_END: usize = MOST_BYTES - 500;

/// What the columns mean, in the fold.
const LEGEND: &str = "`~` marks an effect inside the noise. Intervals are those of the median over blocks, at the \
    duel's error shared out over what is gated and how often it was looked at; those of advisory and other metrics at \
    95 %. The A/A floor is the least slowdown of p50 that this machine shows nearly always.";

/// The duel in Markdown, at most [`MOST_BYTES`] long; `replay` is the path of its `run.json`.
#[must_use]
pub fn render(duel: &Duel, replay: Option<&str>) -> String {
    let mut page = Page(String::new());
    page.paragraph(&format!("### {}", escaped(&cut(&sentence(duel), SENTENCE))));
    page.paragraph(&format!(
        "{} · {} · exit {}",
        escaped(&cut(&duel.scenario, NAME)),
        escaped(&cut(&words::load(duel), NAME)),
        duel.exit_code
    ));
    page.list(&words::objections(duel), OBJECTIONS_END);
    verdicts(&mut page, duel);
    not_gated(&mut page, duel);
    measured(&mut page, duel, replay);
    information(&mut page, duel);
    page.0.truncate(page.0.trim_end().len());
    page.0 + "\n"
}

/// `Slower: pr-812 against main (cpu +14 %)`.
fn sentence(duel: &Duel) -> String {
    let (first, rest) = duel.headline().split_at(1);
    let because = words::because(duel).map_or(String::new(), |rows| format!(" ({rows})"));
    format!(
        "{}{rest}: {} against {}{because}",
        first.to_uppercase(),
        words::name(&duel.head),
        words::name(&duel.base)
    )
}

fn verdicts(page: &mut Page, duel: &Duel) {
    let decisive = duel.rows.iter().filter(|row| row.is_decisive());
    let mut rows: Vec<_> = decisive.map(|row| words::cells(duel, row)).collect();
    let counted = duel.instructions.as_ref();
    rows.extend(counted.map(|counted| words::cells_of_instructions(duel, counted)));
    page.table(rows.into_iter(), VERDICTS_END);
}

fn not_gated(page: &mut Page, duel: &Duel) {
    let others = duel.rows.iter().filter(|row| !row.is_decisive());
    let rows: Vec<_> = others.map(|row| words::cells(duel, row)).collect();
    if !rows.is_empty() {
        page.fold("Not gated");
        page.table(rows.into_iter(), NOT_GATED_END);
        page.unfold();
    }
}

fn measured(page: &mut Page, duel: &Duel, replay: Option<&str>) {
    page.fold("How it was measured");
    let said = std::iter::once(words::quality(duel)).chain(words::set_aside(duel));
    let said: Vec<String> = said.chain(duel.caveats.iter().cloned()).collect();
    page.list(&said, CAVEATS_END);
    page.paragraph(LEGEND);
    let servers = [&duel.base, &duel.head].into_iter().flat_map(|side| {
        let started = !side.target.is_empty();
        let own = started.then(|| format!("{}: {}", words::name(side), side.target));
        let beside = side.beside.iter().map(|beside| {
            let name = words::name(side);
            format!("beside {name}, {}: {}", beside.name, beside.target)
        });
        own.into_iter().chain(beside)
    });
    let lines = servers.chain(words::repeat(duel, replay));
    let lines: Vec<String> = lines
        .map(|line| cut(&words::on_one_line(&line), COMMAND))
        .collect();
    if !lines.is_empty() {
        page.paragraph(&code_block(&lines.join("\n")));
    }
    page.unfold();
}

fn information(page: &mut Page, duel: &Duel) {
    let marked = Role::Information { marked: true };
    // Those that stand out are not left out for others.
    let (out, in_line): (Vec<_>, Vec<_>) =
        duel.information.iter().partition(|row| row.role == marked);
    if duel.information.is_empty() {
        return;
    }
    page.fold(match words::standing_out(duel).next() {
        Some(_) => "Other metrics, some of which stand out",
        None => "Other metrics",
    });
    let rows: Vec<_> = [out, in_line].concat();
    page.table(
        rows.into_iter().map(|row| words::cells(duel, row)),
        INFORMATION_END,
    );
    page.unfold();
}
