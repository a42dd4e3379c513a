//! Lines for a terminal, without what it would obey.

use std::fmt::Write as _;

use crate::document::{Block, Document, Place};
use crate::plain;

/// The document as lines of text.
#[must_use]
pub fn render(document: &Document) -> String {
    let mut text = String::new();
    for block in document.at(Place::Terminal) {
        write(&mut text, block);
    }
    text
}

fn write(text: &mut String, block: &Block) {
    let mut line = |mark: &str, said: &str| {
        let _ = writeln!(text, "{mark}{}", plain::line(said));
    };
    match block {
        Block::Title(said) | Block::Heading(said) | Block::Line(said) | Block::Strong(said) => {
            line("", said);
        }
        Block::Legend(said) => line("", said),
        Block::Note(said) => line("  ", said),
        Block::Warning(said) => line("! ", said),
        Block::List(items) => items.iter().for_each(|item| line("! ", item)),
        Block::Table(table) => table.lines().iter().for_each(|row| line("", row)),
        Block::Facts(facts) => facts
            .iter()
            .for_each(|(name, fact)| line("", &format!("{name}: {fact}"))),
        Block::Code(code) => code.lines().for_each(|code| line("  ", code)),
        Block::Chart(chart) => chart.found.iter().for_each(|found| line("  ", found)),
        Block::Fold { summary, blocks } => {
            line("", summary);
            for block in blocks {
                write(text, block);
            }
        }
        Block::Most(_, block) => write(text, block),
        Block::Part(part) => *text += &render(part),
    }
}
