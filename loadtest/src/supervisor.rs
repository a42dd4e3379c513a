//! The process between this tool and each program that it starts: it ends with the program, and no process
//! that descends from the program outlives it.
//!
//! It is a child subreaper (`prctl(2)`): a descendant whose own parent has ended becomes its child, whatever session
//! or process group that descendant has moved to. While it has no child left, no descendant is left either. It ends
//! the descendants when it is asked to, when the program has ended, and when the tool has ended, by whatever signal.
//! Until then it sleeps in `poll(2)`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal, kill, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, getppid};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process as sys;

/// Asks the descendants to end. They may take as long as the tool lives.
pub(crate) const ASK: Signal = Signal::SIGTERM;
/// Ends the descendants at once.
pub(crate) const KILL: Signal = Signal::SIGQUIT;

/// What this process takes from a queue instead of handlers: a hangup is none of its business.
const WATCHED: [Signal; 5] = [ASK, Signal::SIGINT, KILL, Signal::SIGHUP, Signal::SIGCHLD];

/// Descendants that are left when the program or the tool has ended may take so long before they are killed.
pub(crate) const LEFT_BEHIND: Duration = Duration::from_millis(500);
/// A process may not die when it is killed: it waits for a device, or belongs to another user.
const KILLED_WITHIN: Duration = Duration::from_secs(10);
/// Pause between two rounds of killing.
const KILL_EVERY: Duration = Duration::from_millis(5);
/// A process may fork while the others are stopped: further rounds stop its children.
const STOP_ROUNDS: usize = 20;

/// Why a program is not supervised.
#[derive(Debug, thiserror::Error)]
pub enum SupervisorError {
    /// The tool ended before the program was started.
    #[error("the process that asked for this program has ended")]
    Orphaned,
    /// The system refused what supervision needs.
    #[error("cannot supervise a program: {0}")]
    System(#[from] io::Error),
}

impl From<nix::Error> for SupervisorError {
    fn from(error: nix::Error) -> Self {
        Self::System(error.into())
    }
}

impl From<rustix::io::Errno> for SupervisorError {
    fn from(error: rustix::io::Errno) -> Self {
        Self::System(error.into())
    }
}

/// How a supervised program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With an exit code.
    Code(i32),
    /// By a signal.
    Signal(Signal),
}

impl Ended {
    /// Lets this process end in the same way, so that its own status is that of the program.
    #[must_use]
    pub fn pass_on(self) -> ExitCode {
        match self {
            Self::Code(code) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
            Self::Signal(signal) => {
                // The program may have left a core dump; this process leaves no second one.
                let _ = sys::set_dumpable_behavior(sys::DumpableBehavior::NotDumpable);
                let _ = SigSet::from(signal).thread_unblock();
                // Rust's own handler of SIGSEGV and SIGBUS removes itself the first time.
                let _ = raise(signal);
                let _ = raise(signal);
                ExitCode::from(u8::try_from(128 + signal as i32).unwrap_or(u8::MAX))
            }
        }
    }
}

/// Starts `program` in a process group of its own and returns how it ended, when no descendant is left.
/// `parent` is the process that started this one. To be called while this process has one thread.
///
/// # Errors
/// The parent has ended, the program cannot be started, or the system refuses what supervision needs.
pub fn supervise(parent: i32, program: &mut Command) -> Result<Ended, SupervisorError> {
    let signals = SigSet::from_iter(WATCHED);
    signals.thread_block()?;
    let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    sys::set_child_subreaper(Some(sys::getpid()))?;
    // Where the kernel has no pidfd, this signal alone tells that the parent has ended.
    sys::set_parent_process_death_signal(Some(sys::Signal::TERM))?;
    let parent = Pid::from_raw(parent);
    let watched = pidfd(parent);
    // The parent may have ended before this process could watch it.
    if getppid() != parent {
        return Err(SupervisorError::Orphaned);
    }
    let main = program.process_group(0).spawn()?.id();
    let mut supervisor = Supervisor {
        main: Pid::from_raw(main.cast_signed()),
        ended: None,
        asked: false,
        kill_at: None,
        give_up_at: None,
    };
    loop {
        if !supervisor.reap() {
            break;
        }
        supervisor.act();
        let mut polled = vec![PollFd::new(&signals, PollFlags::IN)];
        // Where the end is set, it no longer matters whether the parent lives.
        let watched = watched.as_ref().filter(|_| supervisor.kill_at.is_none());
        polled.extend(watched.map(|parent| PollFd::new(parent, PollFlags::IN)));
        let wait = supervisor.wait().map(|wait| Timespec {
            tv_sec: wait.as_secs().cast_signed(),
            tv_nsec: wait.subsec_nanos().into(),
        });
        match poll(&mut polled, wait.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        while let Some(signal) = signals.read_signal()? {
            supervisor.told(signal.ssi_signo);
        }
        let has_ended = polled.get(1).is_some_and(|fd| !fd.revents().is_empty());
        if has_ended || getppid() != parent {
            supervisor.orphaned();
        }
        if supervisor.has_given_up() {
            break;
        }
    }
    Ok(supervisor.ended.unwrap_or(Ended::Signal(Signal::SIGKILL)))
}

/// Lets through what a supervisor has blocked: its children inherit that. To be called by the child that becomes the
/// program.
///
/// # Errors
/// The system refuses it.
pub fn unblock() -> Result<(), SupervisorError> {
    SigSet::from_iter(WATCHED).thread_unblock()?;
    Ok(())
}

struct Supervisor {
    main: Pid,
    /// How the program ended.
    ended: Option<Ended>,
    /// The descendants were asked to end.
    asked: bool,
    /// When those that are left are killed; none while they may take their time.
    kill_at: Option<Instant>,
    /// When this process no longer waits for those that were killed.
    give_up_at: Option<Instant>,
}

impl Supervisor {
    /// Collects the children that have ended; whether one is left.
    fn reap(&mut self) -> bool {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL)) {
                Ok(WaitStatus::StillAlive) | Err(nix::Error::EINTR) => return true,
                Ok(WaitStatus::Exited(pid, code)) if pid == self.main => {
                    self.ended = Some(Ended::Code(code));
                }
                Ok(WaitStatus::Signaled(pid, signal, _)) if pid == self.main => {
                    self.ended = Some(Ended::Signal(signal));
                }
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }

    fn told(&mut self, signal: u32) {
        let is = |expected: Signal| signal == expected as u32;
        if is(KILL) {
            self.kill_at = Some(Instant::now());
        } else if is(ASK) || is(Signal::SIGINT) {
            self.ask();
        }
    }

    /// The tool has ended: no process will ask a second time.
    fn orphaned(&mut self) {
        if self.kill_at.is_none() {
            self.ask();
            self.kill_at = Some(Instant::now() + LEFT_BEHIND);
        }
    }

    fn ask(&mut self) {
        if !std::mem::replace(&mut self.asked, true) {
            for process in descendants() {
                process.signal(ASK);
                if process.is_stopped {
                    process.signal(Signal::SIGCONT);
                }
            }
        }
    }

    /// Does what is due.
    fn act(&mut self) {
        let now = Instant::now();
        if self.ended.is_some() && !self.asked && self.kill_at.is_none() {
            self.ask();
            self.kill_at = Some(now + LEFT_BEHIND);
        }
        if self.kill_at.is_some_and(|at| now >= at) {
            self.give_up_at.get_or_insert(now + KILLED_WITHIN);
            kill_all();
        }
    }

    /// How long there is nothing to do, unless a signal comes.
    fn wait(&self) -> Option<Duration> {
        let now = Instant::now();
        let until_killed = self.kill_at?.saturating_duration_since(now);
        Some(until_killed.max(KILL_EVERY))
    }

    fn has_given_up(&self) -> bool {
        self.give_up_at.is_some_and(|at| Instant::now() >= at)
    }
}

/// Stops all descendants first, so that none forks while the others are killed.
fn kill_all() {
    let mut stopped = BTreeMap::new();
    for _ in 0..STOP_ROUNDS {
        let mut is_new = false;
        for process in descendants() {
            if stopped.insert(process.pid, process.started) != Some(process.started) {
                process.signal(Signal::SIGSTOP);
                is_new = true;
            }
        }
        if !is_new {
            break;
        }
    }
    for process in descendants() {
        process.signal(Signal::SIGKILL);
    }
}

/// A process as `/proc/PID/stat` describes it (proc(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    pid: i32,
    parent: i32,
    is_stopped: bool,
    /// It has ended, and its parent has not collected it.
    has_ended: bool,
    /// Clock ticks after the system's start: with the process id, this names one process for ever.
    started: u64,
}

impl Process {
    fn of(pid: i32) -> Option<Self> {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(pid, &String::from_utf8_lossy(&stat))
    }

    /// `pid (name) state parent … starttime …`; a name may hold anything.
    fn parse(pid: i32, stat: &str) -> Option<Self> {
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let state = *fields.first()?;
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            is_stopped: matches!(state, "T" | "t"),
            has_ended: matches!(state, "Z" | "X"),
            started: fields.get(19)?.parse().ok()?,
        })
    }

    /// Signals this process, and no other that was given its number meanwhile.
    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid);
        let opened = pidfd(pid);
        if Self::of(self.pid).is_none_or(|now| now.started != self.started) {
            return;
        }
        let sent = opened
            .zip(sys::Signal::from_named_raw(signal as i32))
            .map(|(fd, signal)| sys::pidfd_send_signal(fd.as_fd(), signal));
        if sent.is_none() {
            let _ = kill(pid, signal);
        }
    }
}

/// A handle of a process; none where it has ended, or the kernel has no such handles.
fn pidfd(pid: Pid) -> Option<std::os::fd::OwnedFd> {
    let pid = sys::Pid::from_raw(pid.as_raw())?;
    sys::pidfd_open(pid, sys::PidfdFlags::empty()).ok()
}

/// All processes that descend from this one and have not ended.
fn descendants() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut children: BTreeMap<i32, Vec<Process>> = BTreeMap::new();
    for process in numbers.filter_map(Process::of) {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut pending = vec![getpid().as_raw()];
    while let Some(parent) = pending.pop() {
        for process in children.remove(&parent).unwrap_or_default() {
            pending.push(process.pid);
            // The process itself has ended; its threads may still hold children.
            if !process.has_ended {
                found.push(process);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_from_its_line_whatever_its_name() {
        let line = |name: &str, state: &str| {
            format!("7 ({name}) {state} 3 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0")
        };
        let table = [
            (line("sh", "S"), Some((false, false))),
            (line("a) Z) (b", "T"), Some((true, false))),
            (line(") (", "Z"), Some((false, true))),
            ("7 (cut) S 3".to_owned(), None),
            (String::new(), None),
        ];
        for (stat, expected) in table {
            let expected = expected.map(|(is_stopped, has_ended)| Process {
                pid: 7,
                parent: 3,
                is_stopped,
                has_ended,
                started: 4711,
            });
            assert_eq!(Process::parse(7, &stat), expected, "{stat}");
        }
    }
}
