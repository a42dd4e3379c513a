//! Cost and safety: what each variant costs, and what became of the attacks on it. An attack that was not run is
//! not a safety that was shown.

use super::ladder::{Rung, Table as Ladder, words};
use super::staleness::Staleness;
use crate::document::{Block, Cell, Section, Table, Tone};
use crate::quantity::{self, NOT_MEASURED};
use crate::run::{Attack, Run};

const TITLE: &str = "Cost and safety";
const COSTS: [&str; 3] = ["requests/s", "CPU s/million", "memory"];
const NOTE: &str = "A cell of safety counts what passed of what should have been refused, in an attack that this run made; memory \
    is the most that the servers held in any slice.";
/// The attacks that every table asks for, apart from the revoke, which probes answer.
const ASKED_FOR: [&str; 3] = ["theft", "replay", "flood"];
const REVOKE: &str = "revoke";

/// The table of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Safety {
    /// Names of the attacks: those asked for of every run, then others that were run.
    pub attacks: Vec<String>,
    /// A row for each variant, in the scenario's order.
    pub rows: Vec<Row>,
}

/// One variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The most memory that its servers held in any slice, bytes.
    pub memory_bytes: Option<u64>,
    /// What passed after a revoke; none where that was not probed.
    pub staleness: Option<Staleness>,
    /// What became of each of [`Safety::attacks`]; none where it was not run.
    pub attacks: Vec<Option<Attack>>,
}

impl Safety {
    /// Of a run and its ladder, also of one that is partial or empty.
    #[must_use]
    pub fn of(run: &Run, ladder: &Ladder) -> Self {
        // One that no answer came to showed nothing.
        let tried = || {
            ladder
                .attacks
                .iter()
                .filter(|attacked| attacked.outcome.tried > 0)
        };
        let mut attacks = ASKED_FOR.map(str::to_owned).to_vec();
        for attacked in tried() {
            if !attacks.contains(&attacked.attack) {
                attacks.push(attacked.attack.clone());
            }
        }
        let rows = run.variants.iter().map(|variant| Row {
            memory_bytes: run
                .slices
                .iter()
                .filter(|slice| slice.variant == variant.name)
                .filter_map(|slice| slice.peak_bytes)
                .max(),
            staleness: Staleness::of(run, variant),
            attacks: attacks
                .iter()
                .map(|attack| {
                    tried()
                        .find(|one| one.name == variant.name && one.attack == *attack)
                        .map(|one| one.outcome)
                })
                .collect(),
        });
        Self {
            rows: rows.collect(),
            attacks,
        }
    }

    /// The names of [`Row::shown`].
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let revoke = ["stale window", REVOKE].map(str::to_owned);
        self.attacks.iter().cloned().chain(revoke).collect()
    }
}

impl Row {
    /// What each attack and the revoke showed, in words.
    #[must_use]
    pub fn shown(&self) -> Vec<Cell> {
        let attacks = self.attacks.iter().map(|attack| {
            attack.map_or_else(not_tried, |attack| counted(attack.passed, attack.tried))
        });
        let revoke = self.staleness.as_ref().map_or_else(not_tried, |staleness| {
            counted(staleness.stale, staleness.probed)
        });
        attacks.chain([self.stale_window(), revoke]).collect()
    }

    /// The longest that a request still passed after a revoke.
    #[must_use]
    pub fn stale_window(&self) -> Cell {
        match &self.staleness {
            None => not_tried(),
            Some(Staleness { stale: 0, .. }) => refused("0 s".to_owned()),
            Some(Staleness { longest, .. }) => {
                let longest = longest.map(|longest| quantity::duration(longest as f64));
                passed(longest.unwrap_or_else(|| NOT_MEASURED.to_owned()))
            }
        }
    }
}

/// The costs that stand in the table next to the latencies, in words: capacity, CPU, memory.
#[must_use]
pub fn costs(rung: &Rung, row: &Row) -> [String; 3] {
    let missing = || NOT_MEASURED.to_owned();
    [
        rung.capacity.map_or_else(missing, |capacity| {
            quantity::number(capacity.per_second.median)
        }),
        rung.cpu_s_per_million
            .map_or_else(missing, |cost| quantity::number(cost.median)),
        row.memory_bytes
            .map_or_else(missing, |bytes| quantity::bytes(bytes as f64)),
    ]
}

/// Each variant's rung with its row.
pub fn beside<'a>(
    ladder: &'a Ladder,
    safety: &'a Safety,
) -> impl Iterator<Item = (&'a Rung, &'a Row)> {
    ladder.rungs.iter().zip(&safety.rows)
}

/// `0 of 113 354`, `6.44 % of 112 695`.
fn counted(some: u64, tried: u64) -> Cell {
    let of = quantity::grouped(tried);
    if some == 0 {
        return refused(format!("0 of {of}"));
    }
    let share = quantity::share(some as f64 / tried as f64);
    passed(format!("{share} of {of}"))
}

/// An attack that was not run.
fn not_tried() -> Cell {
    NOT_MEASURED.to_owned().into()
}

/// One of which nothing passed.
fn refused(text: String) -> Cell {
    Cell {
        text,
        tone: Tone::Safe,
    }
}

/// One of which something passed.
fn passed(text: String) -> Cell {
    Cell {
        text,
        tone: Tone::Unsafe,
    }
}

/// The section; none for a run without variants.
pub(super) fn section(run: &Run, ladder: &Ladder) -> Option<Section> {
    let safety = Safety::of(run, ladder);
    let header: Vec<String> = ["variant"]
        .iter()
        .chain(words::latency_columns(ladder.latency))
        .chain(&COSTS)
        .map(|name| (*name).to_owned())
        .chain(safety.columns())
        .chain(["trade-off".to_owned()])
        .collect();
    let rows = beside(ladder, &safety).map(|(rung, row)| {
        let shown = row.shown().into_iter().map(|cell| Cell {
            text: kept_together(&cell.text),
            ..cell
        });
        [rung.variant.label.clone()]
            .into_iter()
            .chain(words::latencies(ladder.latency, rung))
            .chain(costs(rung, row))
            .map(Cell::from)
            .chain(shown)
            .chain([Cell::from(words::given_up(ladder, rung, words::CELL))])
            .collect()
    });
    let mut table = Table {
        label: TITLE.to_owned(),
        words: vec![header.len() - 1],
        header,
        rows: rows.collect(),
        wide: true,
        ..Table::default()
    };
    // Of one variant the summary has the latencies, and what was not measured is not missed in a comparison.
    if run.variants.len() == 1 {
        table = table.fitted(usize::MAX).pop()?;
        if table.header.len() <= 1 + words::latency_columns(ladder.latency).len() {
            return None;
        }
    }
    (!ladder.rungs.is_empty()).then(|| Section {
        id: Some("safety"),
        title: TITLE.to_owned(),
        blocks: vec![
            Block::Table(table),
            Block::Note(format!(
                "{NOTE} {NOT_MEASURED}: not tried, or not measured."
            )),
        ],
    })
}

/// A share may stand above what it is a share of, and breaks nowhere else.
fn kept_together(text: &str) -> String {
    text.replace(' ', "\u{a0}").replace("%\u{a0}of", "% of")
}
