//! Questions at a terminal, or on whatever stdin is.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// The line that answers a question; `None` at the end of the input.
pub(super) fn ask(question: &str) -> anyhow::Result<Option<String>> {
    show(question);
    let mut line = String::new();
    let read = std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("cannot read from stdin")?;
    Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The same, and what is typed is not shown.
pub(super) fn ask_hidden(question: &str) -> anyhow::Result<Option<String>> {
    let silent = Silent::begin(question)?;
    let answer = ask(question);
    if silent.is_some() {
        show("\n");
    }
    answer
}

/// A question that nobody can read is still answered from stdin by a script.
fn show(text: &str) {
    let mut out = std::io::stderr();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// The question that is being asked without echo, for the thread that handles signals.
static ASKED: Mutex<Option<Asked>> = Mutex::new(None);

struct Asked {
    question: String,
    /// The terminal's modes as they were found.
    found: Termios,
}

/// A terminal without echo. It gets its echo back when this is dropped (an answer, the end of the input, a panic), and
/// before a signal ends or stops the process.
struct Silent;

impl Silent {
    fn begin(question: &str) -> anyhow::Result<Option<Self>> {
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return Ok(None);
        }
        let Ok(found) = tcgetattr(&stdin) else {
            return Ok(None);
        };
        handle_signals()?;
        // Held until the echo is off: a signal in between restores it afterwards.
        let mut asked = asked();
        let question = question.to_owned();
        let silent = silence(&found);
        *asked = Some(Asked { question, found });
        Ok(silent.then_some(Self))
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        if let Some(asked) = asked().take() {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &asked.found);
        }
    }
}

/// Turns the echo off, and forgets what was typed before the question.
fn silence(found: &Termios) -> bool {
    let mut silent = found.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent).is_ok()
}

/// Starts the thread that handles signals, at the first hidden question. It stays: handlers cannot be taken back.
fn handle_signals() -> anyhow::Result<()> {
    static STARTED: Mutex<bool> = Mutex::new(false);
    let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
    if *started {
        return Ok(());
    }
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP])
        .context("cannot handle signals while a password is typed")?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                handle(signal);
            }
        })
        .context("cannot handle signals while a password is typed")?;
    *started = true;
    Ok(())
}

/// Gives the echo back, does what the signal usually does, and asks again after a stop.
fn handle(signal: i32) {
    let asked = asked();
    if let Some(asked) = &*asked {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &asked.found);
        show("\n");
    }
    let _ = emulate_default_handler(signal);
    // Only a stop returns, once the process goes on. In the background, this waits for the foreground.
    if let Some(asked) = &*asked {
        silence(&asked.found);
        show(&asked.question);
    }
}

fn asked() -> MutexGuard<'static, Option<Asked>> {
    ASKED.lock().unwrap_or_else(PoisonError::into_inner)
}
