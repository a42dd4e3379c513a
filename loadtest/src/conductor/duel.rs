//! A duel's load ends when its verdict is certain, or its time is over. One that shards make has as many blocks as was
//! planned: none of them sees what the others measured.

use std::collections::BTreeSet;
use std::time::Duration;

use authlab_reports::duel::is_settled;
use authlab_reports::judge::LEAST_BLOCKS;
use authlab_reports::run::Run;

use super::Conductor;
use crate::scenario::Load;

/// From so many blocks on a duel is looked at once in that share more.
const LOOKS: usize = 100;

impl Conductor<'_> {
    /// Whether the load needs no more blocks, since it is a duel's and that is settled, or leaves no time for one.
    pub(super) fn is_settled(&mut self, load: &Load, number: usize) -> bool {
        let Some(terms) = self
            .order
            .duel
            .as_ref()
            .filter(|terms| terms.load == load.name && self.order.shard.is_none())
        else {
            return false;
        };
        let blocks = measured(self.run, &load.name);
        if blocks < LEAST_BLOCKS {
            return false;
        }
        // What a block took so far, restarts and warm-ups among it, the next one takes too.
        let elapsed = self.started.elapsed();
        let with_another = elapsed + elapsed.div_f64(blocks as f64);
        let is_over = with_another > Duration::from_millis(terms.within_ms);
        // All blocks are judged each time, and the test holds however seldom it is looked at.
        let is_looked_at = blocks.is_multiple_of(1 + blocks / LOOKS);
        let is_settled = is_over || is_looked_at && is_settled(self.run, terms);
        if is_settled {
            self.pace.ended(number);
        }
        is_settled
    }
}

/// Blocks measured.
fn measured(run: &Run, load: &str) -> usize {
    let slices = run.slices.iter().filter(|slice| slice.load == load);
    let blocks: BTreeSet<usize> = slices.map(|slice| slice.block).collect();
    blocks.len()
}

/// What was planned of a duel's load is what it took; of a shard's it is what all of them planned.
pub(super) fn end(run: &mut Run) {
    let terms = run.duel.as_ref().filter(|_| run.shard.is_none());
    let Some(load) = terms.map(|terms| terms.load.clone()) else {
        return;
    };
    let blocks = measured(run, &load);
    for planned in &mut run.scenario.loads {
        if planned.name == load {
            planned.blocks = blocks;
        }
    }
}
