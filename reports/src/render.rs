//! Formats: each prints the blocks of [`crate::document`] and computes nothing.

pub(crate) mod html;
pub(crate) mod markdown;
mod text;

pub use self::markdown::render as markdown;
pub use self::text::{Terminal, render as text, render_on as text_on};
use crate::document::Document;

/// A format that every document can be printed in.
#[derive(Debug)]
pub struct Format {
    /// As `--format` has it.
    pub name: &'static str,
    /// How the name of such a file ends.
    pub ending: &'static str,
    /// Prints a document into a file.
    pub print: fn(&Document) -> String,
    /// Prints it on a terminal, where it is read there.
    pub on_terminal: Option<fn(&Document, Terminal) -> String>,
}

/// Those formats, a line each.
pub static FORMATS: &[Format] = &[
    Format {
        name: "text",
        ending: "txt",
        print: text::render,
        on_terminal: Some(text::render_on),
    },
    Format {
        name: "markdown",
        ending: "md",
        print: markdown::render,
        on_terminal: None,
    },
];
