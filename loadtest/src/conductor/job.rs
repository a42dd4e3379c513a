//! What the users are told of a slice.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use super::{Conductor, RunError};
use crate::arrivals::{Arrivals, Schedule};
use crate::generator::Job;
use crate::recorder::Recorder;
use crate::scenario::Load;
use crate::server::ServerError;

impl Conductor<'_> {
    /// A slice that is measured waits for `samples` of each step; one that warms up for one.
    pub(super) fn job(
        &mut self,
        load: &Arc<Load>,
        number: usize,
        variant: usize,
        length: Duration,
        samples: Option<u64>,
        seed: u64,
    ) -> Result<Arc<Job>, RunError> {
        let Some(server) = &self.servers[variant] else {
            return Err(self.server_error(variant, ServerError::NotRunning));
        };
        self.jobs += 1;
        // The slices of shards end together, whatever they have by then.
        let least = if self.order.shard.is_some() {
            0
        } else {
            samples.unwrap_or(1)
        };
        let timed = load.timed_steps();
        let steps = &self.steps[variant];
        let names = timed.iter().map(|step| steps[*step].name.clone());
        let mut positions = vec![0; steps.len()];
        for (position, step) in timed.iter().enumerate() {
            positions[*step] = position;
        }
        let live = self.live(variant);
        Ok(Arc::new(Job {
            number: self.jobs,
            server: server.number,
            stopped: self.stopped.clone(),
            endpoints: server.endpoints(),
            places: steps.iter().map(|s| server.place_of(s)).collect(),
            load: Arc::clone(load),
            load_number: number,
            measured: samples.is_some(),
            steps: Arc::clone(steps),
            keeps_draws: self.scenario.variants[variant].holds.is_some(),
            recorder: Mutex::new(Recorder::new(names, live.clone())),
            live,
            interrupted: AtomicBool::new(false),
            over: AtomicBool::new(false),
            spare_ns: AtomicU64::new(0),
            span: OnceLock::new(),
            schedule: self.schedule(load, length, seed),
            share: self.order.share(),
            seed,
            least: least_samples(load, &timed, least),
            positions,
        }))
    }

    /// The arrivals of one slice, if they are open; each slice has its own.
    fn schedule(
        &self,
        load: &Load,
        length: Duration,
        seed: u64,
    ) -> Option<tokio::sync::Mutex<Schedule>> {
        let schedule = match &load.arrivals {
            Arrivals::Closed(_) => return None,
            Arrivals::Open { rate, spacing } => Schedule::new(rate.clone(), *spacing, length, seed),
            Arrivals::Trace(trace) => Schedule::replay(Arc::clone(trace), length),
        };
        Some(tokio::sync::Mutex::new(schedule.share(self.order.share())))
    }
}

/// Samples that a slice waits for, of each step. Journeys are repeated until there are so many of the
/// step that they make most often; one that they make less often (a sign-in before many requests)
/// needs as many as one journey makes, however slow its variant.
fn least_samples(load: &Load, timed: &[usize], least: u64) -> Vec<u64> {
    let made: Vec<u64> = timed.iter().map(|step| load.repetitions(*step)).collect();
    let most = made.iter().max().copied().unwrap_or(0);
    made.into_iter()
        .map(|made| match made {
            0 => 0,
            made if made == most => least,
            made => least.min(made),
        })
        .collect()
}
