//! What was asked for and cannot be gated here: why not, and what it would take.

use super::metric::Metric;
use super::{Sequential, power};
use crate::quantity;
use crate::run::Run;

/// Slices of a block.
const SLICES: f64 = 4.0;

/// Why the metric is shown only; none when it can be gated.
pub(super) fn why(
    run: &Run,
    load: &str,
    metric: &Metric,
    least_samples: u64,
    rule: &Sequential,
) -> Option<String> {
    let is_tail = match metric {
        Metric::Percentile(_) => *metric != Metric::P50,
        Metric::Max | Metric::Mean => true,
        Metric::Cpu | Metric::Errors => false,
        Metric::Stale | Metric::Capacity | Metric::Memory | Metric::Stage(_) => return None,
    };
    let load = run.load(load)?;
    let last = rule.looks.last().copied().unwrap_or(1);
    let duel_s = last as f64 * SLICES * load.slice_ms as f64 / 1e3;
    let Some(needed) = metric.samples_of_a_slice() else {
        return Some("the greatest of a slice says nothing of the next".to_owned());
    };
    if !metric.is_of_load() && least_samples < needed {
        let longer = needed as f64 / least_samples.max(1) as f64;
        return Some(format!(
            "{} of {} samples a slice (about {} to gate)",
            quantity::grouped(least_samples),
            quantity::grouped(needed),
            quantity::elapsed(duel_s * longer)
        ));
    }
    // The median carries itself, and so do errors and CPU time: their intervals say what they are
    // worth. Tails moved by up to three times between identical servers.
    if !is_tail {
        return None;
    }
    let Some(calibration) = run
        .calibration
        .as_ref()
        .filter(|known| known.stale.is_none())
    else {
        return Some(
            "gated only where a calibration says that this machine carries it: `authlab calibrate`"
                .to_owned(),
        );
    };
    let Some(noise) = power::noise(calibration, &metric.to_string(), load.slice_ms) else {
        return Some("this machine's calibration does not know its noise".to_owned());
    };
    let blocks = power::blocks_to_gate(noise.mad, rule);
    (blocks > last).then(|| {
        format!(
            "identical servers differ by {} a block here (about {} to gate)",
            quantity::share(noise.mad.exp_m1()),
            quantity::elapsed(duel_s * blocks as f64 / last as f64)
        )
    })
}
