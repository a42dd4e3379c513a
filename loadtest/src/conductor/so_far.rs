//! A continuous slice while it goes on: the seconds that have passed, and a run that holds them, for
//! the case that the process is killed.

use std::time::{Duration, Instant};

use super::Conductor;
use super::ride::Ran;
use crate::arrivals::Arrivals;
use crate::job::Job;
use crate::recorder::{Filled, INTERVAL, SoFar, Taken};
use crate::usage::Usage;
use crate::validity;

/// The run is written this long after the slice began; then whenever as much time again has passed.
const WRITE_FIRST: Duration = Duration::from_secs(1);
/// But this often at least.
const WRITE_EVERY: Duration = Duration::from_secs(10);
/// And not more often than once in this many times of what writing took: it shares a core with what is measured.
const WRITE_AT_MOST_ONE_IN: u32 = 100;

impl Conductor<'_> {
    pub(super) fn begin_intervals(&mut self, start: Instant) {
        self.intervals.clear();
        self.so_far = SoFar::default();
        self.written_next = start + WRITE_FIRST;
    }

    /// Takes the intervals that have passed out of the recorder, so that they fill no memory.
    pub(super) fn collect_intervals(&mut self, job: &Job) {
        if job.load.continuous {
            let full = job.recorder().take_full_intervals();
            self.keep_intervals(job, full);
        }
    }

    pub(super) fn keep_intervals(&mut self, job: &Job, full: Vec<Filled>) {
        if full.is_empty() {
            return;
        }
        let names = job.recorder().step_names();
        for filled in full {
            filled.add_to(&mut self.so_far, &names);
            let interval = filled.interval(&job.variant, &job.load.name, &names);
            self.intervals.push(interval);
        }
    }

    /// Writes the run with what there is of the slice under way, when it is time to. Where that fails nothing is
    /// lost, and the end of the slice will say so.
    pub(super) fn write_so_far(&mut self, job: &Job) {
        let began = Instant::now();
        let Some(&(start, _)) = job.span.get() else {
            return;
        };
        if !job.load.continuous
            || !job.measured
            || self.so_far.seconds == 0
            || began < self.written_next
        {
            return;
        }
        let Some(ran) = self.ran_so_far(job, start) else {
            return;
        };
        let variants = self.scenario.variants.iter();
        let named = variants.map(|variant| &variant.name);
        let Some(variant) = named.into_iter().position(|name| *name == job.variant) else {
            return;
        };
        let mut slice = self.slice(&job.load, 0, variant, &ran);
        // The kernel's counters are read at the end.
        (slice.generator_busy, slice.generator_waited) = (None, None);
        let mut run = self.folder.with(self.run, slice, &self.so_far.recorded);
        run.elapsed_s = self.started.elapsed().as_secs_f64();
        run.validity = validity::judge(&run);
        let _ = self.folder.write(&run);
        let passed = began.saturating_duration_since(start);
        let pause = passed
            .min(WRITE_EVERY)
            .max(began.elapsed() * WRITE_AT_MOST_ONE_IN);
        self.written_next = Instant::now() + pause;
    }

    /// The slice under way as if it had ended with its last whole second.
    fn ran_so_far(&self, job: &Job, start: Instant) -> Option<Ran> {
        let length = INTERVAL.checked_mul(self.so_far.seconds)?;
        let shards = f64::from(self.order.share().of());
        let planned = match &job.load.arrivals {
            Arrivals::Open { rate, .. } => {
                Some((rate.arrivals_within(length.as_secs_f64()) / shards).round() as u64)
            }
            Arrivals::Closed(_) | Arrivals::Trace(_) => None,
        };
        Some(Ran {
            taken: Taken {
                ok: self.so_far.ok,
                failed: self.so_far.failed.clone().into_iter().collect(),
                bytes: self.so_far.bytes,
                ..Taken::default()
            },
            planned,
            start,
            slice: length,
            length,
            answering: length,
            late: None,
            server: None,
            generator: Usage::default(),
            occupied: None,
            steal: None,
            throttled: None,
            resent: None,
            peak_bytes: None,
            paused: self.pauses.within(start, Instant::now()),
            unreached: std::collections::BTreeMap::new(),
        })
    }
}
