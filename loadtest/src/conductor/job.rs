//! What the users are told of a slice.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use super::{Conductor, RunError};
use crate::arrivals::{Arrivals, Schedule};
use crate::job::Job;
use crate::live::Aim;
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
        let mut recorder = Recorder::new(names, live.clone());
        if self.aim == Aim::Search {
            recorder = recorder.following_trend();
        }
        if load.continuous && samples.is_some() {
            recorder = recorder.in_intervals();
        }
        Ok(Arc::new(Job {
            number: self.jobs,
            server: server.number,
            stopped: self.stopped.clone(),
            endpoints: server.endpoints(),
            places: steps.iter().map(|s| server.place_of(s)).collect(),
            variant: self.scenario.variants[variant].name.clone(),
            load: Arc::clone(load),
            load_number: number,
            measured: samples.is_some(),
            steps: Arc::clone(steps),
            keeps_draws: self.scenario.variants[variant].holds.is_some(),
            recorder: Mutex::new(recorder),
            live,
            interrupted: AtomicBool::new(false),
            cut: OnceLock::new(),
            requests: load
                .requests
                .filter(|_| samples.is_some())
                .map(AtomicU64::new),
            over: AtomicBool::new(false),
            spare_ns: AtomicU64::new(0),
            span: OnceLock::new(),
            schedule: self.schedule(load, variant, length, seed),
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
        variant: usize,
        length: Duration,
        seed: u64,
    ) -> Option<tokio::sync::Mutex<Schedule>> {
        let schedule = match &load.arrivals {
            Arrivals::Closed(_) => return None,
            Arrivals::Open { rate, spacing } => Schedule::new(rate.clone(), *spacing, length, seed),
            Arrivals::Trace(trace) => Schedule::replay(Arc::clone(trace), length),
        };
        let schedule = schedule
            .share(self.order.share())
            .after(self.slices_before(load, variant));
        Some(tokio::sync::Mutex::new(schedule))
    }

    /// How many slices of the load the variant had, of those that the next one continues: at each
    /// variant the same arrivals are planned. A warm-up slice begins anew.
    fn slices_before(&self, load: &Load, variant: usize) -> u64 {
        let slices = match (self.aim, &load.arrivals) {
            (Aim::Block(_), _) => {
                let variant = &self.scenario.variants[variant].name;
                self.run.slices_of(&load.name, variant).count()
            }
            (Aim::Search, Arrivals::Open { rate, .. }) => {
                let rate = rate.at(Duration::ZERO);
                let points = self.run.capacities.last().map(|search| &search.points);
                let tried = points.into_iter().flatten();
                tried
                    .filter(|point| point.offered_per_s.total_cmp(&rate).is_eq())
                    .count()
            }
            _ => 0,
        };
        slices as u64
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
