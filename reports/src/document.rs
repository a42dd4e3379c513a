//! What a report says, before it is written in a format: blocks in the order in which they are read.
//!
//! Each subject builds its blocks once: [`crate::section`] those of a run, and each verdict its [`Document`]. A format of
//! [`crate::render`] only prints them.

mod table;

pub use self::table::{Cell, Table, Tone};
use crate::chart::Swatch;

/// Blocks in the order in which they are read. A terminal is read from its end and a page from its beginning, so that
/// some blocks stand in one of them only.
#[derive(Debug, Clone, Default)]
pub struct Document {
    blocks: Vec<(Place, Block)>,
}

/// Where a block stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Wherever the document is read.
    Everywhere,
    /// On a terminal only.
    Terminal,
    /// On a page only.
    Page,
}

impl Document {
    pub(crate) fn push(&mut self, block: impl Into<Block>) {
        self.blocks.push((Place::Everywhere, block.into()));
    }

    pub(crate) fn on_terminal(&mut self, block: impl Into<Block>) {
        self.blocks.push((Place::Terminal, block.into()));
    }

    pub(crate) fn on_page(&mut self, block: impl Into<Block>) {
        self.blocks.push((Place::Page, block.into()));
    }

    /// On a page, between its first line and what follows.
    pub(crate) fn below_the_first_line(&mut self, blocks: Vec<Block>) {
        let is_line = |(place, block): &(Place, Block)| {
            *place != Place::Terminal && matches!(block, Block::Line(_))
        };
        let first = self.blocks.iter().position(is_line);
        let at = first.map_or(self.blocks.len(), |first| first + 1);
        let blocks = blocks.into_iter().map(|block| (Place::Page, block));
        self.blocks.splice(at..at, blocks);
    }

    /// The blocks that are read there.
    pub(crate) fn at(&self, place: Place) -> impl Iterator<Item = &Block> {
        let blocks = self.blocks.iter();
        let there = blocks.filter(move |(of, _)| [Place::Everywhere, place].contains(of));
        there.map(|(_, block)| block)
    }
}

/// A titled part of a page.
#[derive(Debug, Clone)]
pub struct Section {
    /// By which a link finds it; none for one of several charts of a kind.
    pub id: Option<&'static str>,
    /// Its heading.
    pub title: String,
    /// What is in it.
    pub blocks: Vec<Block>,
}

/// A block of a document.
#[derive(Debug, Clone)]
pub enum Block {
    /// The title of a document that is a page of its own.
    Title(String),
    /// A heading.
    Heading(String),
    /// A line, or a paragraph.
    Line(String),
    /// A line that stands out.
    Strong(String),
    /// A remark in small print.
    Note(String),
    /// Words of ours, in which backquotes mark code.
    Legend(&'static str),
    /// Why not to believe what follows.
    Warning(String),
    /// Remarks that a reader must heed, or items below a table.
    List(Vec<String>),
    /// Figures.
    Table(Table),
    /// Names, each with what is to be said of it.
    Facts(Vec<(&'static str, String)>),
    /// What one would type.
    Code(String),
    /// A picture with its legend.
    Chart(Chart),
    /// Blocks that are shown when they are asked for.
    Fold {
        /// What stands in their place.
        summary: String,
        /// The blocks.
        blocks: Vec<Block>,
    },
    /// A list or a table that may have more items than a comment on GitHub holds.
    Most(Most, Box<Block>),
    /// A block that a terminal shows in the colour of its tone.
    Toned(Tone, Box<Block>),
    /// A document within this one.
    Part(Document),
}

/// Where a list or a table ends at the latest, so that it does not take the place of what follows.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Bytes of its document.
    pub end: usize,
    /// What is said of so many items that were left out, in Markdown.
    pub left_out: fn(usize) -> String,
}

/// A picture with its legend, and what a reader may point at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chart {
    /// Sentences above it.
    pub found: Vec<String>,
    /// What it shows, for those who do not see it.
    pub label: String,
    /// What is drawn how.
    pub legend: Vec<Entry>,
    /// For a page and for a phone, as SVG; none where there is nothing to draw.
    pub pictures: Option<[String; 2]>,
    /// What is said of the points of each variant's lines.
    pub points: Vec<Points>,
    /// How to read it; empty where it needs no words.
    pub caption: &'static str,
}

/// An entry of a legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// How it is drawn.
    pub swatch: Swatch,
    /// Its name.
    pub label: String,
    /// The figure beside it; empty for none.
    pub figure: String,
}

/// A variant's lines in one chart.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Points {
    /// The variant's place in the run.
    pub place: usize,
    /// As people read it.
    pub label: String,
    /// What is said of each point of each line, in the order in which the lines are drawn.
    pub lines: Vec<Vec<String>>,
}

impl Entry {
    /// A variant's line.
    pub(crate) fn line(place: usize, label: &str, figure: Option<String>) -> Self {
        Self {
            swatch: Swatch::Line(place),
            label: label.to_owned(),
            figure: figure.unwrap_or_default(),
        }
    }
}

impl Block {
    /// In the colour of its tone on a terminal.
    pub(crate) fn toned(self, tone: Tone) -> Self {
        Self::Toned(tone, Box::new(self))
    }

    /// A table to be opened.
    pub(crate) fn folded(summary: impl Into<String>, table: Table) -> Self {
        Self::Fold {
            summary: summary.into(),
            blocks: vec![table.into()],
        }
    }
}

impl Section {
    /// A chart, and the table behind it.
    pub(crate) fn of_chart(title: String, chart: Chart, figures: Block) -> Self {
        Self {
            id: None,
            title,
            blocks: vec![Block::Chart(chart), figures],
        }
    }
}

impl From<Table> for Block {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

/// A line, as most blocks are.
impl From<String> for Block {
    fn from(text: String) -> Self {
        Self::Line(text)
    }
}

impl From<Document> for Block {
    fn from(document: Document) -> Self {
        Self::Part(document)
    }
}

/// A sentence as it stands in a text.
pub(crate) fn full_stop(sentence: &str) -> String {
    if sentence.ends_with('.') {
        sentence.to_owned()
    } else {
        format!("{sentence}.")
    }
}
