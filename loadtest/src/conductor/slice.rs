//! Slices: measured and kept, or made to warm a server up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use authlab_reports::run::Slice;

use super::ride::Ran;
use super::{Conductor, LOOK_EVERY, RunError};
use crate::interrupt;
use crate::job::Job;
use crate::live::Aim;
use crate::plan::slice_seed;
use crate::progress::Progress;
use crate::recorder::placed;
use crate::scenario::Load;
use crate::server::Server;

/// Warm-up is over when p50 of so many slices in a row is not lower than the least before them by more than this. A server that
/// warms up gets faster, and noise makes it slower at times: that two medians are alike would rarely come true on a noisy machine.
const FLAT: f64 = 0.03;
const FLAT_SLICES: usize = 2;
/// Its place among the blocks, for its seed.
const WARM_UP_BLOCK: usize = usize::MAX;

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
        let due = self.timetable.as_mut().map(|table| table.slice(load));
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
        // A slice in which its server died is not like the others: it is not kept.
        self.check(variant)?;
        if interrupted {
            if self.is_of_use(&job, variant, &ran) {
                self.keep(load, block, variant, ran, progress)?;
            }
            return Err(RunError::Interrupted);
        }
        let heard = self.listen(load, variant, &ran);
        // It is kept all the same: what failed in it is why the run ends.
        self.keep(load, block, variant, ran, progress)?;
        heard
    }

    /// Whether a slice is kept that was interrupted. Where slices are compared, a short one says less than
    /// the others do: there it is kept only if it is the first of its variant. A duel is judged by
    /// whole blocks.
    fn is_of_use(&self, job: &Job, variant: usize, ran: &Ran) -> bool {
        if job.cut.get().is_none() {
            return true;
        }
        let name = &self.scenario.variants[variant].name;
        let is_first = self.run.slices_of(&job.load.name, name).next().is_none();
        self.order.duel.is_none() && is_first && ran.taken.ok > 0
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
        // A duel has many slices, and its blocks are judged among themselves as it goes.
        if self.order.duel.is_none() {
            self.run.validity = crate::validity::judge(self.run);
        }
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

    /// Loads a fresh server until its p50 falls no more, or the cap is reached.
    pub(super) fn warm_up(
        &mut self,
        load: &Arc<Load>,
        number: usize,
        variant: usize,
        progress: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), RunError> {
        if load.warm_up.is_zero() {
            return Ok(());
        }
        let length = load.warm_up_slice();
        let mut due = self.timetable.as_mut().map(|table| table.warm_up(load));
        let end = due.unwrap_or_else(Instant::now) + load.warm_up;
        let (mut least, mut flat) = (f64::INFINITY, 0);
        loop {
            let seed = slice_seed(self.order.seed, number, WARM_UP_BLOCK, variant);
            self.aim = Aim::WarmUp;
            let job = self.job(load, number, variant, length, None, seed)?;
            let ran = self.ride(&job, length, variant, due.take(), progress)?;
            if interrupt::requested() {
                return Err(RunError::Interrupted);
            }
            self.check(variant)?;
            self.listen(load, variant, &ran)?;
            let main_step = load.main_step().map(|step| &self.scenario.steps[step].name);
            let p50 = ran
                .taken
                .recorded
                .iter()
                .find(|recorded| recorded.metric == "service" && Some(&recorded.step) == main_step)
                .map(|recorded| recorded.histogram.value_at_quantile(0.5) as f64);
            flat = match p50 {
                Some(p50) if p50 > least * (1.0 - FLAT) => flat + 1,
                _ => 0,
            };
            least = p50.map_or(least, |p50| p50.min(least));
            if flat >= FLAT_SLICES || Instant::now() >= end {
                return Ok(());
            }
        }
    }

    /// Whether the variant's server still runs after a while.
    pub(super) fn check_for(&mut self, variant: usize, time: Duration) -> Result<(), RunError> {
        let end = Instant::now() + time;
        while Instant::now() < end && !interrupt::requested() {
            self.check(variant)?;
            std::thread::sleep(LOOK_EVERY);
        }
        self.check(variant)
    }

    /// Whether the variant's server still runs.
    pub(super) fn check(&mut self, variant: usize) -> Result<(), RunError> {
        match self.servers[variant].as_mut().map(Server::check) {
            Some(Err(cause)) => Err(self.server_error(variant, cause)),
            _ => Ok(()),
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
                .as_ref()
                .map(|used| used.all.cpu.as_secs_f64() / length / cores),
        }
    }

    pub(super) fn slice(&self, load: &Load, block: usize, variant: usize, ran: &Ran) -> Slice {
        let cores = self.order.cores.server.len().max(1) as f64;
        let length = ran.length.as_secs_f64().max(f64::MIN_POSITIVE);
        let share = |time: Duration| time.as_secs_f64() / length;
        let start_ns = nanos(ran.start.saturating_duration_since(self.started));
        let all = ran.server.as_ref().map(|spent| spent.all);
        let besides = ran.server.iter().flat_map(|spent| &spent.besides);
        Slice {
            load: load.name.clone(),
            variant: self.scenario.variants[variant].name.clone(),
            block,
            start_ns,
            length_ns: nanos(ran.length),
            answered_ns: Some(nanos(ran.answering)),
            planned_ns: load.arrivals.are_open().then(|| nanos(ran.slice)),
            figures: Vec::new(),
            planned: ran.planned,
            ok: ran.taken.ok,
            probed: ran.taken.probed,
            stale: ran.taken.stale,
            attacks: ran.taken.attacks.clone(),
            cache: ran.taken.cache,
            failed: ran
                .taken
                .failed
                .clone()
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
            statuses: ran.taken.statuses.clone(),
            bytes: Some(ran.taken.bytes),
            retried: ran.taken.retried,
            cpu_ns: all.map(|used| nanos(used.cpu)),
            beside_cpu_ns: besides
                .map(|(name, used)| (name.clone(), nanos(used.cpu)))
                .collect(),
            busy: all.map(|used| share(used.cpu) / cores),
            generator_busy: Some(share(ran.generator.cpu)),
            peak_bytes: ran.peak_bytes,
            generator_waited: Some(share(ran.generator.waited)),
            server_waited: all.map(|used| share(used.waited)),
            others_busy: all
                .zip(ran.occupied)
                .map(|(used, occupied)| (occupied - share(used.cpu) / cores).max(0.0)),
            steal: ran.steal,
            throttled: ran.throttled.map(share),
            resent: ran.resent,
            late_ns: ran.late.map(nanos),
            paused_ns: ran.paused.map(nanos),
            user_time: ran.taken.user_time,
            unreached: ran.unreached.clone(),
            intervals: if load.continuous {
                placed(self.intervals.clone(), start_ns, nanos(ran.length))
            } else {
                Vec::new()
            },
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
