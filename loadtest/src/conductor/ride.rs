//! One slice as it runs: prepare, go, drain, read the counters.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use super::{Conductor, LOOK_EVERY, RunError, timetable};
use crate::generator::GeneratorError;
use crate::job::{Job, Phase, Report};
use crate::progress::Progress;
use crate::recorder::{NO_ANSWER, Taken};
use crate::server::{Server, Spent};
use crate::usage::Surroundings;
use crate::{interrupt, pacing, usage};

/// How much longer than one answer preparing may take, at least.
const PREPARE_TIMEOUTS: u32 = 6;
/// How long before a slice with planned arrivals begins its users are told of it.
const AHEAD: Duration = pacing::MOST_MARGIN;
/// How long after a user failed to prepare the end of its server is looked for: a server that is killed refuses
/// connections a moment before its command has ended.
const END_SEEN_WITHIN: Duration = Duration::from_millis(500);
/// For the users to notice that they are no longer waited for.
const ABANDON_WITHIN: Duration = Duration::from_secs(5);
/// For a server to give up what nobody waits for any more.
const SETTLE_WITHIN: Duration = Duration::from_secs(10);

/// A slice's recording and the counters around it.
pub(super) struct Ran {
    pub(super) taken: Taken,
    pub(super) planned: Option<u64>,
    pub(super) start: Instant,
    /// The time over which its arrivals were planned, or its closed users were to go on: until it was
    /// ended, where that was earlier.
    pub(super) slice: Duration,
    /// Until the last answer.
    pub(super) length: Duration,
    /// The time in which its answers came.
    pub(super) answering: Duration,
    /// After its place in the shards' timetable.
    pub(super) late: Option<Duration>,
    pub(super) server: Option<Spent>,
    pub(super) generator: usage::Usage,
    /// Share of the server's cores' time that was not idle.
    pub(super) occupied: Option<f64>,
    pub(super) steal: Option<f64>,
    pub(super) throttled: Option<Duration>,
    pub(super) resent: Option<f64>,
    pub(super) peak_bytes: Option<u64>,
    /// How long this tool was stopped meanwhile.
    pub(super) paused: Option<Duration>,
    /// Steps with fewer samples than the slice waits for, and how often each was not reached.
    pub(super) unreached: BTreeMap<String, u64>,
}

/// How long after its start a slice ended that was to last `slice`: earlier where it was interrupted.
fn ended_after(job: &Job, start: Instant, slice: Duration) -> Duration {
    let cut = job.cut.get();
    let cut = cut.map(|at| at.saturating_duration_since(start));
    cut.map_or(slice, |cut| cut.min(slice))
}

impl Conductor<'_> {
    /// Lets each user do the load's `prepare` steps.
    fn prepare(
        &mut self,
        job: &Arc<Job>,
        variant: usize,
        progress: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), RunError> {
        let load = &job.load;
        self.generator.tell(Phase::Prepare(Arc::clone(job)));
        let steps = u32::try_from(load.prepare.len()).unwrap_or(u32::MAX);
        let most_steps = PREPARE_TIMEOUTS
            .max(steps.saturating_add(1))
            .saturating_add(load.fill_steps_of_a_user());
        let deadline = Instant::now() + load.timeout.saturating_mul(most_steps);
        if let Some(cause) = self.hear(job, load.users, (deadline, Duration::ZERO), progress)? {
            if interrupt::requested() {
                return Err(RunError::Interrupted);
            }
            self.check_for(variant, END_SEEN_WITHIN)?;
            if self.order.duel.is_some() && cause.ends_with(NO_ANSWER) {
                return Err(self.silence(load, variant, 0));
            }
            return Err(RunError::Prepare {
                variant: self.scenario.variants[variant].name.clone(),
                load: load.name.clone(),
                cause,
            });
        }
        Ok(())
    }

    /// Prepare, go (when it is due), drain.
    pub(super) fn ride(
        &mut self,
        job: &Arc<Job>,
        slice: Duration,
        variant: usize,
        due: Option<Instant>,
        progress: &mut impl FnMut(Progress<'_>),
    ) -> Result<Ran, RunError> {
        let load = Arc::clone(&job.load);
        self.prepare(job, variant, progress)?;
        let late = due.map(timetable::wait);
        if let Some(server) = &self.servers[variant] {
            server.forget_peak();
        }
        let server_before = self.servers[variant].as_ref().and_then(Server::spent);
        let generator_before = usage::of_thread(self.generator.thread_id);
        let around_before = Surroundings::now(&self.order.cores.server);
        // The first arrivals of a schedule are waited for like the others, by users that are there.
        let ahead = match &job.schedule {
            Some(_) => AHEAD,
            None => Duration::ZERO,
        };
        let start = Instant::now() + ahead;
        // Set before anyone goes; a job is set once.
        let _ = job.span.set((start, start + slice));
        job.recorder().begin(start);
        self.begin_intervals(start);
        self.generator.tell(Phase::Go(Arc::clone(job)));
        // So long the slice waits for its samples. A request that was sent by then may take its timeout; shards' slices
        // end together.
        let deadline = start + slice + load.timeout;
        let grace = match self.timetable {
            Some(_) => Duration::ZERO,
            None => load.timeout,
        };
        self.hear(job, load.users, (deadline, grace), progress)?;
        let paused = self.pauses.within(start, Instant::now());
        let ended = ended_after(job, start, slice);
        let mut planned = None;
        if let Some(schedule) = &job.schedule
            && let Ok(mut schedule) = schedule.try_lock()
        {
            planned = Some(if job.cut.get().is_some() {
                // What was not sent by then was not given the time.
                schedule.planned_until(ended)
            } else {
                job.recorder().dropped(schedule.by_ref().count() as u64);
                schedule.planned()
            });
        }
        let unreached = job.recorder().out_of_reach(&job.least);
        self.collect_intervals(job);
        let mut taken = job.recorder().take();
        self.keep_intervals(job, std::mem::take(&mut taken.intervals));
        // A server that is silent altogether is not waited for: the run is about to end.
        self.abandoned = (self.abandoned || taken.has_stalled) && !taken.is_silent;
        let around = Surroundings::now(&self.order.cores.server);
        let mut generator = usage::of_thread(self.generator.thread_id).since(generator_before);
        let spare = Duration::from_nanos(job.spare_ns.load(Ordering::Relaxed));
        generator.cpu = generator.cpu.saturating_sub(spare);
        let server = self.servers[variant].as_ref().and_then(Server::spent);
        let answered = taken
            .last_byte
            .unwrap_or_else(Instant::now)
            .saturating_duration_since(start);
        // Of a slice whose requests were all sent, the last answer is the end.
        let slice = if job.is_spent() {
            ended.min(answered)
        } else {
            ended
        };
        // Nothing is planned after the last arrival of a schedule, and that belongs to its rate.
        let length = match &job.schedule {
            Some(_) => answered.max(slice),
            None => answered,
        };
        let open = job.schedule.is_some();
        let answering = taken.answers.within(start, slice, open, taken.ok);
        // The counters have been read: what is worked out now is nobody's load.
        self.bound_logs();
        if let Some(capacity) = self.scenario.variants[variant].holds {
            self.histories[variant].add(job, &mut taken, capacity);
        }
        Ok(Ran {
            taken,
            planned,
            start,
            late,
            slice,
            length,
            answering,
            server: server
                .zip(server_before)
                .map(|(after, before)| after.since(&before)),
            generator,
            occupied: around.occupied_since(around_before),
            steal: around.steal_since(around_before),
            throttled: around.throttled_since(around_before),
            resent: around.resent_since(around_before),
            peak_bytes: self.servers[variant].as_ref().and_then(Server::peak_bytes),
            paused,
            unreached,
        })
    }

    /// Servers write into their logs themselves; what is too much is taken out here, between two looks at the clock.
    fn bound_logs(&mut self) {
        self.servers
            .iter_mut()
            .flatten()
            .for_each(Server::bound_logs);
    }

    /// Waits for a report of each user until the deadline, lets those that are still waiting for an answer wait for
    /// the grace, and then abandons them. Returns the first reason for which a user could not prepare.
    fn hear(
        &mut self,
        job: &Job,
        users: usize,
        (deadline, mut grace): (Instant, Duration),
        progress: &mut impl FnMut(Progress<'_>),
    ) -> Result<Option<String>, RunError> {
        let mut reason = None;
        let mut heard = 0;
        let mut end = deadline;
        let mut abandoned = false;
        while heard < users {
            self.show(job, progress);
            self.collect_intervals(job);
            self.write_so_far(job);
            if interrupt::requested() && !abandoned {
                job.interrupt();
                end = end.min(Instant::now() + LOOK_EVERY);
                grace = Duration::ZERO;
            }
            match self.generator.reports.recv_timeout(LOOK_EVERY) {
                Ok(Report::Finished | Report::Prepared(Ok(()))) => heard += 1,
                Ok(Report::Prepared(Err(cause))) => {
                    heard += 1;
                    reason.get_or_insert(cause);
                }
                Err(RecvTimeoutError::Timeout) if Instant::now() < end => self.bound_logs(),
                Err(RecvTimeoutError::Timeout) if !grace.is_zero() => {
                    job.over.store(true, Ordering::Relaxed);
                    end = Instant::now() + grace + LOOK_EVERY;
                    grace = Duration::ZERO;
                }
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
            && let Some(before) = server.spent()
            && Instant::now() < end
            && !interrupt::requested()
        {
            std::thread::sleep(LOOK_EVERY);
            let used = server.spent().map(|after| after.since(&before).all.cpu);
            if used.unwrap_or_default() < LOOK_EVERY / 20 {
                return;
            }
        }
    }
}
