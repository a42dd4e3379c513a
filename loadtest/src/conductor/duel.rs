//! A duel's load ends when its verdict is certain, and not before.

use std::collections::BTreeSet;

use authlab_reports::duel::{Standing, standing};
use authlab_reports::run::Run;

use super::Conductor;
use crate::scenario::Load;

impl Conductor<'_> {
    /// Whether the load needs no more blocks, since it is a duel's and that is settled.
    pub(super) fn is_settled(&mut self, load: &Load, number: usize) -> bool {
        let Some(terms) = &self.order.duel else {
            return false;
        };
        if terms.load != load.name || measured(self.run, &load.name) < self.next_look {
            return false;
        }
        match standing(self.run, terms) {
            Standing::Open { next } => {
                self.next_look = next;
                false
            }
            Standing::Settled | Standing::Spoiled => {
                self.pace.ended(number);
                true
            }
        }
    }
}

/// Blocks measured, set aside or not.
fn measured(run: &Run, load: &str) -> usize {
    let slices = run.slices.iter().filter(|slice| slice.load == load);
    let blocks: BTreeSet<usize> = slices.map(|slice| slice.block).collect();
    blocks.len()
}

/// What was planned of a duel's load is what it took.
pub(super) fn end(run: &mut Run) {
    let Some(load) = run.duel.as_ref().map(|terms| terms.load.clone()) else {
        return;
    };
    let blocks = measured(run, &load);
    for planned in &mut run.scenario.loads {
        if planned.name == load {
            planned.blocks = blocks;
        }
    }
}
