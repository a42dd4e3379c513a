//! A duel as a document, and in words: a page has the verdict first, what it rests on next, and everything else folded.

use super::{Counted, Duel, Side};
use crate::document::{Block, Cell, Document, Most, Table, Tone};
use crate::judge::{self, Role, Row, Verdict};
use crate::order_statistics::Interval;
use crate::outcome::Outcome;
use crate::plain;
use crate::quantity;

/// The names of [`cells`].
const COLUMNS: [&str; 7] = [
    "", "base", "head", "effect", "interval", "blocks", "verdict",
];
/// Verdicts are words: they begin where their column does.
const WORDS: usize = COLUMNS.len() - 1;

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
    duel's error shared out over what is gated, and hold however often it was looked at; those of advisory and other metrics at \
    95 %. The A/A floor is the least slowdown of p50 that this machine shows nearly always.";

/// Names, sentences and commands longer than these are cut, characters.
const NAME: usize = 200;
const SENTENCE: usize = 500;
const COMMAND: usize = 1_000;

/// More metrics that differ besides are counted and not named.
const ALSO_DIFFER: usize = 6;
/// So are more reasons.
const REASONS: usize = 3;

/// The exact channel's name in a column of metrics.
pub(super) const INSTRUCTIONS: &str = "instructions";

impl Duel {
    /// The duel as it is read; `replay` is the path of its `run.json`. In Markdown at most [`MOST_BYTES`] long.
    #[must_use]
    pub fn document(&self, replay: Option<&str>) -> Document {
        let mut document = Document::default();
        terminal(self, replay, &mut document);
        page(self, replay, &mut document);
        document
    }

    /// The verdict in a sentence: `Slower: pr-812 against main (cpu +14 %)`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (first, rest) = self.headline().split_at(1);
        let because = because(self).map_or(String::new(), |rows| format!(" ({rows})"));
        format!(
            "{}{rest}: {} against {}{because}",
            first.to_uppercase(),
            name(&self.head),
            name(&self.base)
        )
    }
}

fn terminal(duel: &Duel, replay: Option<&str>, document: &mut Document) {
    document.on_terminal(format!(
        "duel {}: {} → {} · {}",
        duel.scenario,
        name(&duel.base),
        name(&duel.head),
        load(duel)
    ));
    let (figures, reasons) = narrow(duel);
    if !figures.rows.is_empty() {
        document.on_terminal(figures);
    }
    for reason in reasons {
        document.on_terminal(Block::Note(reason));
    }
    for said in also_differ(duel).into_iter().chain(set_aside(duel)) {
        document.on_terminal(said);
    }
    let objections = objections(duel);
    let warnings = Block::List([&objections, duel.caveats.as_slice()].concat());
    document.on_terminal(warnings.toned(Tone::Doubtful));
    document.on_terminal(quality(duel));
    let repeat = repeat(duel, replay);
    let repeat = repeat.map_or(String::new(), |words| format!(" · repeat: {words}"));
    let end = format!("exit {}, {}{repeat}", duel.exit_code, duel.headline());
    document.on_terminal(Block::Line(end).toned(tone(duel)));
}

/// Whether the duel's end is good or bad.
fn tone(duel: &Duel) -> Tone {
    match duel.outcome {
        Outcome::LimitBroken => Tone::Worse,
        Outcome::BadInput | Outcome::Inconclusive => Tone::Doubtful,
        Outcome::Ok => {
            let mut gated = duel.rows.iter().filter(|row| row.role == Role::Gated);
            let is_faster = gated.any(|row| row.verdict == Some(Verdict::Faster));
            if is_faster { Tone::Better } else { Tone::Plain }
        }
    }
}

/// The figures of a terminal, and below them why a row has no verdict, or how it was judged: a table that has both is too wide.
fn narrow(duel: &Duel) -> (Table, Vec<String>) {
    let mut figures = table(duel, duel.rows.iter(), duel.instructions.as_ref());
    let counted = duel.instructions.as_ref().map(|counted| &counted.row);
    let mut reasons = Vec::new();
    for (row, of) in figures.rows.iter_mut().zip(duel.rows.iter().chain(counted)) {
        let name = row.first().map_or(String::new(), |cell| cell.text.clone());
        let Some(verdict) = row.last_mut() else {
            continue;
        };
        if let Some((word, _)) = verdict
            .text
            .split_once(": ")
            .or(verdict.text.split_once(" ("))
        {
            reasons.push(format!("{name}: {}", verdict.text));
            verdict.text = word.to_owned();
        }
        if duel.faults.is_empty() && of.role == Role::Gated {
            verdict.tone = of.verdict.map_or(Tone::Plain, Tone::of);
        }
    }
    (figures, reasons)
}

fn page(duel: &Duel, replay: Option<&str>, document: &mut Document) {
    document.on_page(Block::Heading(cut(&duel.sentence(), SENTENCE)));
    document.on_page(format!(
        "{} · {} · exit {}",
        cut(&duel.scenario, NAME),
        cut(&load(duel), NAME),
        duel.exit_code
    ));
    let objections = objections(duel);
    if !objections.is_empty() {
        document.on_page(list(&objections, OBJECTIONS_END));
    }
    let (decisive, others): (Vec<&Row>, Vec<&Row>) =
        duel.rows.iter().partition(|row| row.is_decisive());
    let verdicts = table(duel, decisive, duel.instructions.as_ref());
    if !verdicts.rows.is_empty() {
        document.on_page(ended(verdicts, VERDICTS_END));
    }
    if !others.is_empty() {
        document.on_page(Block::Fold {
            summary: "Not gated".to_owned(),
            blocks: vec![ended(table(duel, others, None), NOT_GATED_END)],
        });
    }
    document.on_page(Block::Fold {
        summary: "How it was measured".to_owned(),
        blocks: measured(duel, replay),
    });
    if !duel.information.is_empty() {
        let stands_out = standing_out(duel).next().is_some();
        let marked = Role::Information { marked: true };
        // Those that stand out are not left out for others.
        let (out, in_line): (Vec<&Row>, Vec<&Row>) =
            duel.information.iter().partition(|row| row.role == marked);
        document.on_page(Block::Fold {
            summary: if stands_out {
                "Other metrics, some of which stand out".to_owned()
            } else {
                "Other metrics".to_owned()
            },
            blocks: vec![ended(
                table(duel, [out, in_line].concat(), None),
                INFORMATION_END,
            )],
        });
    }
}

fn measured(duel: &Duel, replay: Option<&str>) -> Vec<Block> {
    let said = std::iter::once(quality(duel)).chain(set_aside(duel));
    let said: Vec<String> = said.chain(duel.caveats.iter().cloned()).collect();
    let mut blocks = vec![list(&said, CAVEATS_END), Block::Legend(LEGEND)];
    let servers = [&duel.base, &duel.head].into_iter().flat_map(|side| {
        let started = !side.target.is_empty();
        let own = started.then(|| format!("{}: {}", name(side), side.target));
        let beside = side.beside.iter().map(|beside| {
            let name = name(side);
            format!("beside {name}, {}: {}", beside.name, beside.target)
        });
        own.into_iter().chain(beside)
    });
    let lines: Vec<String> = servers
        .chain(repeat(duel, replay))
        .map(|line| cut(&plain::line(&line), COMMAND))
        .collect();
    if !lines.is_empty() {
        blocks.push(Block::Code(lines.join("\n")));
    }
    blocks
}

fn table<'a>(
    duel: &Duel,
    rows: impl IntoIterator<Item = &'a Row>,
    counted: Option<&Counted>,
) -> Table {
    let rows = rows.into_iter().map(|row| cells(duel, row));
    let counted = counted.map(|counted| cells_of_instructions(duel, counted));
    Table {
        words: vec![WORDS],
        cuts_names: true,
        ..Table::of("", COLUMNS, rows.chain(counted).map(Vec::from))
    }
}

/// A table for a page, as many rows as end before `end` bytes.
fn ended(mut table: Table, end: usize) -> Block {
    for cell in table.rows.iter_mut().flatten() {
        *cell = Cell::from(cut(&cell.text, NAME));
    }
    Block::Most(Most { end, left_out }, Box::new(table.into()))
}

/// Items of a list, as many as end before `end` bytes.
fn list(items: &[String], end: usize) -> Block {
    let items = items.iter().map(|item| cut(item, SENTENCE)).collect();
    Block::Most(Most { end, left_out }, Box::new(Block::List(items)))
}

fn left_out(items: usize) -> String {
    format!("{items} more left out, so that this fits into a comment: they are in the JSON.")
}

/// At most so many characters of a text.
fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// `pr-812`: how people read a side.
pub(super) fn name(side: &Side) -> &str {
    match side.label.trim() {
        "" => &side.name,
        label => label,
    }
}

/// `one user · 100 ms slices · 3m`.
fn load(duel: &Duel) -> String {
    format!("{} · {}", duel.load, quantity::elapsed(duel.elapsed_s))
}

/// A row, by [`COLUMNS`].
pub(super) fn cells(duel: &Duel, row: &Row) -> [String; 7] {
    let [base, head] = row.figures();
    [
        row.name(),
        base,
        head,
        effect(row),
        interval(row),
        quantity::grouped(row.blocks as u64),
        judged(duel, row),
    ]
}

/// The row of the exact channel.
pub(super) fn cells_of_instructions(duel: &Duel, counted: &Counted) -> [String; 7] {
    let row = &counted.row;
    let [base, head] = row.figures();
    let verdict = verdict(duel, row.verdict);
    [
        INSTRUCTIONS.to_owned(),
        base,
        head,
        row.effect
            .map_or(String::new(), |effect| row.changed(effect)),
        row.interval
            .map_or(String::new(), |at| row.changed_between(at.low, at.high)),
        String::new(),
        format!(
            "{verdict} ({}, threshold {})",
            counted.counter,
            quantity::share(judge::INSTRUCTIONS)
        ),
    ]
}

/// `~ +0.7 %`: inside the noise; nothing where nothing ever failed.
fn effect(row: &Row) -> String {
    let Some(effect) = row.effect.filter(|_| !never_failed(row)) else {
        return String::new();
    };
    let mark = if row.within_noise { "~ " } else { "" };
    format!("{mark}{}", row.changed(effect))
}

/// The interval of the effect, with what it covers where that is little.
fn interval(row: &Row) -> String {
    let Some(Interval { low, high, .. }) = row.interval.filter(|_| !never_failed(row)) else {
        return String::new();
    };
    let ends = row.changed_between(low, high);
    match row.interval.filter(Interval::is_thin) {
        Some(thin) => format!("{ends} ({})", quantity::share(thin.coverage)),
        None => ends,
    }
}

/// What a row was found to be, or why there is no verdict.
fn judged(duel: &Duel, row: &Row) -> String {
    match &row.role {
        Role::Advisory(why) => format!("advisory: {why}"),
        Role::Beside => "not gated".to_owned(),
        Role::Information { marked: true } if duel.faults.is_empty() => "stands out".to_owned(),
        Role::Information { .. } => String::new(),
        Role::Gated if row.verdict.is_none() && row.needed > 0 => format!(
            "undecided: about {} blocks needed",
            quantity::grouped(row.needed as u64)
        ),
        Role::Gated => verdict(duel, row.verdict),
    }
}

/// Of the information rows those that stand out; none of a run that may not be judged.
fn standing_out(duel: &Duel) -> impl Iterator<Item = &Row> {
    let rows = duel.information.iter();
    rows.filter(|row| duel.faults.is_empty() && row.role == Role::Information { marked: true })
}

/// The first of those in one sentence; none where there are none.
fn also_differ(duel: &Duel) -> Option<String> {
    let each: Vec<String> = standing_out(duel)
        .map(|row| {
            let effect = row
                .effect
                .map_or(String::new(), |effect| format!(" {}", row.changed(effect)));
            match interval(row) {
                ends if ends.is_empty() => format!("{}{effect}", row.name()),
                ends => format!("{}{effect} ({ends})", row.name()),
            }
        })
        .collect();
    (!each.is_empty()).then(|| format!("also differ: {}", listed_to(ALSO_DIFFER, &each)))
}

/// How many blocks were set aside, and why; none where there were none.
fn set_aside(duel: &Duel) -> Option<String> {
    let because = duel.blocks.because.as_ref()?;
    Some(format!(
        "{} set aside, {} kept: {because}",
        match duel.blocks.set_aside {
            1 => "1 block".to_owned(),
            blocks => format!("{} blocks", quantity::grouped(blocks as u64)),
        },
        quantity::grouped(duel.blocks.kept as u64)
    ))
}

/// Why it is no pass, whatever its figures: faults, then what is missing.
pub(super) fn objections(duel: &Duel) -> Vec<String> {
    let missing = duel.missing.iter().map(|what| format!("missing: {what}"));
    let judged = duel.instructions.is_some() || duel.rows.iter().any(Row::is_decisive);
    let nothing = (!judged && duel.missing.is_empty())
        .then(|| "nothing could be gated: see why beside each metric".to_owned());
    duel.faults
        .iter()
        .cloned()
        .chain(missing)
        .chain(nothing)
        .collect()
}

/// `run valid · send delay p99 31 µs · steal 0 % · A/A floor 2.1 %`.
fn quality(duel: &Duel) -> String {
    let quality = &duel.quality;
    let parts = [
        Some(format!("run {}", quality.validity)),
        quality
            .timer_p99_ns
            .map(|ns| format!("send delay p99 {}", quantity::tick(ns as f64))),
        quality
            .steal
            .map(|steal| format!("steal {}", quantity::share(steal))),
        quality
            .floor
            .map(|floor| format!("A/A floor {}", quantity::share(floor))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// The command that repeats it: by the run's file, where there is one.
fn repeat(duel: &Duel, replay: Option<&str>) -> Option<String> {
    match replay {
        Some(path) => Some(plain::command(
            &["authlab", "duel", "--replay", path].map(str::to_owned),
        )),
        None => (!duel.repeat.is_empty()).then(|| plain::command(&duel.repeat)),
    }
}

/// The rows that made it end as it did, the slower ones or those that could not be told; none where
/// there are none.
fn because(duel: &Duel) -> Option<String> {
    let wanted = |verdict: Option<Verdict>| match duel.outcome {
        Outcome::LimitBroken => verdict == Some(Verdict::Slower),
        Outcome::Inconclusive if duel.faults.is_empty() => {
            matches!(verdict, None | Some(Verdict::Inconclusive))
        }
        Outcome::Ok => verdict == Some(Verdict::Faster),
        Outcome::BadInput | Outcome::Inconclusive => false,
    };
    let with = |name: String, effect: Option<String>| match effect {
        Some(effect) if duel.outcome != Outcome::Inconclusive => format!("{name} {effect}"),
        _ => name,
    };
    let rows = duel.rows.iter().filter(|row| row.is_decisive());
    let rows = rows.filter(|row| wanted(row.verdict)).map(|row| {
        let effect = row.effect.map(|effect| row.changed(effect));
        with(row.name(), effect)
    });
    let counted = duel
        .instructions
        .as_ref()
        .filter(|at| wanted(at.row.verdict));
    let counted =
        counted.map(|at| with(INSTRUCTIONS.to_owned(), at.row.effect.map(quantity::effect)));
    let all: Vec<String> = rows.chain(counted).collect();
    (!all.is_empty()).then(|| listed(&all))
}

/// The first reasons of several.
pub(super) fn listed(all: &[String]) -> String {
    listed_to(REASONS, all)
}

/// `p50, p90, and 3 more`.
fn listed_to(most: usize, all: &[String]) -> String {
    let first = all
        .iter()
        .take(most)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match all.iter().skip(most).count() {
        0 => first,
        more => format!("{first}, and {} more", quantity::grouped(more as u64)),
    }
}

/// Such a row on one line: `SLOWER: 4.10 ms → 4.67 ms, +14 % (+12 … +16 %), 20 blocks`.
pub(super) fn sentence([_, base, head, effect, interval, blocks, verdict]: [String; 7]) -> String {
    let with = |before: &str, text: String, after: &str| {
        if text.is_empty() {
            text
        } else {
            format!("{before}{text}{after}")
        }
    };
    [
        format!("{verdict}: {base} → {head}"),
        with(", ", effect, ""),
        with(" (", interval, ")"),
        with(", ", blocks, " blocks"),
    ]
    .concat()
}

/// The worse it is the louder; in brackets where the run may not be judged.
fn verdict(duel: &Duel, verdict: Option<Verdict>) -> String {
    let label = verdict.map_or("undecided", Verdict::label);
    match verdict {
        _ if !duel.faults.is_empty() => format!("({label})"),
        Some(Verdict::Slower) => label.to_uppercase(),
        _ => label.to_owned(),
    }
}

fn never_failed(row: &Row) -> bool {
    row.counts
        .is_some_and(|sides| sides.iter().all(|[some, _]| *some == 0))
}
