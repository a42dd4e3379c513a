//! Ctrl-C: the first ends the run with what was measured, the second ends everything at once.
//!
//! Installed before goose installs its own handler, whose second Ctrl-C exits past any clean-up;
//! goose then finds the place taken and leaves it.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use crate::supervisor;

static RECEIVED: AtomicUsize = AtomicUsize::new(0);
static BEFORE_WORDS: OnceLock<fn()> = OnceLock::new();
static SUPERVISORS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// What this tool started is killed, and waited for no longer.
const KILLED_WITHIN: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Exit code after a second Ctrl-C: the run is partial (ARCHITECTURE.md, exit codes).
const EXIT_INVALID: i32 = 3;

/// Takes SIGINT, SIGTERM and SIGHUP. Once is enough; a second call changes nothing.
///
/// # Errors
/// The system refuses the handler.
pub fn install() -> Result<(), io::Error> {
    match ctrlc::set_handler(on_signal) {
        Ok(()) | Err(ctrlc::Error::MultipleHandlers) => Ok(()),
        Err(ctrlc::Error::System(error)) => Err(error),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// Keeps `nohup`'s promise: a process that was started with SIGHUP ignored does not end with its terminal. Handlers that
/// are installed later would replace that, so the signal is blocked instead, in this thread and in all that it starts;
/// processes that it starts are not affected. To be called before any other thread exists.
///
/// # Errors
/// The system refuses to block the signal.
pub fn honour_nohup() -> Result<(), io::Error> {
    if !hangup_is_ignored() {
        return Ok(());
    }
    SigSet::from(Signal::SIGHUP)
        .thread_block()
        .map_err(io::Error::from)
}

/// As Linux tells it (proc(5)); elsewhere a hangup counts as not ignored. `sigaction(2)` would tell it everywhere, but
/// has no safe interface.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & (1 << (Signal::SIGHUP as u32 - 1)) != 0)
}

/// Lets whoever draws on the terminal give it back before an interrupt says anything there. The
/// first to ask is heard.
pub fn before_its_words(give_back: fn()) {
    let _ = BEFORE_WORDS.set(give_back);
}

/// Whether the run was asked to end.
#[must_use]
pub fn requested() -> bool {
    RECEIVED.load(Ordering::Relaxed) > 0
}

fn on_signal() {
    if RECEIVED.fetch_add(1, Ordering::Relaxed) == 0 {
        goose::trigger_killswitch("interrupted");
        say("\ninterrupted: ending the slice; once more ends at once");
        return;
    }
    kill_all();
    say(
        "interrupted twice: everything stopped; a run's folder holds what was written, marked partial",
    );
    std::process::exit(EXIT_INVALID);
}

/// Ends all that was started, and waits until it has ended.
fn kill_all() {
    let all: Vec<Pid> = supervisors().iter().copied().map(Pid::from_raw).collect();
    for supervisor in &all {
        let _ = kill(*supervisor, supervisor::KILL);
    }
    // Another thread waits for them: here it is only seen that they have ended.
    let seen = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
    let lives = |pid: &Pid| matches!(waitid(Id::Pid(*pid), seen), Ok(WaitStatus::StillAlive));
    let end = Instant::now() + KILLED_WITHIN;
    while all.iter().any(lives) && Instant::now() < end {
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Nobody may be left to read it.
fn say(line: &str) {
    if let Some(give_back) = BEFORE_WORDS.get() {
        give_back();
    }
    let _ = writeln!(io::stderr(), "{line}");
}

/// Remembers a supervisor whose processes must not outlive us.
pub(crate) fn started(supervisor: Pid) {
    supervisors().insert(supervisor.as_raw());
}

/// Forgets a supervisor that has ended.
pub(crate) fn ended(supervisor: Pid) {
    supervisors().remove(&supervisor.as_raw());
}

fn supervisors() -> MutexGuard<'static, BTreeSet<i32>> {
    SUPERVISORS.lock().unwrap_or_else(PoisonError::into_inner)
}
