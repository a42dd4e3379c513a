//! What others cost a duel: blocks, and no truth.

use crate::judge::aside::SetAside;
use crate::judge::differences::Differences;
use crate::judge::{LEAST_BLOCKS, Metric, Row, power};
use crate::order_statistics::mad;
use crate::quantity;
use crate::run::{Run, Terms};

/// With fewer undisturbed blocks, the machine's calibration says how quiet it can be.
const ENOUGH: usize = 10;

/// That others disturbed it, by what, and how many blocks more it took for that; none where it was quiet.
pub(super) fn told(run: &Run, terms: &Terms, decisive: Option<&Row>) -> Option<String> {
    let disturbed = SetAside::disturbed(run, &terms.load);
    let because = disturbed.mostly()?;
    let all = run.slices.iter().filter(|slice| slice.load == terms.load);
    let blocks = all.map(|slice| slice.block).max()? + 1;
    let more = decisive
        .and_then(|row| more(run, terms, row, &disturbed))
        .map_or(String::new(), |more| {
            format!(
                "; it took about {} blocks more than a quiet machine would have",
                quantity::grouped(more as u64)
            )
        });
    Some(format!(
        "noisy: {} of {} blocks were disturbed ({because}){more}",
        quantity::grouped(disturbed.count() as u64),
        quantity::grouped(blocks as u64)
    ))
}

/// Blocks that a row took more than it would have taken with the noise of the undisturbed ones.
fn more(run: &Run, terms: &Terms, row: &Row, disturbed: &SetAside) -> Option<usize> {
    let metric: Metric = row.metric.parse().ok()?;
    let steps = terms.steps(run);
    let step = row.step.as_ref().or(steps.first())?;
    let sides = [terms.base.as_str(), terms.head.as_str()];
    let of = |aside: &SetAside| Differences::of(run, (&terms.load, step), sides, &metric, aside);
    let all = of(&SetAside::of(run, &terms.load));
    let undisturbed = of(disturbed).values;
    let quiet = if undisturbed.len() >= ENOUGH {
        mad(&undisturbed)?
    } else {
        let known = run.calibration.as_ref()?;
        let known = Some(known).filter(|known| known.stale.is_none())?;
        power::noise(known, &row.metric, run.load(&terms.load)?.slice_ms)?.mad
    };
    let noise = mad(&all.values).filter(|noise| *noise > 0.0)?;
    // An interval's width is as the noise, by the square root of the blocks.
    let needed = row.blocks as f64 * (quiet / noise).powi(2);
    let needed = (needed.ceil() as usize).max(LEAST_BLOCKS);
    row.blocks.checked_sub(needed).filter(|more| *more > 0)
}
