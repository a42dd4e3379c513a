//! A program that runs under a supervisor, as this tool sees it: asked to end, and then made to.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{interrupt, supervisor, usage};

/// After [`supervisor::KILL`]: the supervisor itself gives up sooner.
const KILLED_WITHIN: Duration = Duration::from_secs(12);
/// A supervisor ends so soon after the last process below it, on a busy machine.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A running program and everything that descends from it. All of it ends when this is dropped.
#[derive(Debug)]
pub struct Supervised {
    supervisor: Child,
    /// The program's process, once it was seen.
    program: Option<Pid>,
}

impl Supervised {
    /// Starts a [command of the launcher](super::Launcher::command).
    ///
    /// # Errors
    /// The system refuses to start it.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let supervisor = command.spawn()?;
        let supervised = Self {
            supervisor,
            program: None,
        };
        interrupt::started(supervised.root());
        Ok(supervised)
    }

    /// The supervisor's process, from which all others descend.
    pub(super) fn root(&self) -> Pid {
        Pid::from_raw(self.supervisor.id().cast_signed())
    }

    /// How the program ended; none while it runs. Where it has left processes behind, their end is waited for.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.program = self.program.or_else(|| usage::program(self.root()));
        let runs = |program| usage::is_child(program, self.root());
        if self.program.is_some_and(|program| !runs(program)) {
            // The supervisor is about to end, and knows how the program did.
            self.wait(supervisor::LEFT_BEHIND + FOLLOWS_WITHIN);
        }
        self.exited()
    }

    /// How the supervisor ended: then no process is left.
    fn exited(&mut self) -> Option<ExitStatus> {
        self.supervisor.try_wait().ok().flatten()
    }

    /// Asks all of it to end.
    pub(super) fn ask(&mut self) {
        self.signal(supervisor::ASK);
    }

    /// Waits until no process is left, at most so long.
    pub(super) fn wait(&mut self, within: Duration) {
        let end = Instant::now() + within;
        while self.exited().is_none() && Instant::now() < end {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn signal(&mut self, signal: Signal) {
        // Once it was waited for, its number may be that of another process.
        if self.exited().is_none() {
            let _ = kill(self.root(), signal);
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.signal(supervisor::KILL);
        self.wait(KILLED_WITHIN);
        if self.exited().is_none() {
            // The supervisor does not react, so that its processes are killed from here.
            for pid in usage::tree(self.root()) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            let _ = self.supervisor.wait();
        }
        interrupt::ended(self.root());
    }
}
