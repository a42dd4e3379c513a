//! Formats: each prints the blocks of [`crate::document`] and computes nothing.

pub(crate) mod html;
pub(crate) mod markdown;
mod text;

pub use self::{markdown::render as markdown, text::render as text};
use crate::document::Document;

/// A format that every document can be printed in.
#[derive(Debug)]
pub struct Format {
    /// As `--format` has it.
    pub name: &'static str,
    /// How the name of such a file ends.
    pub ending: &'static str,
    /// Prints a document.
    pub print: fn(&Document) -> String,
}

/// Those formats.
pub static FORMATS: &[Format] = &[
    Format {
        name: "text",
        ending: "txt",
        print: text::render,
    },
    Format {
        name: "markdown",
        ending: "md",
        print: markdown::render,
    },
];
