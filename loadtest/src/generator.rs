//! The load generator: one goose attack a run, on a thread and a core of its own.
//!
//! Goose launches and ends the users; each runs one transaction that lives through the whole run
//! (goose looks for its end only between transactions). Slices reach the users through a `watch`,
//! not a barrier, which one panicking user would hang. Goose's own figures are off: it times in
//! milliseconds and caps rather than paces.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use goose::GooseAttack;
use goose::config::GooseConfiguration;
use goose::goose::{Scenario as GooseScenario, Transaction};
use nix::unistd::{Pid, gettid};
use tokio::sync::watch;

use crate::arrivals::Schedule;
use crate::connection::Endpoint;
use crate::cores;
use crate::live::Live;
use crate::recorder::Recorder;
use crate::scenario::{Load, Step};
use crate::shard::Share;
use crate::user::{self, Pools};

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

const LOOK_FOR_END_EVERY: Duration = Duration::from_millis(5);

/// What a user reports.
pub(crate) enum Report {
    /// Its connection is open and its `prepare` steps are done, or why not.
    Prepared(Result<(), String>),
    /// Its last request of the slice was answered.
    Finished,
}

/// A running generator.
pub(crate) struct Generator {
    phases: watch::Sender<Phase>,
    pub(crate) reports: mpsc::Receiver<Report>,
    thread: Option<JoinHandle<Result<(), GeneratorError>>>,
    /// The generator thread, for its run-queue delay.
    pub(crate) thread_id: Pid,
}

/// The generator cannot run.
#[derive(Debug, thiserror::Error)]
pub enum GeneratorError {
    /// Its thread or runtime could not be started.
    #[error("the load generator could not start: {0}")]
    Start(#[from] std::io::Error),
    /// Goose refused.
    #[error("goose could not run: {0}")]
    Goose(#[from] Box<goose::GooseError>),
    /// Its thread panicked.
    #[error("the load generator stopped unexpectedly")]
    Died,
}

impl Generator {
    /// Starts `users` users on a thread pinned to `cores`.
    pub(crate) fn start(users: usize, cores: &[usize]) -> Result<Self, GeneratorError> {
        let (phases, watched) = watch::channel(Phase::Idle);
        let (report, reports) = mpsc::channel();
        let (started, thread_id) = mpsc::channel();
        let cores = cores.to_vec();
        let thread = std::thread::Builder::new()
            .name("generator".to_owned())
            .spawn(move || {
                cores::pin_this_thread(&cores);
                run(users, watched, report, started)
            })?;
        // Not before a user lives: goose clears its kill switch at its start, and with it an end
        // that came too early.
        let Ok(thread_id) = thread_id.recv() else {
            return Err(match thread.join() {
                Ok(Err(error)) => error,
                _ => GeneratorError::Died,
            });
        };
        Ok(Self {
            phases,
            reports,
            thread: Some(thread),
            thread_id,
        })
    }

    /// Tells every user what to do.
    pub(crate) fn tell(&self, phase: Phase) {
        self.phases.send_replace(phase);
    }

    /// Ends all users and waits for the thread.
    pub(crate) fn end(&mut self) -> Result<(), GeneratorError> {
        self.tell(Phase::End);
        goose::trigger_killswitch("the run is over");
        match self.thread.take() {
            None => Ok(()),
            Some(thread) => thread.join().unwrap_or(Err(GeneratorError::Died)),
        }
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

fn run(
    users: usize,
    phases: watch::Receiver<Phase>,
    reports: mpsc::Sender<Report>,
    started: mpsc::Sender<Pid>,
) -> Result<(), GeneratorError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let attack = attack(users, phases, reports, started).map_err(Box::new)?;
    runtime.block_on(attack.execute()).map_err(Box::new)?;
    Ok(())
}

/// A logger that prints nothing.
struct Silence;

static SILENCE: Silence = Silence;

impl log::Log for Silence {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        false
    }

    fn log(&self, _: &log::Record<'_>) {}

    fn flush(&self) {}
}

/// The attack: arguments of our own (`initialize()` would parse ours), no listener, no printing.
fn attack(
    users: usize,
    phases: watch::Receiver<Phase>,
    reports: mpsc::Sender<Report>,
    started: mpsc::Sender<Pid>,
) -> Result<GooseAttack, goose::GooseError> {
    // Goose would install one that prints every line of every library on the terminal, such as rustls' of a handshake
    // that failed: what fails is told by the run. Where a logger is there already, goose installs none either.
    let _ = log::set_logger(&SILENCE);
    let shown_users = users.to_string();
    let configuration = GooseConfiguration::parse_args_default(&[
        // Goose wants a host; the users know their servers themselves.
        "--host",
        "http://127.0.0.1",
        "--users",
        &shown_users,
        "--increase-rate",
        "1000000",
        "--no-metrics",
        "--no-print-metrics",
        "--no-telnet",
        "--quiet",
    ])?;
    let next = AtomicUsize::new(0);
    let channels = Mutex::new((reports, started));
    let pools = Arc::new(Pools::default());
    let life = Transaction::new(Arc::new(move |_| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let phases = phases.clone();
        let pools = Arc::clone(&pools);
        let (reports, started) = channels
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Box::pin(async move {
            if number < users {
                // Nobody listens after the first.
                let _ = started.send(gettid());
                user::live(number, phases, reports, pools).await;
            } else {
                // Goose repeats the transaction until its kill switch has reached this user.
                tokio::time::sleep(LOOK_FOR_END_EVERY).await;
            }
            Ok(())
        })
    }));
    let builder = goose::client::GooseClientBuilder::new().without_cookies();
    GooseAttack::initialize_with_config(configuration)?
        .set_client_builder_without_cookies(builder)
        .map(|attack| {
            attack.register_scenario(GooseScenario::new("run").register_transaction(life))
        })
}
