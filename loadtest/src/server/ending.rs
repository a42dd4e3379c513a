//! How a server ends: asked to, and then not asked.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Server;
use crate::usage;

/// After SIGTERM; then SIGKILL. The reference server gives requests under way 5 s.
const STOP_WITHIN: Duration = Duration::from_secs(6);

impl Server {
    /// Asks it to end, and waits so long: whoever counts what it does writes when it ends. A counter
    /// that `leads`, from which the server's processes descend, is not asked itself: it ends after them.
    pub(crate) fn end(mut self, leads: bool, within: Duration) {
        let Some(process) = &mut self.process else {
            return;
        };
        if leads {
            for server in usage::led(process.supervised.root()) {
                let _ = kill(Pid::from_raw(server), Signal::SIGTERM);
            }
        } else {
            process.supervised.ask();
        }
        process.supervised.wait(within);
    }
}

impl Drop for Server {
    /// Ends all its processes: politely, then not.
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            process.supervised.ask();
            process.supervised.wait(STOP_WITHIN);
        }
        if let Some(process) = self.process.take() {
            let mut log = process.log;
            drop(process.supervised);
            log.finish();
        }
    }
}
