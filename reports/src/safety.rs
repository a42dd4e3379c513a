//! Cost beside safety: what each variant costs, and what became of the attacks on it. An attack that was not run is
//! not a safety that was shown.

use crate::{
    ladder::{Rung, Staleness, Table},
    quantity::{self, NOT_MEASURED},
    run::{Attack, Run},
};

/// The attacks that every table asks for, beside the revoke, which probes answer.
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

/// What an attack, or a probe, showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// It was not run.
    NotTried,
    /// It was run, and nothing passed.
    Refused,
    /// Something passed.
    Passed,
}

impl Safety {
    /// Of a run and its ladder, also of one that is partial or empty.
    #[must_use]
    pub fn of(run: &Run, ladder: &Table) -> Self {
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
    pub fn shown(&self) -> Vec<(String, Shown)> {
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
    pub fn stale_window(&self) -> (String, Shown) {
        match &self.staleness {
            None => not_tried(),
            Some(Staleness { stale: 0, .. }) => ("0 s".to_owned(), Shown::Refused),
            Some(Staleness { longest, .. }) => {
                let longest = longest.map(|longest| quantity::duration(longest as f64));
                (
                    longest.unwrap_or_else(|| NOT_MEASURED.to_owned()),
                    Shown::Passed,
                )
            }
        }
    }
}

/// The costs that stand in the table beside the latencies, in words: capacity, CPU, memory.
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

/// Each variant's rung beside its row.
pub fn beside<'a>(
    ladder: &'a Table,
    safety: &'a Safety,
) -> impl Iterator<Item = (&'a Rung, &'a Row)> {
    ladder.rungs.iter().zip(&safety.rows)
}

/// `0 of 113 354`, `6.44 % of 112 695`.
fn counted(passed: u64, tried: u64) -> (String, Shown) {
    let of = quantity::grouped(tried);
    if passed == 0 {
        return (format!("0 of {of}"), Shown::Refused);
    }
    let share = quantity::share(passed as f64 / tried as f64);
    (format!("{share} of {of}"), Shown::Passed)
}

fn not_tried() -> (String, Shown) {
    (NOT_MEASURED.to_owned(), Shown::NotTried)
}
