//! Plays a history with fresh credentials, and notes what was sent and answered, and when.

mod asking;
mod changing;
mod pace;
mod slot;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use authlab_loadtest::caller::{Head, Made, Reached};
use authlab_loadtest::interrupt;

use crate::contract::Contract;
use crate::history::{Act, Op};
use crate::wire::{Answer, Line, Unanswered};
pub use pace::Bounds;
pub(crate) use pace::Pace;
use slot::Slot;

/// After a promise is due: clocks of two processes have steps.
const AFTER: Duration = Duration::from_millis(20);
/// How often a wait looks whether it was interrupted.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The credential of a principal that makes changes of others.
const OF_OFFICE: usize = usize::MAX;

/// Why playing ended before the history did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The time or the number of requests is used up.
    Spent,
    /// The user ended it.
    Interrupted,
    /// A change could not be undone: what follows would be judged by a state that is not there.
    Stuck,
}

/// What became of an operation.
pub(crate) enum Seen {
    /// The request, and its answer.
    Asked {
        head: Head,
        answer: Result<Answer, Unanswered>,
    },
    /// When the change was sent, and when its answer had come: never, where it failed.
    Changed {
        sent: Instant,
        answered: Option<Instant>,
        why: Option<String>,
    },
    /// Nothing was sent.
    Waited,
    /// The request has no such form, or its principal could not sign in.
    Skipped,
}

/// A history that was played.
pub(crate) struct Played {
    /// By operation.
    pub(crate) seen: Vec<Seen>,
    /// When each credential was issued last, before an operation of this place.
    pub(crate) issued: BTreeMap<(usize, usize), Vec<(usize, Made)>>,
    /// Why credentials could not be got.
    pub(crate) refused_sign_ins: Vec<(usize, String)>,
    /// The targets' own query parameter, where they have one.
    pub(crate) unique: Option<String>,
}

/// Plays histories at one gate.
pub(crate) struct Player<'c> {
    pub(crate) contract: &'c Contract,
    servers: Vec<Reached>,
    gate: Arc<Reached>,
    seed: u64,
    /// Histories played so far: each has values and a query of its own.
    played: usize,
    /// Of the process.
    mark: u128,
    pub(crate) pace: Pace,
    /// When what was undone must count again.
    settled: Option<Instant>,
    /// Why a change could not be undone.
    pub(crate) stuck: Option<String>,
    /// For each route whether a further query parameter changes nothing.
    pub(crate) takes_query: Vec<bool>,
}

impl<'c> Player<'c> {
    pub(crate) fn new(contract: &'c Contract, seed: u64, bounds: Bounds) -> Result<Self, String> {
        let reached = |name: Option<&str>, origin| Reached::new(name, origin, &contract.protocol);
        let mut servers = vec![reached(None, &contract.base)?];
        for (name, origin) in &contract.servers {
            servers.push(reached(Some(name), origin)?);
        }
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Ok(Self {
            contract,
            servers,
            gate: Arc::new(reached(None, &contract.base)?),
            seed,
            played: 0,
            mark: since.map_or(0, |since| since.as_millis()),
            pace: Pace::new(bounds),
            settled: None,
            stuck: None,
            takes_query: vec![false; contract.routes.len()],
        })
    }

    /// Plays a history from the beginning.
    pub(crate) async fn play(&mut self, ops: &[Op]) -> Result<Played, Stop> {
        self.played += 1;
        self.pace.until(self.settled.take()).await?;
        self.reset().await?;
        let mut stage = Stage::default();
        let mut played = Played {
            seen: Vec::new(),
            issued: BTreeMap::new(),
            refused_sign_ins: Vec::new(),
            unique: self
                .takes_query
                .contains(&true)
                .then(|| format!("authlab={:x}-{}", self.mark, self.played)),
        };
        let mut outcome = Ok(());
        while played.seen.len() < ops.len() && outcome.is_ok() {
            let from = played.seen.len();
            let together = ops[from..].iter().take_while(|op| op.at_once).count() + 1;
            let until = (from + together).min(ops.len());
            outcome = self
                .together(&mut stage, &ops[from..until], &mut played)
                .await;
        }
        self.undo(&mut stage, ops, &played).await;
        if self.stuck.is_some() {
            return Err(Stop::Stuck);
        }
        outcome.map(|()| played)
    }

    async fn reset(&mut self) -> Result<(), Stop> {
        if self.contract.reset.is_empty() {
            return Ok(());
        }
        let mut caller = Slot::new(self, self.contract.anonymous(), 0);
        for step in &self.contract.reset {
            self.pace.turn().await?;
            // What it says of a failure is found out by what follows.
            let _ = caller.caller.make(step, true).await;
        }
        Ok(())
    }

    /// Makes operations that are sent at once; one alone, most of the time.
    async fn together(
        &mut self,
        stage: &mut Stage,
        ops: &[Op],
        played: &mut Played,
    ) -> Result<(), Stop> {
        for op in ops {
            self.sign_in(stage, op.who, op.credential, played).await?;
            if let Act::Change(change) = op.act
                && let Some(by) = self.contract.changes[change].by
            {
                self.sign_in(stage, by, OF_OFFICE, played).await?;
            }
        }
        let mut tasks = Vec::new();
        for op in ops {
            let task = match op.act {
                Act::Wait => {
                    self.pace.until(stage.due).await?;
                    Task::Done(Seen::Waited)
                }
                Act::Expire => {
                    self.expire(op, played).await?;
                    Task::Done(Seen::Waited)
                }
                Act::Change(change) => {
                    self.changing(stage, op, &self.contract.changes[change])
                        .await?
                }
                Act::Use { route, way, form } => {
                    self.using(stage, op, (route, way, form), played).await?
                }
            };
            tasks.push(task);
        }
        for (op, task) in ops.iter().zip(tasks) {
            let seen = match task {
                Task::Done(seen) => seen,
                Task::Asks { client, head, task } => match task.await {
                    Ok((line, answer)) => {
                        stage.lines.insert(client, line);
                        Seen::Asked { head, answer }
                    }
                    Err(_) => Seen::Skipped,
                },
                Task::Changes { slots, task } => match task.await {
                    Ok((moved, outcome)) => {
                        stage.slots.extend(slots.into_iter().zip(moved));
                        self.changed(stage, op, outcome, played)
                    }
                    Err(_) => Seen::Skipped,
                },
            };
            played.seen.push(seen);
        }
        Ok(())
    }

    async fn expire(&mut self, op: &Op, played: &Played) -> Result<(), Stop> {
        let issued = played
            .issued
            .get(&(op.who, op.credential))
            .and_then(|all| all.last());
        if let (Some((_, made)), Some(expiry)) = (issued, self.contract.expiry) {
            self.pace
                .until(Some(made.answered + expiry.after + expiry.within + AFTER))
                .await?;
        }
        Ok(())
    }

    /// Has a principal's credential, for which it signs in where it has none.
    async fn sign_in(
        &mut self,
        stage: &mut Stage,
        who: usize,
        credential: usize,
        played: &mut Played,
    ) -> Result<(), Stop> {
        if stage.slots.contains_key(&(who, credential)) {
            return Ok(());
        }
        let mut slot = Slot::new(self, who, credential);
        let mut made: Option<Made> = None;
        for step in &self.contract.principals[who].sign_in {
            self.pace.turn().await?;
            match slot.caller.make(step, true).await {
                Ok(step) => made = Some(slot::joined(made, step)),
                Err(why) => {
                    played
                        .refused_sign_ins
                        .push((who, format!("step `{}`: {why}", step.name)));
                    slot.is_in = false;
                    break;
                }
            }
        }
        if slot.is_in {
            // A credential that was there before does not expire.
            if let Some(made) = made {
                let place = played.seen.len();
                let issued = played.issued.entry((who, credential)).or_default();
                issued.push((place, made));
            }
            slot.learn(&self.contract.principals[who].sign_in);
        }
        stage.slots.insert((who, credential), slot);
        Ok(())
    }
}

/// The principal whose credential a request carries after that of `who`, where it carries two.
pub(crate) fn next(contract: &Contract, who: usize) -> Option<usize> {
    let signed_in = contract.anonymous();
    (signed_in > 1 && who < signed_in).then(|| (who + 1) % signed_in)
}

/// A target without the parameter that keeps histories apart.
pub(crate) fn without_unique(target: &str) -> &str {
    let own = target.split("authlab=").next().unwrap_or(target);
    own.trim_end_matches(['?', '&'])
}

/// Who and what there is while a history is played.
#[derive(Default)]
struct Stage {
    slots: BTreeMap<(usize, usize), Slot>,
    lines: BTreeMap<usize, Line>,
    /// When everything that was promised is due.
    due: Option<Instant>,
}

/// When a change was sent; and when its answer had come, or why it failed.
type Outcome = (Instant, Result<Instant, String>);

/// An operation under way.
enum Task {
    Done(Seen),
    Asks {
        client: usize,
        head: Head,
        task: tokio::task::JoinHandle<(Line, Result<Answer, Unanswered>)>,
    },
    Changes {
        slots: Vec<(usize, usize)>,
        task: tokio::task::JoinHandle<(Vec<Slot>, Outcome)>,
    },
}

/// Waits until an instant, in steps, so that an interrupt ends it.
async fn sleep_until(until: Instant) -> Result<(), Stop> {
    loop {
        let now = Instant::now();
        if now >= until {
            return Ok(());
        }
        if interrupt::requested() {
            return Err(Stop::Interrupted);
        }
        tokio::time::sleep(LOOK_EVERY.min(until - now)).await;
    }
}
