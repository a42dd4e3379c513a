//! What each change of design made, and its share of the whole.
//!
//! In each block: how much less time a request took after the change than before, and that as a
//! share of the difference between the first change's `from` and the last change's `to`.

pub mod sentence;

use crate::{
    blocks::{self, PerBlock},
    judge::{Comparison, Metric, Rule, Verdict},
    order_statistics::{ALPHA, Estimate},
    run::{Change, Run, Terms},
};

/// All changes of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    /// Each change, in the scenario's order.
    pub parts: Vec<Part>,
    /// Nanoseconds saved from the first `from` to the last `to`; none when a block never had both.
    pub whole: Option<Estimate>,
    /// The verdict on the last `to` against the first `from`, by the rule of a duel of the two.
    pub verdict: Option<Verdict>,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The change.
    pub change: Change,
    /// Nanoseconds of p50 that it saved; negative when it cost some.
    pub saved: Option<Estimate>,
    /// The verdict on `to` against `from`, by the rule of a duel of the two: what words may say.
    pub verdict: Option<Verdict>,
    /// The share of the whole that it made, 0 to 1 and beyond; none where the whole is not clearly
    /// more than nothing.
    pub share: Option<Estimate>,
}

impl Changes {
    pub(crate) fn of(run: &Run) -> Self {
        let asked = &run.scenario.changes;
        let p50 =
            |variant: &str| blocks::median_latency(run, &run.scenario.ladder.latency, variant);
        let ends = asked.first().zip(asked.last());
        let whole = ends
            .map(|(first, last)| saved(&p50(&first.from), &p50(&last.to)))
            .unwrap_or_default();
        let estimate = estimate(&whole);
        let clear = estimate.is_some_and(|whole| whole.median > 0.0 && !whole.spans(0.0));
        let part = |change: &Change| {
            let saved = saved(&p50(&change.from), &p50(&change.to));
            let shares: Vec<f64> = blocks::paired(&saved, &whole)
                // Of a block in which the whole saves nothing, no part is a share.
                .filter(|(_, whole)| *whole != 0.0)
                .map(|(part, whole)| part / whole)
                .collect();
            Part {
                change: change.clone(),
                saved: self::estimate(&saved),
                verdict: verdict(run, &change.from, &change.to),
                share: Estimate::of(&shares, ALPHA).filter(|_| clear),
            }
        };
        Self {
            parts: asked.iter().map(part).collect(),
            whole: estimate,
            verdict: ends.and_then(|(first, last)| verdict(run, &first.from, &last.to)),
        }
    }
}

/// Of p50; none of blocks too few for one.
fn verdict(run: &Run, from: &str, to: &str) -> Option<Verdict> {
    let at = &run.scenario.ladder.latency;
    let rule = Rule::Sequential(Terms::of(run, from, to).rule(run));
    let row = Comparison::of(run, &at.load, [from, to], &rule).claim(&at.step, &Metric::P50);
    row.verdict
}

fn saved(before: &PerBlock, after: &PerBlock) -> PerBlock {
    let both = before
        .iter()
        .filter_map(|(block, before)| Some((*block, before - after.get(block)?)));
    both.collect()
}

fn estimate(per_block: &PerBlock) -> Option<Estimate> {
    let values: Vec<f64> = per_block.values().copied().collect();
    Estimate::of(&values, ALPHA)
}
