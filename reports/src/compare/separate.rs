//! What two separate runs may be gated by: more than identical servers differ on their machines.

use crate::judge::{Limit, Metric, power};
use crate::quantity;
use crate::run::Calibration;
use crate::run::Run;

/// Standard deviations of the difference of two machines' noise that a limit must exceed. More blocks
/// do not help: what changes between two runs is the same for all blocks of one.
const DEVIATIONS: f64 = 3.0;
/// Standard deviations in a median absolute deviation of normal values.
const SIGMA_IN_MAD: f64 = 1.4826;

/// Why a limit is not judged between two runs, in words; none when it is.
pub(super) fn objection(base: &Run, head: &Run, limit: &Limit) -> Option<String> {
    if !limit.is_relative() || *limit.metric() == Metric::Errors {
        return None;
    }
    if base.scenario.name != head.scenario.name || base.scenario.profile != head.scenario.profile {
        return Some("the scenarios differ".to_owned());
    }
    let statistic = limit.metric().to_string();
    let (from, to) = match (noise(base, &statistic), noise(head, &statistic)) {
        (Ok(from), Ok(to)) => (from, to),
        (Err(objection), _) | (_, Err(objection)) => return Some(objection),
    };
    if base.machine.cpu != head.machine.cpu || base.machine.cores != head.machine.cores {
        return Some("the machines differ".to_owned());
    }
    let told_apart = (DEVIATIONS * SIGMA_IN_MAD * from.hypot(to)).exp_m1();
    (limit.share() < told_apart).then(|| {
        format!(
            "two separate runs on these machines tell only more than {} apart",
            quantity::share(told_apart)
        )
    })
}

fn noise(run: &Run, statistic: &str) -> Result<f64, String> {
    let without = |why: &str| {
        format!(
            "{why}: two separate runs are gated by absolute limits (`p50 > 5ms`), or where `authlab calibrate` ran before both"
        )
    };
    let known: &Calibration = run
        .calibration
        .as_ref()
        .ok_or_else(|| without(&format!("run {} carries no calibration", run.id)))?;
    if let Some(stale) = &known.stale {
        return Err(without(&format!(
            "the calibration of run {} does not hold ({stale})",
            run.id
        )));
    }
    let slice_ms = run.scenario.loads.first().map_or(100, |load| load.slice_ms);
    power::noise(known, statistic, slice_ms)
        .map(|noise| noise.mad)
        .ok_or_else(|| {
            without(&format!(
                "the calibration of run {} does not know the noise of {statistic}",
                run.id
            ))
        })
}
