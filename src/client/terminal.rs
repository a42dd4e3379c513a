//! Questions at a terminal, or on whatever stdin is.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::Context as _;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// The line that answers a question; `None` at the end of the input.
pub(super) fn ask(question: &str) -> anyhow::Result<Option<String>> {
    let mut out = std::io::stderr();
    // Nobody reads it? Then nobody misses it.
    let _ = out.write_all(question.as_bytes());
    let _ = out.flush();
    let mut line = String::new();
    let read = std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("cannot read from stdin")?;
    Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The same, and what is typed is not shown.
pub(super) fn ask_hidden(question: &str) -> anyhow::Result<Option<String>> {
    let silent = Silent::begin();
    let answer = ask(question);
    if silent.is_some() {
        let _ = std::io::stderr().write_all(b"\n");
    }
    answer
}

/// A terminal without echo, as it was again at the end.
struct Silent(Termios);

impl Silent {
    fn begin() -> Option<Self> {
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        let before = tcgetattr(&stdin).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&stdin, OptionalActions::Flush, &silent).ok()?;
        Some(Self(before))
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
    }
}
