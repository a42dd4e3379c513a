//! The thread that draws: a slow terminal, or one that was stopped, holds up no slice.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use authlab_loadtest::progress::Progress;
use authlab_loadtest::scenario::Scenario;

use super::screen::Screen;
use super::view;
use super::watched::Watched;

const DRAW_EVERY: Duration = Duration::from_millis(250);
/// Servers and generator come first.
const NICE: i32 = 19;

/// A view of a run on the terminal.
pub(crate) struct Watcher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
}

struct Seen {
    watched: Watched,
    heard: Instant,
    over: bool,
}

impl Watcher {
    /// Takes the terminal; none where there is none to take.
    pub(super) fn start(scenario: &Scenario) -> Option<Self> {
        let screen = Screen::take()?;
        let began = Instant::now();
        let shared = Arc::new(Shared {
            seen: Mutex::new(Seen {
                watched: Watched::new(scenario),
                heard: began,
                over: false,
            }),
            changed: Condvar::new(),
        });
        let drawn = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("view".to_owned())
            .spawn(move || draw(screen, &drawn, began))
            .ok()?;
        Some(Self {
            shared,
            thread: Some(thread),
        })
    }

    pub(super) fn hear(&self, progress: Progress<'_>) {
        let mut seen = self.shared.seen();
        seen.heard = Instant::now();
        seen.watched.hear(progress);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.seen().over = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic has said its words already.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn draw(mut screen: Screen, shared: &Shared, began: Instant) {
    // On Linux the niceness of this thread alone.
    let _ = rustix::process::nice(NICE);
    let mut seen = shared.seen();
    while !seen.over {
        let mut watched = seen.watched.clone();
        watched.elapsed = began.elapsed();
        watched.left.time = watched.left.time.saturating_sub(seen.heard.elapsed());
        drop(seen);
        screen.draw(|frame| view::draw(frame, &watched));
        seen = shared.seen();
        if !seen.over {
            let waited = shared.changed.wait_timeout(seen, DRAW_EVERY);
            seen = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
