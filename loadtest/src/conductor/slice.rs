//! One slice: prepare, go, drain, read the counters. Warm-up slices are made the same way.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use authlab_reports::run::Slice;

use super::{Conductor, LOOK_EVERY, RunError, timetable};
use crate::arrivals::{Arrivals, Schedule};
use crate::generator::{GeneratorError, Job, Phase, Report};
use crate::live::Aim;
use crate::plan::slice_seed;
use crate::progress::Progress;
use crate::recorder::{Recorder, Taken};
use crate::scenario::Load;
use crate::server::{Server, ServerError};
use crate::usage::Surroundings;
use crate::{interrupt, usage};

/// Warm-up is over when p50 of two warm-up slices in a row differ by less.
const FLAT: f64 = 0.03;
/// Warm-up slices within its cap.
const WARM_UP_SLICES: u32 = 5;
/// Its place among the blocks, for its seed.
const WARM_UP_BLOCK: usize = usize::MAX;
/// How much longer than one answer preparing may take.
const PREPARE_TIMEOUTS: u32 = 6;
/// For the users to notice that they are no longer waited for.
const ABANDON_WITHIN: Duration = Duration::from_secs(5);

/// For a server to give up what nobody waits for any more.
const SETTLE_WITHIN: Duration = Duration::from_secs(10);

/// A slice's recording and the counters around it.
pub(super) struct Ran {
    pub(super) taken: Taken,
    pub(super) planned: Option<u64>,
    start: Instant,
    /// Until the last answer.
    pub(super) length: Duration,
    /// After its place in the shards' timetable.
    late: Option<Duration>,
    server: Option<usage::Usage>,
    generator: usage::Usage,
    steal: Option<f64>,
    throttled: Option<Duration>,
    resent: Option<f64>,
}

/// Shares of a slice's time.
pub(super) struct Shares {
    /// The generator had work for its core, or waited for it.
    pub(super) generator_occupied: f64,
    /// The server's cores were busy with it; none for a server not started here.
    pub(super) server_busy: Option<f64>,
}

impl Conductor<'_> {
    /// Loads a variant for one slice and appends it to the run.
    pub(super) fn measure(
        &mut self,
        load: &Arc<Load>,
        number: usize,
        (block, seed): (usize, u64),
        variant: usize,
        progress: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), RunError> {
        let began = Instant::now();
        let due = self.slot(load, load.slice);
        self.aim = Aim::Block(block);
        let job = self.job(
            load,
            number,
            variant,
            load.slice,
            Some(load.min_samples),
            seed,
        )?;
        let ran = self.ride(&job, load.slice, variant, due, progress)?;
        self.settle(variant);
        self.pace.measured(number, variant, began.elapsed());
        let interrupted = interrupt::requested();
        // A slice that was cut short, or in which its server died, is not like the others: it is
        // not kept.
        self.check(variant)?;
        if !interrupted {
            self.keep(load, block, variant, ran, progress)?;
        }
        if interrupted {
            Err(RunError::Interrupted)
        } else {
            Ok(())
        }
    }

    /// Appends a slice to the run and its folder, and tells of it.
    pub(super) fn keep(
        &mut self,
        load: &Load,
        block: usize,
        variant: usize,
        ran: Ran,
        progress: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), RunError> {
        let slice = self.slice(load, block, variant, &ran);
        self.run.elapsed_s = self.started.elapsed().as_secs_f64();
        self.folder.append(self.run, slice, ran.taken.recorded)?;
        self.run.validity = crate::validity::judge(self.run);
        // The folder has given the slice its figures.
        if let Some(slice) = self.run.slices.last() {
            progress(Progress::Slice {
                slice,
                run: self.run,
                left: self.pace.left(),
            });
        }
        Ok(())
    }

    /// Loads a fresh server until its p50 is flat, or the cap is reached.
    pub(super) fn warm_up(
        &mut self,
        load: &Arc<Load>,
        number: usize,
        variant: usize,
        progress: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), RunError> {
        let length = load.warm_up / WARM_UP_SLICES;
        // The last warm-up slice may begin just before the cap.
        let mut due = self.slot(load, load.warm_up + length);
        let end = due.unwrap_or_else(Instant::now) + load.warm_up;
        let mut before = None;
        loop {
            let seed = slice_seed(self.order.seed, number, WARM_UP_BLOCK, variant);
            self.aim = Aim::WarmUp;
            let job = self.job(load, number, variant, length, None, seed)?;
            let ran = self.ride(&job, length, variant, due.take(), progress)?;
            if interrupt::requested() {
                return Err(RunError::Interrupted);
            }
            self.check(variant)?;
            let main_step = load.main_step().map(|step| &self.steps[step].name);
            let p50 = ran
                .taken
                .recorded
                .iter()
                .find(|recorded| recorded.metric == "service" && Some(&recorded.step) == main_step)
                .map(|recorded| recorded.histogram.value_at_quantile(0.5) as f64);
            let flat = match (before, p50) {
                (Some(before), Some(p50)) => f64::abs(p50 / before - 1.0) < FLAT,
                _ => false,
            };
            if flat || Instant::now() >= end {
                return Ok(());
            }
            before = p50;
        }
    }

    /// When the next slice begins, where a timetable says so; the slice then takes `length` in it.
    fn slot(&mut self, load: &Load, length: Duration) -> Option<Instant> {
        let timetable = self.timetable.as_mut()?;
        Some(timetable.slot(load, length))
    }

    /// Whether the variant's server still runs.
    pub(super) fn check(&mut self, variant: usize) -> Result<(), RunError> {
        match self.servers[variant].as_mut().map(Server::check) {
            Some(Err(cause)) => Err(self.server_error(variant, cause)),
            _ => Ok(()),
        }
    }

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
        let names = timed.iter().map(|step| self.steps[*step].name.clone());
        let mut positions = vec![0; self.steps.len()];
        for (position, step) in timed.iter().enumerate() {
            positions[*step] = position;
        }
        let live = self.live(variant);
        Ok(Arc::new(Job {
            number: self.jobs,
            server: server.number,
            stopped: self.stopped.clone(),
            endpoint: Arc::clone(&server.endpoint),
            load: Arc::clone(load),
            load_number: number,
            measured: samples.is_some(),
            steps: Arc::clone(&self.steps),
            recorder: Mutex::new(Recorder::new(names, live.clone())),
            live,
            interrupted: AtomicBool::new(false),
            over: AtomicBool::new(false),
            spare_ns: AtomicU64::new(0),
            span: OnceLock::new(),
            schedule: self.schedule(load, length, seed),
            share: self.order.share(),
            seed,
            // A step made once a journey needs one sample a slice, however slow its variant.
            least: timed
                .iter()
                .map(|step| least.min(load.repetitions(*step)))
                .collect(),
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

    /// Prepare, go (when it is due), drain.
    pub(super) fn ride(
        &mut self,
        job: &Arc<Job>,
        length: Duration,
        variant: usize,
        due: Option<Instant>,
        progress: &mut impl FnMut(Progress<'_>),
    ) -> Result<Ran, RunError> {
        let load = Arc::clone(&job.load);
        self.generator.tell(Phase::Prepare(Arc::clone(job)));
        let most_steps = PREPARE_TIMEOUTS.saturating_add(load.fill_steps_of_a_user());
        let deadline = Instant::now() + load.timeout * most_steps;
        if let Some(cause) = self.hear(job, load.users, deadline, progress)? {
            if interrupt::requested() {
                return Err(RunError::Interrupted);
            }
            self.check(variant)?;
            return Err(RunError::Prepare {
                variant: self.scenario.variants[variant].name.clone(),
                load: load.name.clone(),
                cause,
            });
        }
        let late = due.map(timetable::wait);
        let server_before = self.servers[variant].as_ref().and_then(Server::usage);
        let generator_before = usage::of_thread(self.generator.thread_id);
        let around_before = Surroundings::now();
        let start = Instant::now();
        // Set before anyone goes; a job is set once.
        let _ = job.span.set((start, start + length));
        self.generator.tell(Phase::Go(Arc::clone(job)));
        let deadline = start + length + load.timeout;
        self.hear(job, load.users, deadline, progress)?;
        let mut planned = None;
        if let Some(schedule) = &job.schedule
            && let Ok(mut schedule) = schedule.try_lock()
        {
            job.recorder().dropped(schedule.by_ref().count() as u64);
            planned = Some(schedule.planned());
        }
        let taken = job.recorder().take();
        let around = Surroundings::now();
        let mut generator = usage::of_thread(self.generator.thread_id).since(generator_before);
        let spare = Duration::from_nanos(job.spare_ns.load(Ordering::Relaxed));
        generator.cpu = generator.cpu.saturating_sub(spare);
        let server = self.servers[variant].as_ref().and_then(Server::usage);
        let answered = taken
            .last_byte
            .unwrap_or_else(Instant::now)
            .saturating_duration_since(start);
        // Nothing is planned after the last arrival of a schedule, and that belongs to its rate.
        let length = match &job.schedule {
            Some(_) => answered.max(length),
            None => answered,
        };
        Ok(Ran {
            taken,
            planned,
            start,
            late,
            length,
            server: server
                .zip(server_before)
                .map(|(after, before)| after.since(before)),
            generator,
            steal: around.steal_since(around_before),
            throttled: around.throttled_since(around_before),
            resent: around.resent_since(around_before),
        })
    }

    /// Waits for a report of each user until the deadline, then abandons those that are still
    /// waiting for an answer. Returns the first reason for which a user could not prepare.
    fn hear(
        &mut self,
        job: &Job,
        users: usize,
        deadline: Instant,
        progress: &mut impl FnMut(Progress<'_>),
    ) -> Result<Option<String>, RunError> {
        let mut reason = None;
        let mut heard = 0;
        let mut end = deadline;
        let mut abandoned = false;
        while heard < users {
            self.show(job, progress);
            if interrupt::requested() && !abandoned {
                job.interrupted.store(true, Ordering::Relaxed);
                end = end.min(Instant::now() + LOOK_EVERY);
            }
            match self.generator.reports.recv_timeout(LOOK_EVERY) {
                Ok(Report::Finished | Report::Prepared(Ok(()))) => heard += 1,
                Ok(Report::Prepared(Err(cause))) => {
                    heard += 1;
                    reason.get_or_insert(cause);
                }
                Err(RecvTimeoutError::Timeout) if Instant::now() < end => {}
                Err(RecvTimeoutError::Timeout) if !abandoned => {
                    abandoned = true;
                    end = Instant::now() + ABANDON_WITHIN;
                    self.generator.tell(Phase::Abandon(job.number));
                    self.abandoned = true;
                }
                Err(_) => {
                    self.generator.end()?;
                    return Err(GeneratorError::Died.into());
                }
            }
        }
        Ok(reason)
    }

    /// After an abandoned slice its server may still be at work, on the core that the next variant
    /// is measured on: waits until its CPU clock hardly moves.
    pub(super) fn settle(&mut self, variant: usize) {
        if !std::mem::take(&mut self.abandoned) {
            return;
        }
        let end = Instant::now() + SETTLE_WITHIN;
        while let Some(server) = &self.servers[variant]
            && let Some(before) = server.usage()
            && Instant::now() < end
            && !interrupt::requested()
        {
            std::thread::sleep(LOOK_EVERY);
            let used = server.usage().unwrap_or(before).since(before).cpu;
            if used < LOOK_EVERY / 20 {
                return;
            }
        }
    }

    /// Shares of a slice's time.
    pub(super) fn shares(&self, ran: &Ran) -> Shares {
        let length = ran.length.as_secs_f64().max(f64::MIN_POSITIVE);
        let cores = self.order.cores.server.len().max(1) as f64;
        let occupied = ran.generator.cpu + ran.generator.waited;
        Shares {
            generator_occupied: occupied.as_secs_f64() / length,
            server_busy: ran
                .server
                .map(|used| used.cpu.as_secs_f64() / length / cores),
        }
    }

    fn slice(&self, load: &Load, block: usize, variant: usize, ran: &Ran) -> Slice {
        let cores = self.order.cores.server.len().max(1) as f64;
        let length = ran.length.as_secs_f64().max(f64::MIN_POSITIVE);
        let share = |time: Duration| time.as_secs_f64() / length;
        Slice {
            load: load.name.clone(),
            variant: self.scenario.variants[variant].name.clone(),
            block,
            start_ns: nanos(ran.start.saturating_duration_since(self.started)),
            length_ns: nanos(ran.length),
            figures: Vec::new(),
            planned: ran.planned,
            ok: ran.taken.ok,
            probed: ran.taken.probed,
            stale: ran.taken.stale,
            failed: ran
                .taken
                .failed
                .clone()
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
            cpu_ns: ran.server.map(|used| nanos(used.cpu)),
            busy: ran.server.map(|used| share(used.cpu) / cores),
            generator_busy: Some(share(ran.generator.cpu)),
            generator_waited: Some(share(ran.generator.waited)),
            server_waited: ran.server.map(|used| share(used.waited)),
            steal: ran.steal,
            throttled: ran.throttled.map(share),
            resent: ran.resent,
            late_ns: ran.late.map(nanos),
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
