//! A duel: two variants of one run, judged metric by metric, with what a reader must know of it.
//!
//! [`Duel::of`] is a pure function of the run. Renderings write what it holds and compute nothing: [`Duel::document`] is
//! for people, [`junit`] and [`benchmark`] for what a CI reads.

pub mod benchmark;
mod document;
mod drift;
mod instructions;
pub mod junit;
mod noise;
mod quality;
mod rows;

use serde::Serialize;

pub use self::document::MOST_BYTES;
pub use self::instructions::Counted;
pub use self::quality::Quality;
pub use self::rows::is_settled;
use crate::judge::aside::SetAside;
use crate::judge::{Role, Row, UnknownVariant, Verdict};
use crate::outcome::Outcome;
use crate::run::{self, Beside, Run, Terms};

/// The version of the form that [`Duel`] has as JSON.
pub const FORMAT_VERSION: u32 = 1;

/// Two variants of a run, judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Duel {
    /// [`FORMAT_VERSION`].
    pub format: u32,
    /// The run's id.
    pub run: String,
    /// The scenario's name.
    pub scenario: String,
    /// What is compared with.
    pub base: Side,
    /// What is judged.
    pub head: Side,
    /// The load that both were under, in words: `one user · 100 ms slices`.
    pub load: String,
    /// Wall-clock length, seconds.
    pub elapsed_s: f64,
    /// The metrics asked for, gated ones first, then those beside them.
    pub rows: Vec<Row>,
    /// Every other metric, not gated: those marked stand out among all of them (Benjamini–Hochberg).
    pub information: Vec<Row>,
    /// Instructions and allocations per request, where they were counted in a pass of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<Counted>,
    /// The blocks that it rests on.
    pub blocks: Blocks,
    /// How well it was measured.
    pub quality: Quality,
    /// What to keep in mind, a sentence each.
    pub caveats: Vec<String>,
    /// The side that answered nothing, which ended the duel: the head has then lost, and a base cannot be compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent: Option<run::Silent>,
    /// Why it may not be judged, a sentence each.
    pub faults: Vec<String>,
    /// What is missing, and on which side; never a pass.
    pub missing: Vec<String>,
    /// The whole.
    pub outcome: Outcome,
    /// [`Outcome::exit_code`], or what `--inconclusive` makes of it.
    pub exit_code: u8,
    /// The words that repeat it.
    pub repeat: Vec<String>,
}

/// A side of a duel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// The variant's name.
    pub name: String,
    /// How people read it.
    pub label: String,
    /// The command that started its server, or its URL.
    pub target: String,
    /// The servers that ran beside it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Beside>,
}

/// Blocks of a duel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blocks {
    /// Measured and not set aside.
    pub kept: usize,
    /// Set aside, by a rule that looks at no latency.
    pub set_aside: usize,
    /// What spoiled most of those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

impl Duel {
    /// Judges a run by the terms that it was made on, or by the usual ones for `base` and `head`.
    ///
    /// # Errors
    /// The run has no such variant.
    pub fn of(run: &Run, terms: &Terms) -> Result<Self, UnknownVariant> {
        UnknownVariant::unless_in(run, [&terms.base, &terms.head])?;
        let side = |name: &str| {
            let variant = run.variant(name);
            Side {
                name: name.to_owned(),
                label: variant.map_or(String::new(), |variant| variant.label.clone()),
                target: variant.map_or(String::new(), |variant| variant.target.clone()),
                beside: variant.map_or(Vec::new(), |variant| variant.beside.clone()),
            }
        };
        let aside = SetAside::of(run, &terms.load);
        let judged = rows::judge(run, terms);
        let silent = run.silent.as_ref().filter(|silent| {
            let is_a_side = [&terms.base, &terms.head].contains(&&silent.variant);
            silent.load == terms.load && is_a_side && run.shard.is_none()
        });
        let faults = match silent {
            Some(silent) => vec![format!("{}: {silent}", silent.variant)],
            None => faults(run, &judged.asked_for),
        };
        // A share of a duel claims nothing.
        let faults = [share(run), faults].concat();
        let instructions = run.instructions.as_ref().map(Counted::of);
        let outcome = match silent {
            Some(silent) if silent.variant == terms.head => Outcome::LimitBroken,
            Some(_) => Outcome::BadInput,
            None => outcome(&judged, &faults, instructions.as_ref()),
        };
        Ok(Self {
            format: FORMAT_VERSION,
            run: run.id.clone(),
            scenario: run.scenario.name.clone(),
            base: side(&terms.base),
            head: side(&terms.head),
            load: quality::load_in_words(run, &terms.load),
            elapsed_s: run.elapsed_s,
            blocks: Blocks {
                kept: judged.blocks,
                set_aside: aside.count(),
                because: aside.mostly(),
            },
            quality: Quality::of(run, terms, &aside),
            caveats: if faults.is_empty() {
                // Failures that are judged spoil nothing, but a reader is told.
                [judged.caveats, run.faults()].concat()
            } else {
                judged.caveats
            },
            rows: judged.asked_for,
            information: judged.information,
            instructions,
            silent: silent.cloned(),
            faults,
            missing: judged.missing,
            outcome,
            exit_code: outcome.exit_code(),
            repeat: run.command.clone(),
        })
    }

    /// What an inconclusive end is for a script, where it was said: 0, or 1.
    #[must_use]
    pub fn with_inconclusive_as(mut self, exit_code: Option<u8>) -> Self {
        if let (Outcome::Inconclusive, Some(exit_code)) = (self.outcome, exit_code) {
            self.exit_code = exit_code;
        }
        self
    }

    /// The verdict in a word or two, for a heading: the worst of the gated rows, or why there is none.
    #[must_use]
    pub fn headline(&self) -> &'static str {
        match self.outcome {
            Outcome::LimitBroken if self.silent.is_some() => "does not answer",
            Outcome::LimitBroken => "slower",
            Outcome::BadInput => "cannot be compared",
            Outcome::Inconclusive if self.faults.is_empty() => "inconclusive",
            Outcome::Inconclusive => "not valid",
            Outcome::Ok => {
                let gated = self.rows.iter().filter(|row| row.role == Role::Gated);
                let mut verdicts = gated
                    .map(|row| row.verdict)
                    .chain(self.instructions.iter().map(|counted| counted.row.verdict));
                if verdicts.any(|verdict| verdict == Some(Verdict::Faster)) {
                    "faster"
                } else {
                    "no change"
                }
            }
        }
    }

    /// The duel as JSON, for programs; `duel.schema.json` says its form.
    ///
    /// # Errors
    /// Never, for figures that were read from a run.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

/// That a run is one share of a duel, which several processes made.
fn share(run: &Run) -> Vec<String> {
    let of_shard = run.shard.iter().map(|shard| {
        format!(
            "shard {}/{}: only the sum of all shards is judged; `authlab merge` adds them up",
            shard.number, shard.of
        )
    });
    of_shard.collect()
}

/// Why the run may not be judged. That requests fail is what the error rate is gated for: it spoils
/// nothing that is judged by it.
fn faults(run: &Run, rows: &[Row]) -> Vec<String> {
    let gates_errors = rows
        .iter()
        .any(|row| row.role == Role::Gated && row.metric == "errors");
    let failing = run.validity.verdict == run::Verdict::ServerLimited
        && run.validity.reasons.iter().all(|r| r.contains("failed"));
    if gates_errors && failing && run.status == run::Status::Complete {
        return Vec::new();
    }
    run.faults()
}

fn outcome(judged: &rows::Rows, faults: &[String], instructions: Option<&Counted>) -> Outcome {
    let decisive = judged.asked_for.iter().filter(|row| row.is_decisive());
    let verdicts: Vec<Option<Verdict>> = decisive
        .map(|row| row.verdict)
        .chain(instructions.map(|counted| counted.row.verdict))
        .collect();
    let slower = verdicts.contains(&Some(Verdict::Slower));
    let open = verdicts
        .iter()
        .any(|verdict| matches!(verdict, None | Some(Verdict::Inconclusive)));
    // What is missing is never a pass; an invalid run is never gated, whatever its figures. Where all
    // that was asked for is beyond what this machine can tell, nothing is judged.
    if !judged.missing.is_empty() {
        Outcome::BadInput
    } else if !faults.is_empty() || verdicts.is_empty() {
        Outcome::Inconclusive
    } else if slower {
        Outcome::LimitBroken
    } else if open {
        Outcome::Inconclusive
    } else {
        Outcome::Ok
    }
}
