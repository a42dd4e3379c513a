//! What is told of a duel before its verdict: how long it may take, what it will be able to see, and
//! how it stands.

use std::time::Duration;

use authlab_loadtest::conductor::Order;
use authlab_loadtest::scenario::{Load, Scenario};
use authlab_reports::duel::Duel;
use authlab_reports::judge::{LEAST_BLOCKS, MARGIN, Sequential, When, power};
use authlab_reports::quantity;
use authlab_reports::run::Run;
use authlab_reports::run::Terms;

use crate::output;

/// Slices of a block.
const SLICES: u32 = 4;
/// How it stands is told after so many blocks.
const TOLD_EVERY: usize = 10;

pub(super) fn tell(scenario: &Scenario, order: &Order) {
    let (Some(load), Some(terms)) = (scenario.loads.first(), &order.duel) else {
        return;
    };
    let rule = Sequential {
        gated: terms.gated(load.timed_steps().len()),
        when: When::EachBlock { ended: false },
        blocks: load.blocks,
        margin: terms.margin.unwrap_or(MARGIN),
    };
    let (least_s, within_s) = (takes(load, LEAST_BLOCKS), terms.within_ms as f64 / 1e3);
    // What is left of the budget beside starts and warm-ups.
    let most = LEAST_BLOCKS.max((LEAST_BLOCKS as f64 * within_s / least_s) as usize);
    output::note(format_args!(
        "duel {}: {} → {}; a verdict takes about {} or more, {} at the most; a side that stops answering ends it within {}",
        scenario.name,
        terms.base,
        terms.head,
        quantity::elapsed(least_s),
        quantity::elapsed(within_s.max(least_s)),
        silence(load),
    ));
    let known = order
        .calibration
        .as_ref()
        .filter(|known| known.stale.is_none());
    let slice_ms = u64::try_from(load.slice.as_millis()).unwrap_or(u64::MAX);
    match known.and_then(|known| power::noise(known, "p50", slice_ms)) {
        Some(noise) => output::note(format_args!(
            "this machine shows {} more at p50 after {}, {} after {} (its calibration)",
            quantity::share(power::visible(noise.mad, LEAST_BLOCKS, &rule)),
            quantity::elapsed(least_s),
            quantity::share(power::visible(noise.mad, most, &rule)),
            quantity::elapsed(within_s.max(least_s)),
        )),
        None => output::note(format_args!(
            "what this machine can see is not known: `authlab calibrate` measures it in a minute"
        )),
    }
}

/// The slice in which it stops and two without an answer, each with a request that was sent as late as it could be; the
/// other side's slices between them.
fn silence(load: &Load) -> String {
    let time = (load.slice + load.timeout) * 3 + load.slice * SLICES;
    quantity::elapsed(time.as_secs_f64())
}

/// What happens between two slices takes so long, and the start of a server, about.
const BETWEEN_SLICES: Duration = Duration::from_millis(5);
const START: Duration = Duration::from_millis(100);

/// Seconds that so many blocks take, about.
fn takes(load: &Load, blocks: usize) -> f64 {
    let starts = u32::try_from(load.starts(blocks, true)).unwrap_or(u32::MAX);
    let blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
    // Warm-up usually falls no more in the third of its slices, of both servers.
    let warm_up = load.warm_up_slice() * 3 * 2;
    let between = BETWEEN_SLICES * SLICES;
    let time = (load.slice * SLICES + between) * blocks + (warm_up + START * 2) * starts;
    time.as_secs_f64().max(1.0)
}

/// How it stands, after every few whole blocks.
pub(super) fn told(run: &Run) {
    let Some(terms) = run.duel.as_ref() else {
        return;
    };
    let Some(blocks) = whole_blocks(run, terms) else {
        return;
    };
    let Ok(duel) = Duel::of(run, terms) else {
        return;
    };
    let Some(row) = duel.rows.first() else {
        return;
    };
    let effect = row
        .effect
        .map_or(quantity::NOT_MEASURED.to_owned(), |effect| {
            quantity::change(effect + 1.0)
        });
    let aside = match duel.blocks.set_aside {
        0 => String::new(),
        aside => format!(", {aside} set aside"),
    };
    output::note(format_args!(
        "{blocks} blocks{aside}: {} {effect}",
        row.name()
    ));
}

/// The blocks measured so far, when a round number of them has just ended.
pub(super) fn whole_blocks(run: &Run, terms: &Terms) -> Option<usize> {
    let slices = run
        .slices
        .iter()
        .filter(|slice| slice.load == terms.load)
        .count();
    let blocks = slices / SLICES as usize;
    let ended = slices.is_multiple_of(SLICES as usize) && blocks.is_multiple_of(TOLD_EVERY);
    (ended && blocks > 0).then_some(blocks)
}
