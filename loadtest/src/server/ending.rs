//! How a server ends: asked to, and then not asked.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::{Process, Server};
use crate::{interrupt, usage};

/// After SIGTERM; then SIGKILL. The reference server gives requests under way 5 s.
const STOP_WITHIN: Duration = Duration::from_secs(6);
const LOOK_EVERY: Duration = Duration::from_millis(10);

impl Server {
    /// Asks it to end, and waits so long: whoever counts what it does writes when it ends. A counter
    /// that `leads`, from which the server's processes descend, is not asked itself: it ends after them.
    pub(crate) fn end(mut self, leads: bool, within: Duration) {
        let Some(process) = &mut self.process else {
            return;
        };
        if !leads {
            process.ask();
        } else if let [_leader, servers @ ..] = &usage::tree(process.group)[..] {
            for server in servers {
                let _ = kill(Pid::from_raw(*server), Signal::SIGTERM);
            }
        }
        let end = Instant::now() + within;
        process.wait(within);
        // A shell that started it may have ended before it.
        while usage::lives(process.group) && Instant::now() < end {
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Server {
    /// Ends its whole process group: politely, then not.
    fn drop(&mut self) {
        let Some(process) = &mut self.process else {
            return;
        };
        process.ask();
        process.wait(STOP_WITHIN);
        let _ = killpg(process.group, Signal::SIGKILL);
        let _ = process.child.wait();
        interrupt::ended(process.group);
        process.log.finish();
    }
}

impl Process {
    fn ask(&self) {
        let _ = killpg(self.group, Signal::SIGTERM);
    }

    fn wait(&mut self, within: Duration) {
        let end = Instant::now() + within;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
