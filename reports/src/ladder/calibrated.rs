//! What machine and generator can tell apart, beside the figures that rest on it.

use crate::{
    quantity,
    run::Run,
    run::calibration::{Calibration, Pacing},
};

/// Share of the offered rate that must be achieved for its lateness to mean something.
const KEPT_UP: f64 = 0.99;

/// The calibration that a run carries, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calibrated {
    /// Its floor, its pacing and its noise: one sentence, without its full stop.
    pub sentence: String,
    /// Why it does not hold for this run.
    pub stale: Option<String>,
}

impl Calibrated {
    pub(crate) fn of(run: &Run) -> Option<Self> {
        let calibration = run.calibration.as_ref()?;
        let stale = calibration.stale.as_ref();
        Some(Self {
            sentence: sentence(calibration),
            stale: stale.map(|stale| format!("the calibration does not hold: {stale}")),
        })
    }
}

fn sentence(calibration: &Calibration) -> String {
    let mut parts = vec![format!(
        "calibrated: a server that does nothing answers in {} at p50",
        quantity::duration(calibration.floor.service_p50_ns as f64)
    )];
    let kept_up = |pacing: &&Pacing| pacing.achieved_per_s >= pacing.offered_per_s * KEPT_UP;
    let fastest = calibration.pacing.iter().filter(kept_up);
    let by_rate = |a: &&Pacing, b: &&Pacing| a.offered_per_s.total_cmp(&b.offered_per_s);
    if let Some(fastest) = fastest.max_by(by_rate) {
        parts.push(format!(
            "at {}/s requests leave {} late at p99",
            quantity::number(fastest.offered_per_s),
            quantity::duration(fastest.timer_p99_ns as f64)
        ));
    }
    let of_p50 = calibration.noise.iter().find(|noise| noise.metric == "p50");
    if let Some(noise) = of_p50 {
        parts.push(format!(
            "p50 of identical servers differs by {} (slices of {} ms)",
            quantity::share(noise.mad),
            noise.slice_ms
        ));
    }
    parts.join("; ")
}
