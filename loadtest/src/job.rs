//! What the conductor tells the users to do, a slice as they see it, and what they report.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::arrivals::Schedule;
use crate::connection::Endpoint;
use crate::live::Live;
use crate::recorder::Recorder;
use crate::scenario::{Load, Step};
use crate::shard::Share;

/// What the users are to do.
#[derive(Clone)]
pub(crate) enum Phase {
    /// Nothing.
    Idle,
    /// Connect, and run the load's `prepare` steps if this server has not seen them.
    Prepare(Arc<Job>),
    /// Load the server until the job is over.
    Go(Arc<Job>),
    /// Stop waiting for answers to the job of this number.
    Abandon(u64),
    /// The run is over.
    End,
}

/// One slice as the users see it.
pub(crate) struct Job {
    /// Counts up through the run.
    pub(crate) number: u64,
    /// Which started server: counts up with each start.
    pub(crate) server: u64,
    /// Servers that have stopped since: their connections may be dropped.
    pub(crate) stopped: Vec<u64>,
    /// How the server is connected to, and then those beside it.
    pub(crate) endpoints: Vec<Arc<Endpoint>>,
    /// For each step of the scenario which of them it is sent to.
    pub(crate) places: Vec<usize>,
    /// The variant's name.
    pub(crate) variant: String,
    pub(crate) load: Arc<Load>,
    /// The load's place in the scenario.
    pub(crate) load_number: usize,
    /// Whether what is measured counts; else the server is warming up.
    pub(crate) measured: bool,
    pub(crate) steps: Arc<Vec<Step>>,
    /// Whether it is kept which members are drawn.
    pub(crate) keeps_draws: bool,
    pub(crate) recorder: Mutex<Recorder>,
    /// What it counts for who watches; none when nobody does.
    pub(crate) live: Option<Arc<Live>>,
    /// Ends the slice early, set by the conductor.
    pub(crate) interrupted: AtomicBool,
    /// When it was ended early.
    pub(crate) cut: OnceLock<Instant>,
    /// Requests that may still be sent; none where only time ends the slice.
    pub(crate) requests: Option<AtomicU64>,
    /// Nanoseconds of CPU time that pacing passed by yielding: the generator could have worked.
    pub(crate) spare_ns: AtomicU64,
    /// The slice's length has passed and its samples suffice.
    pub(crate) over: AtomicBool,
    /// When the slice began and when it may end.
    pub(crate) span: OnceLock<(Instant, Instant)>,
    /// Open arrivals: whoever is free and holds it waits for the next one.
    pub(crate) schedule: Option<tokio::sync::Mutex<Schedule>>,
    /// Which of the load's users are ours.
    pub(crate) share: Share,
    /// Seed of the users' own randomness.
    pub(crate) seed: u64,
    /// Least samples of each timed step, in their order.
    pub(crate) least: Vec<u64>,
    /// For each step of the scenario its position among the timed ones.
    pub(crate) positions: Vec<usize>,
}

impl Job {
    /// The slice's recorder; generator users share one thread, so that nobody waits for it.
    pub(crate) fn recorder(&self) -> MutexGuard<'_, Recorder> {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to the time that pacing had to spare.
    pub(crate) fn spare(&self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.spare_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// The step's position among the timed ones.
    pub(crate) fn position(&self, step: usize) -> usize {
        self.positions[step]
    }

    /// Ends the slice before its length, as an interrupt does.
    pub(crate) fn interrupt(&self) {
        self.cut.get_or_init(Instant::now);
        self.interrupted.store(true, Ordering::Relaxed);
    }

    /// Takes one of the requests that the slice consists of; false when there is none left.
    pub(crate) fn takes_request(&self) -> bool {
        let Some(left) = &self.requests else {
            return true;
        };
        let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        });
        if taken.is_err() {
            self.over.store(true, Ordering::Relaxed);
        }
        taken.is_ok()
    }

    /// Whether the slice has sent all the requests that it consists of.
    pub(crate) fn is_spent(&self) -> bool {
        let left = self.requests.as_ref();
        left.is_some_and(|left| left.load(Ordering::Relaxed) == 0)
    }

    /// Whether no further request may be sent at `now`.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        if self.over.load(Ordering::Relaxed) || self.interrupted.load(Ordering::Relaxed) {
            return true;
        }
        if self.schedule.is_some() {
            // An open slice is over with its schedule.
            return false;
        }
        let over = self.span.get().is_some_and(|(_, until)| now >= *until)
            && self.recorder().has(&self.least);
        if over {
            self.over.store(true, Ordering::Relaxed);
        }
        over
    }
}

/// What a user reports.
pub(crate) enum Report {
    /// Its connection is open and its `prepare` steps are done, or why not.
    Prepared(Result<(), String>),
    /// Its last request of the slice was answered.
    Finished,
}
