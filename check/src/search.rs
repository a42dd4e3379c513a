//! The check itself: it learns what the gate does, plays histories until time or requests are used up, and shortens what it
//! finds.

mod cover;
mod tell;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::contract::Contract;
use crate::draw::Draw;
use crate::history::Op;
use crate::judge::{Fault, Kind, Learned, judge};
use crate::learn::{Lesson, Unfit, learn};
use crate::outcome::{Coverage, FirstSeen, Outcome, Verdict, Violation};
use crate::play::{Bounds, Player, Stop};
use crate::shrink::{Shown, Shrink};

/// More violations are not looked for.
const MOST_VIOLATIONS: usize = 10;
/// More that did not repeat are not told.
const MOST_UNDECIDED: usize = 10;
/// What shortening one violation may take beyond the check's own bounds.
const MORE_REQUESTS: u64 = 1_000;
const MORE_TIME: Duration = Duration::from_secs(60);
/// How often a shortened history is played again.
const CONFIRMATIONS: usize = 3;
/// Histories before the one that showed a violation, from which it may have come.
const BEFORE: usize = 3;
/// A check of fewer answers of the other kind decides nothing: more than half of them were errors.
const MOST_ERRORS: usize = 2;

/// How a check is made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// By which histories are drawn.
    pub seed: u64,
    /// What it may take.
    pub bounds: Bounds,
    /// Whether it goes on after the first violation.
    pub keeps_going: bool,
}

/// Why a gate cannot be checked by a contract: `file:line: what`.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

/// Checks the gate of a contract.
///
/// # Errors
/// The gate cannot be reached, or does not work as the contract says from the beginning, so that nothing can be said of it.
pub async fn check(contract: &Contract, options: Options) -> Result<Outcome, Refused> {
    let player = Player::new(contract, options.seed, options.bounds);
    let at = |line: usize, what: String| Refused(format!("{}:{line}: {what}", contract.path));
    let mut player = player.map_err(|why| at(contract.line_of_base, why))?;
    let mut search = Search {
        coverage: Coverage::default(),
        violations: Vec::new(),
        undecided: Vec::new(),
        told: BTreeSet::new(),
        recent: Vec::new(),
        options,
    };
    let stop = match learn(&mut player).await {
        Err(Unfit::Line(line, what)) => return Err(at(line, what)),
        Err(Unfit::Stopped(stop)) => stop,
        Ok(lesson) => match search.run(&mut player, &lesson).await {
            Ok(()) => Stop::Spent,
            Err(stop) => stop,
        },
    };
    match stop {
        Stop::Spent => {}
        Stop::Interrupted => search.undecided.push("it was interrupted".to_owned()),
        Stop::Stuck => search.undecided.extend(player.stuck.clone()),
    }
    Ok(search.outcome(&player))
}

struct Search {
    coverage: Coverage,
    violations: Vec<Violation>,
    undecided: Vec<String>,
    /// Violations that were told already, by what they are of.
    told: BTreeSet<(Kind, String)>,
    /// The histories before this one.
    recent: Vec<Vec<Op>>,
    options: Options,
}

impl Search {
    async fn run(&mut self, player: &mut Player<'_>, lesson: &Lesson) -> Result<(), Stop> {
        let contract = player.contract;
        for played in &lesson.rounds {
            self.coverage.add(contract, &lesson.ops, played);
            let faults = judge(contract, &lesson.learned, &lesson.ops, played);
            for fault in faults {
                self.found(player, &lesson.learned, &lesson.ops, (&fault, true))
                    .await?;
                if self.is_enough() {
                    return Ok(());
                }
            }
        }
        if !contract.histories.is_empty() {
            for ops in &contract.histories {
                self.play(player, &lesson.learned, ops.clone()).await?;
            }
            return Ok(());
        }
        let mut draw = Draw::new(contract, self.options.seed, player.pace.time());
        self.coverage.expects(contract, &draw, player);
        while !self.is_enough() {
            player.pace.look()?;
            let ops = draw.history();
            self.play(player, &lesson.learned, ops).await?;
        }
        Ok(())
    }

    fn is_enough(&self) -> bool {
        let most = if self.options.keeps_going {
            MOST_VIOLATIONS
        } else {
            1
        };
        self.violations.len() >= most
    }

    async fn play(
        &mut self,
        gate: &mut Player<'_>,
        learned: &Learned,
        ops: Vec<Op>,
    ) -> Result<(), Stop> {
        let contract = gate.contract;
        let played = gate.play(&ops).await?;
        self.coverage.add(contract, &ops, &played);
        for fault in judge(contract, learned, &ops, &played) {
            if !self.is_enough() {
                self.found(gate, learned, &ops, (&fault, false)).await?;
            }
        }
        self.recent.push(ops);
        if self.recent.len() > BEFORE {
            self.recent.remove(0);
        }
        Ok(())
    }

    /// Repeats a violation, shortens it and confirms it. One that does not repeat is told as undecided.
    async fn found(
        &mut self,
        player: &mut Player<'_>,
        learned: &Learned,
        ops: &[Op],
        (fault, is_first): (&Fault, bool),
    ) -> Result<(), Stop> {
        let kind = fault.kind;
        let ops = ops.get(..=fault.op).unwrap_or(ops);
        let first_seen = FirstSeen {
            requests: player.pace.asked(),
            elapsed_s: player.pace.elapsed().as_secs_f64(),
            operations: ops.len(),
            is_plain: is_first,
        };
        let signature = (kind, tell::signature(player.contract, ops));
        if !self.told.insert(signature) {
            return Ok(());
        }
        player.pace.extend(MORE_REQUESTS, MORE_TIME);
        let mut shrink = Shrink::new(player, learned);
        let mut shown = shrink.attempt(ops, kind).await?;
        if shown.is_none() {
            // What earlier histories left behind may belong to it.
            let longer = after(&self.recent, ops);
            shown = shrink.attempt(&longer, kind).await?;
        }
        let Some(shown) = shown else {
            self.doubt(format!("seen once and not again: {}", fault.said));
            return Ok(());
        };
        let mut shown: Shown = shrink.shorten(shown).await?;
        let mut repeated = 0;
        for _ in 0..CONFIRMATIONS {
            if let Some(again) = shrink.once(&shown.ops, kind).await? {
                repeated += 1;
                shown = again;
            }
        }
        if repeated == 0 {
            self.doubt(format!("seen and then not again: {}", shown.fault.said));
            return Ok(());
        }
        self.told
            .insert((kind, tell::signature(player.contract, &shown.ops)));
        let violation = tell::violation(
            player.contract,
            &shown,
            [repeated, CONFIRMATIONS],
            first_seen,
        );
        if !self
            .violations
            .iter()
            .any(|other| other.history == violation.history)
        {
            self.violations.push(violation);
        }
        Ok(())
    }

    fn doubt(&mut self, said: String) {
        if self.undecided.len() < MOST_UNDECIDED {
            self.undecided.push(said);
        }
    }

    fn outcome(mut self, player: &Player<'_>) -> Outcome {
        let contract = player.contract;
        if self.coverage.errors * MOST_ERRORS > self.coverage.answers {
            self.undecided.push(format!(
                "{} of {} answers were errors (429, 5xx or none)",
                self.coverage.errors, self.coverage.answers
            ));
        }
        if self.coverage.histories == 0 {
            self.undecided
                .push("no history was played within the bounds".to_owned());
        }
        self.coverage.count(contract);
        let verdict = match (self.violations.is_empty(), self.undecided.is_empty()) {
            (false, _) => Verdict::Violation,
            (true, true) => Verdict::NothingFound,
            (true, false) => Verdict::Undecided,
        };
        Outcome {
            contract: contract.name.clone(),
            file: contract.path.clone(),
            gate: contract.base.to_string(),
            seed: self.options.seed,
            verdict,
            exit_code: match verdict {
                Verdict::NothingFound => 0,
                Verdict::Violation => 1,
                Verdict::Undecided => 3,
            },
            violations: self.violations,
            undecided: self.undecided,
            coverage: self.coverage,
            requests: player.pace.asked(),
            elapsed_s: player.pace.elapsed().as_secs_f64(),
        }
    }
}

/// Histories one after the other, each with credentials of its own.
fn after(recent: &[Vec<Op>], ops: &[Op]) -> Vec<Op> {
    let all = recent.iter().map(Vec::as_slice).chain([ops]);
    let own = all.enumerate().flat_map(|(number, ops)| {
        ops.iter().map(move |op| Op {
            credential: op.credential + 2 * number,
            ..*op
        })
    });
    own.collect()
}
