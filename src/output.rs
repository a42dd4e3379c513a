//! Standard output and error, to which nobody may listen to the end: `authlab compare … | head` is
//! no error of ours.

use std::fmt;
use std::io::{self, Write};

/// Text that a verb was asked for.
pub(crate) fn write(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

/// A line of it.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// What goes on meanwhile.
pub(crate) fn note(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// What is wrong, on one line.
pub(crate) fn error(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "authlab: {text}");
}
