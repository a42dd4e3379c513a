//! Lines for a terminal, without what it would obey.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::document::{Block, Document, Place, Tone};
use crate::plain;

/// What lines are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    /// Tables are at most as wide, where their cells allow it.
    pub columns: usize,
    /// Whether verdicts and warnings are coloured.
    pub is_coloured: bool,
}

impl Terminal {
    /// A file, or a program that reads a pipe.
    pub const NONE: Self = Self {
        columns: 80,
        is_coloured: false,
    };
}

/// The document as lines of text, for a file.
#[must_use]
pub fn render(document: &Document) -> String {
    render_on(document, Terminal::NONE)
}

/// The document as lines of a terminal.
#[must_use]
pub fn render_on(document: &Document, terminal: Terminal) -> String {
    let mut text = String::new();
    for block in document.at(Place::Terminal) {
        write(&mut text, block, terminal, Tone::Plain);
    }
    text
}

fn write(text: &mut String, block: &Block, terminal: Terminal, tone: Tone) {
    let mut line = |mark: &str, said: &str| {
        let said = format!("{mark}{}", plain::line(said));
        let _ = writeln!(text, "{}", painted(&said, tone, terminal));
    };
    match block {
        Block::Title(said) | Block::Heading(said) | Block::Line(said) | Block::Strong(said) => {
            line("", said);
        }
        Block::Legend(said) => line("", said),
        Block::Note(said) => line("  ", said),
        Block::Warning(said) => line("! ", said),
        Block::List(items) => items.iter().for_each(|item| line("! ", item)),
        Block::Table(table) => {
            let columns = if table.wide {
                usize::MAX
            } else {
                terminal.columns
            };
            for part in table.fitted(columns) {
                // Cells are without what a terminal would obey.
                for row in part.lines(|cell, tone| painted(cell, tone, terminal)) {
                    let _ = writeln!(text, "{row}");
                }
            }
        }
        Block::Facts(facts) => facts
            .iter()
            .for_each(|(name, fact)| line("", &format!("{name}: {fact}"))),
        Block::Code(code) => code.lines().for_each(|code| line("  ", code)),
        Block::Chart(chart) => chart.found.iter().for_each(|found| line("  ", found)),
        Block::Fold { summary, blocks } => {
            line("", summary);
            for block in blocks {
                write(text, block, terminal, tone);
            }
        }
        Block::Most(_, block) => write(text, block, terminal, tone),
        Block::Toned(tone, block) => write(text, block, terminal, *tone),
        Block::Part(part) => *text += &render_on(part, terminal),
    }
}

fn painted(said: &str, tone: Tone, terminal: Terminal) -> String {
    let colour = match tone {
        Tone::Plain => None,
        Tone::Safe | Tone::Better => Some(AnsiColor::Green),
        Tone::Unsafe | Tone::Worse => Some(AnsiColor::Red),
        Tone::Doubtful => Some(AnsiColor::Yellow),
    };
    match colour.filter(|_| terminal.is_coloured && !said.is_empty()) {
        Some(colour) => {
            let style: Style = colour.on_default();
            format!("{style}{said}{style:#}")
        }
        None => said.to_owned(),
    }
}
