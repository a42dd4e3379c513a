//! Windows of recorded blocks, each judged as the duel that it would have been.

use authlab_reports::judge::aside::SetAside;
use authlab_reports::judge::differences::Differences;
use authlab_reports::judge::metric::Metric;
use authlab_reports::judge::{self, MARGIN, Sequential, Verdict, When};
use authlab_reports::order_statistics::{ALPHA, Estimate, median};
use authlab_reports::run::Run;

use super::report::Verdicts;

/// Blocks of a duel that takes the whole of its two minutes, restarts and warm-ups among them.
const MOST_BLOCKS: usize = 200;

/// A duel gates p50 and errors.
fn rule(ended: bool) -> Sequential {
    Sequential {
        gated: 2,
        when: When::EachBlock { ended },
        blocks: MOST_BLOCKS,
        margin: MARGIN,
    }
}

pub(super) fn differences(run: &Run, base: &str, head: &str) -> Differences {
    let at = &run.scenario.ladder.latency;
    let aside = SetAside::of(run, &at.load);
    Differences::of(
        run,
        (&at.load, &at.step),
        [base, head],
        &Metric::P50,
        &aside,
    )
}

/// The effect as measured over all blocks, and its 95 % interval.
pub(super) fn effect(differences: &Differences) -> Option<(f64, Option<[f64; 2]>)> {
    let estimate = Estimate::of(&differences.values, ALPHA)?.map(f64::exp_m1);
    Some((
        estimate.median,
        estimate.interval.map(|at| [at.low, at.high]),
    ))
}

/// Median absolute deviation of the blocks' differences.
pub(super) fn mad(differences: &Differences) -> f64 {
    let middle = median(differences.values.clone()).unwrap_or_default();
    let deviations = differences.values.iter().map(|d| (d - middle).abs());
    median(deviations.collect()).unwrap_or_default()
}

/// Mean share that the host took of all slices.
pub(super) fn steal(run: &Run) -> f64 {
    let steals: Vec<f64> = run.slices.iter().filter_map(|slice| slice.steal).collect();
    steals.iter().sum::<f64>() / steals.len().max(1) as f64
}

/// Duels one after another: each begins where the one before ended.
pub(super) fn one_after_another(differences: &Differences) -> Verdicts {
    let mut verdicts = Verdicts::default();
    let mut start = 0;
    while let Some((verdict, blocks)) = window(differences, start) {
        verdicts.count(verdict, blocks);
        start += blocks;
    }
    verdicts
}

/// A duel from every block on: many more, which share most of their blocks.
pub(super) fn from_every_block(differences: &Differences) -> Verdicts {
    let mut verdicts = Verdicts::default();
    for start in 0..differences.values.len() {
        if let Some((verdict, blocks)) = window(differences, start) {
            verdicts.count(verdict, blocks);
        }
    }
    verdicts
}

/// The verdict of the duel that begins at a block; none where the record ends before it does.
fn window(differences: &Differences, start: usize) -> Option<(Verdict, usize)> {
    let mut rest = differences.from_block(start)?;
    let ended = rest.values.len() >= MOST_BLOCKS;
    rest.values.truncate(MOST_BLOCKS);
    rest.base.truncate(MOST_BLOCKS);
    let judged = judge::judge(&rest, &rule(ended));
    Some((judged.verdict?, judged.blocks))
}
