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

/// Those formats, a line each.
pub static FORMATS: &[Format] = &[
    Format::new("text", "txt", text::render),
    Format::new("markdown", "md", markdown::render),
];

impl Format {
    const fn new(name: &'static str, ending: &'static str, print: fn(&Document) -> String) -> Self {
        Self {
            name,
            ending,
            print,
        }
    }
}
