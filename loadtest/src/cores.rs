//! Which cores the server and the generator get.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// The cores of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cores {
    /// For the servers, one variant at a time.
    pub server: Vec<usize>,
    /// For the load generator.
    pub generator: Vec<usize>,
}

impl Cores {
    /// The last of the cores that this process may use for the generator, the others for servers;
    /// a single core is shared.
    #[must_use]
    pub fn split() -> Self {
        let all = allowed();
        match all.split_last() {
            Some((last, others)) if !others.is_empty() => Self {
                server: others.to_vec(),
                generator: vec![*last],
            },
            _ => Self {
                server: all.clone(),
                generator: all,
            },
        }
    }
}

/// The cores that this process may use.
pub(crate) fn allowed() -> Vec<usize> {
    let set = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
    (0..CpuSet::count())
        .filter(|core| set.is_set(*core).unwrap_or(false))
        .collect()
}

/// Keeps the calling thread on `cores`. A refusal leaves it where it was: the run then says so by
/// its run-queue delays.
pub fn pin_this_thread(cores: &[usize]) {
    let mut set = CpuSet::new();
    if cores.iter().all(|core| set.set(*core).is_ok()) && !cores.is_empty() {
        let _ = sched_setaffinity(Pid::from_raw(0), &set);
    }
}
