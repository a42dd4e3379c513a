//! What a duel can see, from how much identical servers differ on this machine: the least difference, and which
//! metrics it cannot gate.

use super::metric::Metric;
use super::{SLICES, Sequential, resolution, stakes};
use crate::quantity;
use crate::run::Run;
use crate::run::calibration::{Calibration, Noise};

/// Standard deviations in a median absolute deviation of normal values.
const SIGMA_IN_MAD: f64 = 1.4826;
/// The interval's width beside what the best rule for normal values would give, in the trial of `rivals.rs`.
const EFFICIENCY: f64 = 1.05;
/// Standard errors by which an effect must stand out beyond its interval to be found nearly always.
const NEARLY_ALWAYS: f64 = 2.0;

/// The noise of a metric at the slice length nearest to `slice_ms`.
#[must_use]
pub fn noise<'c>(calibration: &'c Calibration, metric: &str, slice_ms: u64) -> Option<&'c Noise> {
    let of_metric = calibration.noise.iter().filter(|at| at.metric == metric);
    of_metric.min_by_key(|at| at.slice_ms.abs_diff(slice_ms))
}

/// Half the interval that blocks of such noise give, on the scale of logarithms.
#[must_use]
pub fn half_interval(mad: f64, blocks: usize, alpha: f64) -> f64 {
    stakes::reach(alpha) * standard_error(mad, blocks)
}

/// The least slowdown that is nearly always found after so many blocks: 0.05 is 5 %.
#[must_use]
pub fn visible(mad: f64, blocks: usize, rule: &Sequential) -> f64 {
    let beyond = half_interval(mad, blocks, rule.alpha());
    (rule.margin.ln_1p() + beyond + NEARLY_ALWAYS * standard_error(mad, blocks)).exp_m1()
}

/// Blocks that a metric of such noise takes to be told apart from no change; beyond the most that there
/// are it cannot be gated.
#[must_use]
pub fn blocks_to_gate(mad: f64, rule: &Sequential) -> usize {
    // Between the margin and the resolution there must be room for half an interval.
    let room = resolution(rule.margin).ln_1p() - rule.margin.ln_1p();
    let errors = half_interval(mad, 1, rule.alpha()) / room;
    errors.powi(2).ceil().max(1.0) as usize
}

fn standard_error(mad: f64, blocks: usize) -> f64 {
    EFFICIENCY * SIGMA_IN_MAD * mad / (blocks.max(1) as f64).sqrt()
}

/// A process that used less CPU time for each answer did not serve them.
const LEAST_CPU_NS: f64 = 1_000.0;

/// That a command started its server elsewhere, as a container's client does: its CPU time is not the server's.
fn served_elsewhere(run: &Run, load: &str) -> Option<String> {
    let used = |variant: &str| {
        let slices = run.slices_of(load, variant);
        let (cpu, ok) = slices.fold((0, 0), |(cpu, ok), slice| {
            (cpu + slice.cpu_ns.unwrap_or_default(), ok + slice.ok)
        });
        (ok > 0).then(|| cpu as f64 / ok as f64)
    };
    let measured = run
        .slices
        .iter()
        .any(|slice| slice.load == load && slice.cpu_ns.is_some());
    let elsewhere = run
        .variants
        .iter()
        .find(|variant| used(&variant.name).is_some_and(|ns| ns < LEAST_CPU_NS))?;
    measured.then(|| {
        format!(
            "{} used less than 1 µs for each answer: its command started the server elsewhere",
            elsewhere.name
        )
    })
}

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
        Metric::Cpu => return served_elsewhere(run, load),
        Metric::Errors => false,
        Metric::Stale | Metric::Capacity | Metric::Memory | Metric::Stage(_) => return None,
    };
    let load = run.load(load)?;
    let most = rule.blocks.max(1);
    let duel_s = most as f64 * f64::from(SLICES) * load.slice_ms as f64 / 1e3;
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
    let Some(noise) = noise(calibration, &metric.to_string(), load.slice_ms) else {
        return Some("this machine's calibration does not know its noise".to_owned());
    };
    let blocks = blocks_to_gate(noise.mad, rule);
    (blocks > most).then(|| {
        format!(
            "identical servers differ by {} a block here (about {} to gate)",
            quantity::share(noise.mad.exp_m1()),
            quantity::elapsed(duel_s * blocks as f64 / most as f64)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::When;
    use super::*;

    fn rule() -> Sequential {
        Sequential {
            gated: 2,
            when: When::EachBlock { ended: false },
            blocks: 300,
            margin: crate::judge::MARGIN,
        }
    }

    #[test]
    fn a_quiet_machine_sees_five_percent_and_a_noisy_tail_takes_more_blocks_than_there_are() {
        let seen = visible(0.01, 20, &rule());
        assert!((0.04..0.055).contains(&seen), "{seen}");
        assert!(visible(0.01, 60, &rule()) < seen);
        assert!(blocks_to_gate(0.01, &rule()) <= 20);
        assert!(blocks_to_gate(0.5, &rule()) > 300);
    }
}
