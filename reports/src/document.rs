//! What a report says, before it is written in a format: blocks in the order in which they are read.
//!
//! Each subject builds its blocks once ([`crate::section`] those of a run); a format of [`crate::render`] only prints them.

use crate::chart::Swatch;

/// A titled part of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// By which a link finds it; none for one of several charts of a kind.
    pub id: Option<&'static str>,
    /// Its heading.
    pub title: String,
    /// What is in it.
    pub blocks: Vec<Block>,
}

/// A block of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A heading within a section.
    Heading(String),
    /// A remark in small print.
    Note(String),
    /// Why not to believe what follows.
    Warning(String),
    /// Items that stand below a table.
    List(Vec<String>),
    /// Figures.
    Table(Table),
    /// Names, each with what is to be said of it.
    Facts(Vec<(&'static str, String)>),
    /// A picture with its legend.
    Chart(Chart),
    /// The variants at a glance.
    Tiles(Vec<Tile>),
    /// Blocks that are shown when they are asked for.
    Fold {
        /// What stands in their place.
        summary: String,
        /// The blocks.
        blocks: Vec<Block>,
    },
}

/// A table of texts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// What it is of, for those who do not see where it stands.
    pub label: String,
    /// The columns' names.
    pub header: Vec<String>,
    /// As many cells a row as there are columns.
    pub rows: Vec<Vec<Cell>>,
    /// Whether it may be wider than a page.
    pub wide: bool,
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// Whether that is good or bad.
    pub tone: Tone,
}

/// Whether what is said is good or bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Neither.
    #[default]
    Plain,
    /// What was to be refused was refused.
    Safe,
    /// What was to be refused passed.
    Unsafe,
}

/// A picture with its legend, and what a reader may point at.
#[derive(Debug, Clone, PartialEq)]
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

/// A variant at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    /// Its place in the run.
    pub place: usize,
    /// As people read it.
    pub label: String,
    /// Whether the others are compared with it.
    pub is_baseline: bool,
    /// Its figures, each with its name.
    pub figures: Vec<(&'static str, Cell)>,
}

impl Section {
    /// A chart, and the blocks behind it.
    pub(crate) fn of_chart(title: String, chart: Chart, figures: Block) -> Self {
        Self {
            id: None,
            title,
            blocks: vec![Block::Chart(chart), figures],
        }
    }
}

impl Table {
    /// A table of plain texts.
    pub(crate) fn of<N: Into<String>>(
        label: impl Into<String>,
        header: impl IntoIterator<Item = N>,
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> Self {
        Self {
            label: label.into(),
            header: header.into_iter().map(Into::into).collect(),
            rows: rows
                .into_iter()
                .map(|row| row.into_iter().map(Cell::from).collect())
                .collect(),
            wide: false,
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self {
            text,
            tone: Tone::Plain,
        }
    }
}

impl From<Table> for Block {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}
