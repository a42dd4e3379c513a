//! What processes used: CPU time and run-queue delay, from the kernel's own counters.
//!
//! CPU time is the process's CPU clock: the ticks of `/proc/PID/stat` are 10 ms, useless at a
//! slice's length.

use std::fs;
use std::time::Duration;

use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

/// Counters of a process tree or a thread; differences of two readings are meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// CPU time.
    pub(crate) cpu: Duration,
    /// Time ready to run without a core.
    pub(crate) waited: Duration,
}

impl Usage {
    /// What was used between an earlier reading and this one.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(earlier.cpu),
            waited: self.waited.saturating_sub(earlier.waited),
        }
    }
}

/// A process and all its descendants that live.
pub(crate) fn of_tree(root: Pid) -> Usage {
    let mut total = Usage::default();
    let mut pending = vec![root.as_raw()];
    while let Some(pid) = pending.pop() {
        if let Ok(now) = clock_getcpuclockid(Pid::from_raw(pid)).and_then(nix::time::ClockId::now) {
            total.cpu += Duration::from(now);
        }
        for thread in threads(pid) {
            total.waited += waited(&format!("/proc/{pid}/task/{thread}/schedstat"));
            let children = fs::read_to_string(format!("/proc/{pid}/task/{thread}/children"));
            pending.extend(
                children
                    .unwrap_or_default()
                    .split_whitespace()
                    .filter_map(|c| c.parse::<i32>().ok()),
            );
        }
    }
    total
}

/// The run-queue delay of one of our own threads.
pub(crate) fn thread_waited(thread: Pid) -> Duration {
    waited(&format!("/proc/self/task/{thread}/schedstat"))
}

/// CPU time stolen by the host, and all CPU time, in the kernel's ticks since boot.
pub(crate) fn steal_ticks() -> (u64, u64) {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks: Vec<u64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .map_while(|field| field.parse().ok())
        .collect();
    // user nice system idle iowait irq softirq steal; guest time is within user time.
    (
        ticks.get(7).copied().unwrap_or_default(),
        ticks.iter().take(8).sum(),
    )
}

fn threads(pid: i32) -> Vec<i32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

/// Second field of `schedstat`: nanoseconds on a run queue.
fn waited(path: &str) -> Duration {
    let text = fs::read_to_string(path).unwrap_or_default();
    let field = text
        .split_whitespace()
        .nth(1)
        .and_then(|field| field.parse().ok());
    Duration::from_nanos(field.unwrap_or_default())
}
