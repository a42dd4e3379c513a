//! A duel in words: what its renderings write, so that they agree.

use super::{Counted, Duel, Side};
use crate::judge::{Role, Row, Verdict, threshold};
use crate::ladder::words::command;
use crate::order_statistics::Interval;
use crate::outcome::Outcome;
use crate::plain;
use crate::quantity;

/// The names of [`cells`], after the metric's.
pub(super) const COLUMNS: [&str; 6] = ["base", "head", "effect", "interval", "blocks", "verdict"];

/// More metrics that differ besides are counted and not named.
const ALSO_DIFFER: usize = 6;
/// So are more reasons.
const REASONS: usize = 3;

/// The exact channel's name in a column of metrics.
pub(super) const INSTRUCTIONS: &str = "instructions";

/// `pr-812`: how people read a side.
pub(super) fn name(side: &Side) -> &str {
    match side.label.trim() {
        "" => &side.name,
        label => label,
    }
}

/// `one user · 100 ms slices · 3m`.
pub(super) fn load(duel: &Duel) -> String {
    format!("{} · {}", duel.load, quantity::elapsed(duel.elapsed_s))
}

/// A row: its metric, then [`COLUMNS`].
pub(super) fn cells(duel: &Duel, row: &Row) -> [String; 7] {
    let [base, head] = row.figures();
    [
        row.name(),
        base,
        head,
        effect(row),
        interval(row),
        blocks(row),
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
            quantity::share(threshold::INSTRUCTIONS)
        ),
    ]
}

/// `~ +0.7 %`: inside the noise; nothing where nothing ever failed.
pub(super) fn effect(row: &Row) -> String {
    let Some(effect) = row.effect.filter(|_| !never_failed(row)) else {
        return String::new();
    };
    let mark = if row.within_noise { "~ " } else { "" };
    format!("{mark}{}", row.changed(effect))
}

/// The interval of the effect, with what it covers where that is little.
pub(super) fn interval(row: &Row) -> String {
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
pub(super) fn judged(duel: &Duel, row: &Row) -> String {
    match &row.role {
        Role::Advisory(why) => format!("advisory: {why}"),
        Role::Beside => "not gated".to_owned(),
        Role::Information { marked: true } if duel.faults.is_empty() => "stands out".to_owned(),
        Role::Information { .. } => String::new(),
        Role::Gated if row.verdict.is_none() && row.next > 0 => format!(
            "undecided: {} blocks needed",
            quantity::grouped(row.next as u64)
        ),
        Role::Gated => verdict(duel, row.verdict),
    }
}

/// Of the information rows those that stand out; none of a run that may not be judged.
pub(super) fn standing_out(duel: &Duel) -> impl Iterator<Item = &Row> {
    let rows = duel.information.iter();
    rows.filter(|row| duel.faults.is_empty() && row.role == Role::Information { marked: true })
}

/// The first of those in one sentence; none where there are none.
pub(super) fn also_differ(duel: &Duel) -> Option<String> {
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
pub(super) fn set_aside(duel: &Duel) -> Option<String> {
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

/// `run valid · timer lateness p99 31 µs · steal 0 % · A/A floor 2.1 %`.
pub(super) fn quality(duel: &Duel) -> String {
    let quality = &duel.quality;
    let parts = [
        Some(format!("run {}", quality.validity)),
        quality
            .timer_p99_ns
            .map(|ns| format!("timer lateness p99 {}", quantity::tick(ns as f64))),
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
pub(super) fn repeat(duel: &Duel, replay: Option<&str>) -> Option<String> {
    match replay {
        Some(path) => Some(command(
            &["authlab", "duel", "--replay", path].map(str::to_owned),
        )),
        None => (!duel.repeat.is_empty()).then(|| command(&duel.repeat)),
    }
}

/// The rows that made it end as it did, the slower ones or those that could not be told; none where
/// there are none.
pub(super) fn because(duel: &Duel) -> Option<String> {
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

/// Without what ends a line or what a terminal would obey: names and commands are somebody else's.
pub(super) fn on_one_line(text: &str) -> String {
    plain::line(text).into_owned()
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

/// `40`, or `20×2` where neighbours were taken together.
fn blocks(row: &Row) -> String {
    match row.together {
        0 | 1 => quantity::grouped(row.blocks as u64),
        together => format!(
            "{}×{together}",
            quantity::grouped((row.blocks / together) as u64)
        ),
    }
}
