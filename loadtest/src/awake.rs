//! Keeps the servers' cores awake: a core that sleeps between two requests of one user takes up to some tens of
//! microseconds to wake, in a virtual machine by way of the host, now more and now less. In a trial a duel's noise
//! then ended it after 60 to 120 blocks, and with the cores awake after 20; p50 fell from 69 to 50 µs.
//!
//! By threads that spin at the lowest priority: whoever wakes goes before them, and their time is counted as `nice`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::cores::{Cores, pin_this_thread};
use crate::scenario::{Scenario, Target};
use crate::usage;

/// The weakest claim on a core (`setpriority(2)`).
const NICEST: i32 = 19;
/// Where a server has more, the next request finds one that sleeps anyway, and all of them awake would cost the others
/// their clock rate.
const MOST_CORES: usize = 4;

/// Whether it is any use, and does no harm: servers that we start, on cores apart from the generator's, and a quota of
/// time for all of them.
pub(crate) fn possible(scenario: &Scenario, cores: &Cores) -> bool {
    let ours = scenario
        .variants
        .iter()
        .any(|variant| !matches!(variant.target, Target::Url { .. }));
    let apart = cores
        .server
        .iter()
        .all(|core| !cores.generator.contains(core));
    let spent = cores.server.len() + cores.generator.len();
    let quota = usage::quota_cores().is_none_or(|quota| quota >= spent as f64);
    ours && apart && quota && (1..=MOST_CORES).contains(&cores.server.len())
}

/// Ends the spinning when it is dropped.
pub(crate) struct Awake {
    done: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Awake {
    /// A refusal of a thread or of its priority leaves that core to sleep.
    pub(crate) fn keep(cores: &[usize]) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let threads = cores
            .iter()
            .filter_map(|&core| {
                let done = Arc::clone(&done);
                let spinning = std::thread::Builder::new().name("awake".to_owned());
                spinning.spawn(move || spin(core, &done)).ok()
            })
            .collect();
        Self { done, threads }
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn spin(core: usize, done: &AtomicBool) {
    pin_this_thread(&[core]);
    // Linux: of this thread alone.
    if rustix::process::setpriority_process(None, NICEST).is_err() {
        return;
    }
    while !done.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
}
