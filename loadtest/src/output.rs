//! Standard output and standard error of a command that measures.
//!
//! What a verb was asked to print goes to standard output. The first write there that fails is kept, and
//! [`finished`] turns it into one line and exit code 2. A reader that has read enough is no failure:
//! `authlab compare … | head` ends as if everything had been read. Standard error carries progress and errors; a
//! failure to write it cannot be reported anywhere and changes no exit code.
//!
//! A standard output that is closed (`>&-`) is not noticed: Rust's runtime opens `/dev/null` in its place before `main`, and a
//! service manager or a program such as Python's `subprocess.DEVNULL` hands over the same open file on purpose.
//!
//! What a terminal would obey is shown instead: names and messages may come from anybody's files.

use std::fmt;
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::OnceLock;

use anstream::{AutoStream, ColorChoice};
use authlab_reports::document::Document;
use authlab_reports::plain;
use authlab_reports::render::{self, Terminal};
use authlab_reports::withhold::Secrets;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// Exit code for bad input, for what cannot be done, and for lost output.
pub const EXIT_REFUSED: u8 = 2;

/// Why standard output could not be written, the first time.
static FAILED: OnceLock<io::Error> = OnceLock::new();

/// What standard output is: how wide, 80 columns where it is no terminal; and whether it takes colours. They are for
/// terminals other than `dumb`, unless `NO_COLOR` or `CLICOLOR_FORCE` say otherwise.
fn terminal() -> Terminal {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
    let columns = size.map(|size| usize::from(size.ws_col));
    Terminal {
        columns: columns
            .filter(|columns| *columns > 0)
            .unwrap_or(Terminal::NONE.columns),
        is_coloured: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
    }
}

/// A report as a terminal shows it. What it would obey was taken from every text when it became a line; colours are ours.
pub fn document(document: &Document) {
    shown(document, render::text_on);
}

/// The same by another format of terminals.
pub fn shown(document: &Document, on_terminal: fn(&Document, Terminal) -> String) {
    let text = on_terminal(document, terminal());
    keep(write_all(io::stdout().lock(), text.as_bytes()));
}

/// Text that a verb was asked for.
pub fn write(text: &str) {
    keep(write_all(io::stdout().lock(), plain::text(text).as_bytes()));
}

/// JSON for a program: what a terminal would obey is escaped, so that the value stays the same.
pub fn json(text: &str) {
    keep(write_all(io::stdout().lock(), plain::json(text).as_bytes()));
}

/// A line of it.
pub fn line(text: fmt::Arguments<'_>) {
    write(&format!("{text}\n"));
}

/// Progress, while a verb runs.
pub fn note(text: fmt::Arguments<'_>) {
    let text = format!("{text}\n");
    let _ = write_all(io::stderr().lock(), plain::text(&text).as_bytes());
}

/// What is wrong, on one line, without the credentials that were typed.
pub fn error(text: fmt::Arguments<'_>) {
    let said = typed().conceal(&text.to_string());
    note(format_args!("authlab: {}", plain::line(&said)));
}

/// The exit code of a verb that returned this one: 2 when something that it printed was lost.
pub fn finished(code: ExitCode) -> ExitCode {
    match FAILED.get() {
        None => code,
        Some(cause) => {
            error(format_args!("cannot write to standard output: {cause}"));
            ExitCode::from(EXIT_REFUSED)
        }
    }
}

/// What was written there by other means: flushed, and its failure kept.
pub fn printed(written: io::Result<()>) {
    keep(written.and_then(|()| io::stdout().flush()));
}

fn keep(written: io::Result<()>) {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let _ = FAILED.set(error);
        }
        _ => {}
    }
}

/// Writes without a buffer, so that nothing is left to fail at the end of the process. Another process may have made a
/// shared pipe non-blocking; then this waits as a blocking write would.
fn write_all(out: impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(&out, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => match poll(&mut [PollFd::new(&out, PollFlags::OUT)], None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The credentials on our own command line and in our variables.
fn typed() -> Secrets {
    let words: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let variables: Vec<(String, String)> = std::env::vars_os()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        })
        .filter(|(name, _)| name.starts_with("AUTHLAB_"))
        .collect();
    Secrets::of_command_line(&words, &variables)
}
