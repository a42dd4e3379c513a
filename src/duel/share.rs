//! What is told of a duel that several processes make: nothing but how far it is, since none of them sees the whole.

use std::process::ExitCode;
use std::time::Duration;

use authlab_loadtest::conductor::{Finished, blocks_of_shards};
use authlab_loadtest::scenario::Scenario;
use authlab_loadtest::shard::Shard;
use authlab_reports::quantity;
use authlab_reports::run::{Run, Verdict};

use super::outset;
use crate::output;
use crate::run::code_of;

pub(super) fn tell(scenario: &Scenario, shard: &Shard, within: Duration) {
    let [Some(base), Some(head)] = [0, 1].map(|side| scenario.variants.get(side)) else {
        return;
    };
    let Some(load) = scenario.loads.first() else {
        return;
    };
    let (blocks, takes) = blocks_of_shards(load, within);
    output::note(format_args!(
        "duel {}: {} → {}; shard {} makes its share of {blocks} blocks in {}; `authlab merge` judges the sum of all shards",
        scenario.name,
        base.name,
        head.name,
        shard.share,
        quantity::elapsed(takes.as_secs_f64()),
    ));
}

/// How far it is, after every few whole blocks.
pub(super) fn told(run: &Run) {
    let terms = run.duel.as_ref();
    let measured = terms.and_then(|terms| {
        let planned = run.load(&terms.load)?.blocks;
        Some((outset::whole_blocks(run, terms)?, planned))
    });
    if let Some((blocks, planned)) = measured {
        output::note(format_args!("{blocks} of {planned} blocks"));
    }
}

/// Where its share is, and what was wrong with it.
pub(super) fn end(finished: &Finished) -> ExitCode {
    let Finished { run, path, error } = finished;
    if let Some(error) = error {
        output::error(format_args!("{error}"));
        return ExitCode::from(code_of(error));
    }
    if run.validity.verdict != Verdict::Valid {
        for fault in run.faults() {
            output::note(format_args!("warning: {fault}"));
        }
    }
    output::line(format_args!("shard: {}", path.display()));
    ExitCode::SUCCESS
}
