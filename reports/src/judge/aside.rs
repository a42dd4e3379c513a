//! Blocks that are not judged, and blocks that others disturbed: by rules that were there before the run and look at no
//! latency, whole blocks, so that they cannot favour a variant.
//!
//! Only those are set aside in which the load generator itself was stopped, which measures nothing of either side, or in
//! which a shard of a duel was not at the same server as the others. What others disturbed is judged: the order within a block is decided by a coin, so that noise costs time and not truth, and
//! a reader is told that it was there.

use std::collections::{BTreeMap, BTreeSet};

use crate::order_statistics::median;
use crate::quantity;
use crate::run::{Run, SHARD_LATE_NS, Slice};

/// The host took more than this share of a slice's time, and more than the one tick that it is counted in (proc(5)),
const STEAL: f64 = 0.10;
const TICK_NS: f64 = 10e6;
/// or the generator, alone on its core, waited for it longer,
const GENERATOR_WAITED: f64 = 0.10;
/// or the server did, by so much more than it usually does: threads of one server wait for one another,
const SERVER_WAITED: f64 = 0.10;
/// or our control group was throttled.
const THROTTLED: f64 = 0.05;

/// Blocks of a load, and what happened to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetAside {
    why: BTreeMap<usize, Reason>,
}

/// What happened to a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    Stolen,
    GeneratorWaited,
    ServerWaited,
    Throttled,
    Paused,
    Late,
}

impl SetAside {
    /// Those of a load that are not judged: the load generator was stopped in them, or a shard of a duel was late. Which
    /// side made it late is not asked: that of two equal servers may be either, as often.
    #[must_use]
    pub fn of(run: &Run, load: &str) -> Self {
        let is_duel = run.duel.as_ref().is_some_and(|terms| terms.load == load);
        let mut why = BTreeMap::new();
        for slice in run.slices.iter().filter(|slice| slice.load == load) {
            if slice.was_paused() {
                why.insert(slice.block, Reason::Paused);
            } else if is_duel && slice.was_late() {
                why.entry(slice.block).or_insert(Reason::Late);
            }
        }
        Self { why }
    }

    /// Whether most blocks of a duel are set aside since a shard was late in them.
    #[must_use]
    pub fn is_of_late_shard(&self, run: &Run, load: &str) -> bool {
        let late = self.why.values().filter(|why| **why == Reason::Late);
        let slices = run.slices.iter().filter(|slice| slice.load == load);
        let blocks: BTreeSet<usize> = slices.map(|slice| slice.block).collect();
        late.count() * 2 > blocks.len()
    }

    /// Those of a load that others disturbed, which are judged all the same.
    #[must_use]
    pub fn disturbed(run: &Run, load: &str) -> Self {
        let usual: BTreeMap<&str, f64> = run
            .variants
            .iter()
            .filter_map(|variant| {
                let waited = run
                    .slices_of(load, &variant.name)
                    .filter_map(|slice| slice.server_waited);
                Some((variant.name.as_str(), median(waited.collect())?))
            })
            .collect();
        let mut why = BTreeMap::new();
        for slice in run.slices.iter().filter(|slice| slice.load == load) {
            let usual = usual.get(slice.variant.as_str()).copied();
            if let Some(reason) = disturbance(slice, usual.unwrap_or_default()) {
                why.entry(slice.block).or_insert(reason);
            }
        }
        Self { why }
    }

    /// Whether it is one of them.
    #[must_use]
    pub fn has(&self, block: usize) -> bool {
        self.why.contains_key(&block)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.why.len()
    }

    /// What happened to most of them, in words; none where there are none.
    #[must_use]
    pub fn mostly(&self) -> Option<String> {
        let mut counts: BTreeMap<Reason, usize> = BTreeMap::new();
        for reason in self.why.values() {
            *counts.entry(*reason).or_default() += 1;
        }
        let (reason, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        Some(match reason {
            Reason::Stolen => format!(
                "the host took more than {} of a slice's time",
                quantity::share(STEAL)
            ),
            Reason::GeneratorWaited => format!(
                "another process held the load generator's core for more than {} of a slice",
                quantity::share(GENERATOR_WAITED)
            ),
            Reason::ServerWaited => format!(
                "the server waited for a core for {} of a slice more than usual",
                quantity::share(SERVER_WAITED)
            ),
            Reason::Paused => {
                "the load generator was stopped (SIGSTOP, or a pause of the machine)".to_owned()
            }
            Reason::Late => format!(
                "a shard began a slice more than {} late",
                quantity::tick(SHARD_LATE_NS as f64)
            ),
            Reason::Throttled => format!(
                "the control group was throttled for more than {} of a slice",
                quantity::share(THROTTLED)
            ),
        })
    }
}

fn disturbance(slice: &Slice, usual: f64) -> Option<Reason> {
    let above = |share: Option<f64>, most: f64| share.is_some_and(|share| share > most);
    if slice.was_paused() {
        None
    } else if above(
        slice.steal,
        STEAL.max(TICK_NS / slice.length_ns.max(1) as f64),
    ) {
        Some(Reason::Stolen)
    } else if above(slice.generator_waited, GENERATOR_WAITED) {
        Some(Reason::GeneratorWaited)
    } else if above(slice.server_waited, usual + SERVER_WAITED) {
        Some(Reason::ServerWaited)
    } else {
        above(slice.throttled, THROTTLED).then_some(Reason::Throttled)
    }
}
