//! When this tool itself was stopped: by SIGSTOP, by a debugger, with the machine. Its clock goes on meanwhile, and each
//! answer that it then finds waiting would seem to have taken as long.
//!
//! A thread wakes at fixed intervals and looks how late it is, as jHiccup does. Time that it waited for a core is not
//! counted: that is a neighbour's doing, and known from the generator's own run-queue delay.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::time::ClockId;

use crate::cores::pin_this_thread;

/// Between two looks at the clock.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What stops the tool for less is within the usual delays of a timer on a busy machine.
const LEAST_PAUSE: Duration = Duration::from_millis(50);
/// Older ones are forgotten: they are asked for slice by slice.
const MOST_PAUSES: usize = 1_000;
/// The thread looks at the clock within this time, once it runs again.
const SEEN_WITHIN: Duration = Duration::from_secs(1);

/// Watches the clock until it is dropped.
pub(crate) struct Pauses {
    seen: Arc<Mutex<Seen>>,
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Seen {
    /// When the clock was looked at last.
    at: Instant,
    pauses: Vec<Pause>,
}

/// A pause, somewhere between two looks at the clock.
#[derive(Debug, Clone, Copy)]
struct Pause {
    from: Instant,
    until: Instant,
    length: Duration,
}

impl Pauses {
    /// Watches from one of these cores. Where no thread can be started no pause is seen.
    pub(crate) fn watch(cores: &[usize]) -> Self {
        let seen = Arc::new(Mutex::new(Seen {
            at: Instant::now(),
            pauses: Vec::new(),
        }));
        let done = Arc::new(AtomicBool::new(false));
        let thread = {
            let (seen, done, cores) = (Arc::clone(&seen), Arc::clone(&done), cores.to_vec());
            let watching = std::thread::Builder::new().name("clock".to_owned());
            watching.spawn(move || {
                pin_this_thread(&cores);
                look(&seen, &done);
            })
        };
        Self {
            seen,
            done,
            thread: thread.ok(),
        }
    }

    /// How long the tool was stopped between two instants, the later of which has just passed; none when it was not.
    pub(crate) fn within(&self, from: Instant, until: Instant) -> Option<Duration> {
        let end = Instant::now() + SEEN_WITHIN;
        let mut seen = lock(&self.seen);
        // Both threads have been stopped, and this one was the first to run again.
        while self.thread.is_some()
            && until.saturating_duration_since(seen.at) > LOOK_EVERY + LEAST_PAUSE
            && Instant::now() < end
        {
            drop(seen);
            std::thread::sleep(Duration::from_millis(1));
            seen = lock(&self.seen);
        }
        let within = seen
            .pauses
            .iter()
            .filter(|pause| pause.from < until && pause.until > from);
        let length: Duration = within.map(|pause| pause.length).sum();
        (!length.is_zero()).then_some(length)
    }
}

impl Drop for Pauses {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn look(seen: &Mutex<Seen>, done: &AtomicBool) {
    let own = File::open("/proc/thread-self/schedstat").ok();
    let mut before = Instant::now();
    let mut waited = own.as_ref().map(run_queue_delay).unwrap_or_default();
    let mut suspended = suspended_so_far();
    while !done.load(Ordering::Relaxed) {
        std::thread::sleep(LOOK_EVERY);
        let now = Instant::now();
        let waited_before = std::mem::replace(
            &mut waited,
            own.as_ref().map(run_queue_delay).unwrap_or_default(),
        );
        let suspended_before = std::mem::replace(&mut suspended, suspended_so_far());
        let length = stopped_for(
            now - before,
            waited.saturating_sub(waited_before),
            suspended.saturating_sub(suspended_before),
        );
        let mut seen = lock(seen);
        if let Some(length) = length {
            if seen.pauses.len() == MOST_PAUSES {
                seen.pauses.remove(0);
            }
            seen.pauses.push(Pause {
                from: before,
                until: now,
                length,
            });
        }
        seen.at = now;
        before = now;
    }
}

/// Of the time between two looks at the clock what no sleep, and no wait for a core, explains; with the time in which the
/// machine slept, which the clock does not count.
fn stopped_for(between: Duration, waited: Duration, suspended: Duration) -> Option<Duration> {
    let stopped = between
        .saturating_sub(LOOK_EVERY)
        .saturating_sub(waited)
        .saturating_add(suspended);
    (stopped >= LEAST_PAUSE).then_some(stopped)
}

/// The second field of `schedstat`: nanoseconds on a run queue.
fn run_queue_delay(schedstat: &File) -> Duration {
    let mut bytes = [0; 80];
    let read = schedstat.read_at(&mut bytes, 0).unwrap_or_default();
    let text = std::str::from_utf8(&bytes[..read]).unwrap_or_default();
    let field = text.split_ascii_whitespace().nth(1);
    Duration::from_nanos(field.and_then(|ns| ns.parse().ok()).unwrap_or_default())
}

/// `CLOCK_BOOTTIME` counts the time in which the machine was suspended, `CLOCK_MONOTONIC` does not (`clock_gettime(2)`).
fn suspended_so_far() -> Duration {
    let now = |clock: ClockId| clock.now().map_or(Duration::ZERO, Duration::from);
    let monotonic = now(ClockId::CLOCK_MONOTONIC);
    now(ClockId::CLOCK_BOOTTIME).saturating_sub(monotonic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_look_is_a_pause_unless_the_thread_waited_for_a_core() {
        let ms = Duration::from_millis;
        // (between two looks, waited for a core, machine suspended, stopped for)
        let table = [
            (20, 0, 0, None),
            (69, 0, 0, None),
            (70, 0, 0, Some(50)),
            (3_020, 0, 0, Some(3_000)),
            (3_020, 2_980, 0, None),
            (3_020, 1_000, 0, Some(2_000)),
            (20, 0, 7_000, Some(7_000)),
        ];
        for (between, waited, suspended, expected) in table {
            let stopped = stopped_for(ms(between), ms(waited), ms(suspended));
            assert_eq!(stopped, expected.map(ms), "{between} {waited} {suspended}");
        }
    }

    #[test]
    fn a_pause_belongs_to_each_span_that_it_overlaps() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let pauses = Pauses {
            seen: Arc::new(Mutex::new(Seen {
                at: at(1_000),
                pauses: vec![Pause {
                    from: at(100),
                    until: at(300),
                    length: Duration::from_millis(190),
                }],
            })),
            done: Arc::new(AtomicBool::new(false)),
            thread: None,
        };
        let table = [
            (0, 100, false),
            (0, 101, true),
            (200, 400, true),
            (300, 400, false),
        ];
        for (from, until, is_paused) in table {
            let within = pauses.within(at(from), at(until));
            assert_eq!(within.is_some(), is_paused, "{from} {until}");
        }
    }
}
