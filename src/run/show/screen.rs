//! The terminal while a view has it, and its return whatever happens.
//!
//! The view is drawn on the alternate screen, so that what stood there before stands there again.
//! Only the echo of keys is turned off: not in raw mode, Ctrl-C stays the signal that it is to
//! every other part of a run. Signals and panics find the terminal through [`give_back`].

use std::io::{self, BufWriter, IsTerminal, Stderr, Write};
use std::sync::{Mutex, MutexGuard, Once, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use authlab_loadtest::interrupt;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::terminal::{
    DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen, size,
};
use ratatui::crossterm::{execute, queue};
use ratatui::{Frame, Terminal};
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use signal_hook::consts::SIGTSTP;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// The terminal's modes as they were found, while a view has the terminal.
static TAKEN: Mutex<Option<Termios>> = Mutex::new(None);

/// For a drawing under way to end before the terminal is given back.
const DRAWN_WITHIN: Duration = Duration::from_millis(200);

/// A terminal that is drawn on.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stderr>>>,
}

impl Screen {
    /// Takes the terminal of standard error; none where there is none to draw on, or where we run
    /// in its background.
    pub(super) fn take() -> Option<Self> {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        if dumb || !io::stderr().is_terminal() || !in_foreground() {
            return None;
        }
        if !matches!(size(), Ok((columns, rows)) if columns > 0 && rows > 0) {
            return None;
        }
        let found = tcgetattr(io::stderr()).ok()?;
        let backend = CrosstermBackend::new(BufWriter::new(io::stderr()));
        let terminal = Terminal::new(backend).ok()?;
        give_back_on_panic();
        give_back_on_stop().ok()?;
        interrupt::before_its_words(give_back);
        let mut silent = found.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        *taken() = Some(found);
        let _ = tcsetattr(io::stderr(), OptionalActions::Now, &silent);
        // A drawing that meets a resize is cut off rather than broken over the next rows.
        let _ = execute!(io::stderr(), EnterAlternateScreen, DisableLineWrap, Hide);
        Some(Self { terminal })
    }

    /// Draws, if the terminal is still ours.
    pub(super) fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) {
        let taken = taken();
        if taken.is_some() && in_foreground() {
            // A terminal that is gone ends no run.
            let _ = self.terminal.draw(view);
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back as it was found. From any thread, as often as one likes.
fn give_back() {
    let end = Instant::now() + DRAWN_WITHIN;
    let mut taken = loop {
        match TAKEN.try_lock() {
            Ok(taken) => break taken,
            Err(TryLockError::Poisoned(taken)) => break taken.into_inner(),
            Err(TryLockError::WouldBlock) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(1));
            }
            // The drawing itself has panicked, or the terminal takes no more.
            Err(TryLockError::WouldBlock) => return leave(),
        }
    };
    if let Some(found) = taken.take() {
        leave();
        if in_foreground() {
            let _ = tcsetattr(io::stderr(), OptionalActions::Now, &found);
        }
    }
}

fn leave() {
    let mut stderr = io::stderr();
    let _ = queue!(stderr, EnableLineWrap, LeaveAlternateScreen, Show);
    let _ = stderr.flush();
}

/// A process in the background that changes the terminal's modes is stopped by it.
fn in_foreground() -> bool {
    tcgetpgrp(io::stderr()).is_ok_and(|group| group == getpgrp())
}

/// A panic's words belong on the screen that stays.
fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
        }));
    });
}

/// Ctrl-Z leaves the shell a terminal that it can use. The view does not come back when the run goes on: by then other
/// lines may stand where it was.
fn give_back_on_stop() -> io::Result<()> {
    static STARTED: Mutex<bool> = Mutex::new(false);
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if *started {
        return Ok(());
    }
    let mut stops = Signals::new([SIGTSTP])?;
    std::thread::Builder::new()
        .name("stops".to_owned())
        .spawn(move || {
            for signal in stops.forever() {
                give_back();
                let _ = emulate_default_handler(signal);
            }
        })?;
    *started = true;
    Ok(())
}

fn taken() -> MutexGuard<'static, Option<Termios>> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}
