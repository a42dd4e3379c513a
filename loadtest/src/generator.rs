//! The load generator: one goose attack a run, on a thread and a core of its own.
//!
//! Goose launches and ends the users; each runs one transaction that lives through the whole run
//! (goose looks for its end only between transactions). Slices reach the users through a `watch`,
//! not a barrier, which one panicking user would hang. Goose's own figures are off: it times in
//! milliseconds and caps rather than paces.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use goose::GooseAttack;
use goose::config::GooseConfiguration;
use goose::goose::{Scenario as GooseScenario, Transaction};
use nix::unistd::{Pid, gettid};
use tokio::sync::watch;

use crate::cores;
use crate::job::{Phase, Report};
use crate::user::{self, Pools};

const LOOK_FOR_END_EVERY: Duration = Duration::from_millis(5);

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
