//! How well a duel was measured, and under what.

use serde::Serialize;

use crate::judge::aside::SetAside;
use crate::judge::power;
use crate::quantity;
use crate::run::{self, Run, Terms};

/// How well it was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quality {
    /// The run's verdict on itself: `valid`, `disturbed` …; `partial` for what is valid as far as it goes.
    pub validity: String,
    /// How late the generator sent, at p99 of all requests, nanoseconds.
    pub timer_p99_ns: Option<u64>,
    /// Share of the time that the host took, over the kept blocks.
    pub steal: Option<f64>,
    /// The least slowdown of p50 that this machine shows nearly always, from its calibration.
    pub floor: Option<f64>,
}

impl Quality {
    pub(super) fn of(run: &Run, terms: &Terms, aside: &SetAside) -> Self {
        let slices = || {
            run.slices
                .iter()
                .filter(|slice| slice.load == terms.load && !aside.has(slice.block))
        };
        let load = run.load(&terms.load);
        let timers = run
            .merged
            .iter()
            .filter(|figure| figure.load == terms.load && figure.metric == "timer");
        let steals: Vec<f64> = slices().filter_map(|slice| slice.steal).collect();
        let rule = terms.rule(run);
        let noise = run
            .calibration
            .as_ref()
            .zip(load)
            .and_then(|(known, load)| {
                power::noise(known, "p50", load.slice_ms).filter(|_| known.stale.is_none())
            });
        Self {
            validity: match (run.validity.verdict, &run.status) {
                (run::Verdict::Valid, run::Status::Partial(_)) => "partial".to_owned(),
                (verdict, _) => verdict.label().to_owned(),
            },
            timer_p99_ns: timers.map(|figure| figure.at(99.0)).max(),
            steal: (!steals.is_empty()).then(|| steals.iter().sum::<f64>() / steals.len() as f64),
            floor: noise.map(|noise| power::visible(noise.mad, rule.blocks, &rule)),
        }
    }
}

/// The load in words: `one user · 100 ms slices`.
pub(super) fn load_in_words(run: &Run, name: &str) -> String {
    let Some(load) = run.load(name) else {
        return name.to_owned();
    };
    let users = match load.users {
        1 => "one user".to_owned(),
        users => format!("{} users", quantity::grouped(users as u64)),
    };
    let arrivals = if load.open {
        " · open arrivals, response time"
    } else {
        ""
    };
    let slice = quantity::tick(load.slice_ms as f64 * 1e6);
    let awake = if run.awake { " · cores awake" } else { "" };
    format!("{users}{arrivals} · {slice} slices{awake}")
}
