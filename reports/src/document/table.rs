//! A table of texts, and how it fits a terminal.

use std::collections::BTreeSet;

use crate::judge::Verdict;
use crate::plain;
use crate::quantity::NOT_MEASURED;

/// The widest padding that `format!` takes.
const MOST_WIDTH: usize = u16::MAX as usize;

/// Two spaces between columns: thousands inside them have one.
const GAP: &str = "  ";
/// No name is cut to fewer characters.
const LEAST_NAME: usize = 16;
/// A longer cell is cut, characters: the others of its column would be as wide.
const WIDEST: usize = 400;

/// A table of texts: names and words to the left, figures to the right.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// What it is of, for those who do not see where it stands.
    pub label: String,
    /// Names above those of several columns; empty for none.
    pub groups: Vec<String>,
    /// The columns' names.
    pub header: Vec<String>,
    /// At most as many cells a row as there are columns.
    pub rows: Vec<Vec<Cell>>,
    /// The columns of words beside the first.
    pub words: Vec<usize>,
    /// Whether it may be wider than a page.
    pub wide: bool,
    /// Whether Markdown has no spaces in the line below its header.
    pub tight: bool,
    /// Whether its names may be cut in the middle where a terminal is narrow, rather than its columns be shown in two parts.
    pub cuts_names: bool,
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
    /// Faster, or a limit that held: on a terminal only, as those below.
    Better,
    /// Slower, or a limit that was broken.
    Worse,
    /// A warning.
    Doubtful,
}

impl Tone {
    /// Of a verdict: only a direction is good or bad.
    pub(crate) fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Faster => Self::Better,
            Verdict::Slower => Self::Worse,
            Verdict::NoChange | Verdict::Inconclusive => Self::Plain,
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
            ..Self::default()
        }
    }

    /// For a terminal of so many columns: without the columns that hold nothing, with names cut in the middle where that is
    /// enough, else in as many tables as it takes, each of which begins with the first column.
    pub(crate) fn fitted(&self, columns: usize) -> Vec<Self> {
        let is_empty = |column: usize| {
            let mut cells = self.rows.iter().filter_map(|row| row.get(column));
            let is_none = |cell: &Cell| cell.text.is_empty() || cell.text == NOT_MEASURED;
            !self.rows.is_empty() && cells.all(is_none)
        };
        let kept: Vec<usize> = (1..self.header.len().max(self.width()))
            .filter(|column| !is_empty(*column))
            .collect();
        let widths = Self::widths(&self.texts());
        let width_of = |column: usize| widths.get(column).copied().unwrap_or_default();
        let others: usize = kept
            .iter()
            .map(|column| GAP.len() + width_of(*column))
            .sum();
        let longest = width_of(0);
        let room = columns.saturating_sub(others);
        let may_be_cut = self.cuts_names && (LEAST_NAME..longest).contains(&room);
        let (whole, width_of_names) = match self.with_names_of(room).filter(|_| may_be_cut) {
            Some(shorter) => (shorter, room),
            None => (self.clone(), longest),
        };
        let mut parts: Vec<Vec<usize>> = vec![vec![0]];
        let mut width = width_of_names;
        for column in kept {
            let more = GAP.len() + width_of(column);
            if width + more > columns && parts.last().is_some_and(|part| part.len() > 1) {
                parts.push(vec![0]);
                width = width_of_names;
            }
            width += more;
            if let Some(part) = parts.last_mut() {
                part.push(column);
            }
        }
        let pick = |row: &Vec<String>, part: &[usize]| -> Vec<String> {
            let cells = part.iter().filter(|_| !row.is_empty());
            let cells = cells.map(|at| row.get(*at).cloned());
            cells.map(Option::unwrap_or_default).collect()
        };
        let of = |part: Vec<usize>| Self {
            label: whole.label.clone(),
            groups: pick(&whole.groups, &part),
            header: pick(&whole.header, &part),
            rows: whole
                .rows
                .iter()
                .map(|row| part.iter().filter_map(|at| row.get(*at).cloned()).collect())
                .collect(),
            words: (0..part.len())
                .filter(|place| whole.words.contains(&part[*place]))
                .collect(),
            ..whole.clone()
        };
        parts.into_iter().map(of).collect()
    }

    /// Columns of its widest row.
    fn width(&self) -> usize {
        self.rows.iter().map(Vec::len).max().unwrap_or_default()
    }

    /// With names of at most so many characters; none where two of them would then be the same.
    fn with_names_of(&self, room: usize) -> Option<Self> {
        let distinct = |table: &Self| -> BTreeSet<String> {
            let rows = table.rows.iter();
            rows.filter_map(|row| Some(row.first()?.text.clone()))
                .collect()
        };
        let mut shorter = self.clone();
        for name in shorter.rows.iter_mut().filter_map(|row| row.first_mut()) {
            name.text = cut_in_the_middle(&plain::line(&name.text), room);
        }
        for name in shorter.header.iter_mut().take(1) {
            *name = cut_in_the_middle(&plain::line(name), room);
        }
        (distinct(&shorter).len() == distinct(self).len()).then_some(shorter)
    }

    /// As lines of a terminal, each column as wide as its widest cell, painted by its tone.
    pub(crate) fn lines(&self, painted: impl Fn(&str, Tone) -> String) -> Vec<String> {
        let texts = self.texts();
        let widths = Self::widths(&texts);
        let names = texts.len() - self.rows.len();
        let tone = |row: usize, column: usize| {
            let row = row.checked_sub(names).and_then(|row| self.rows.get(row));
            row.and_then(|row| row.get(column))
                .map_or(Tone::Plain, |cell| cell.tone)
        };
        let line = |(place, row): (usize, &Vec<String>)| {
            let cells = row.iter().zip(&widths).enumerate();
            let cells = cells.map(|(column, (cell, width))| {
                let padding =
                    " ".repeat(width.min(&MOST_WIDTH).saturating_sub(cell.chars().count()));
                let cell = painted(cell, tone(place, column));
                if column == 0 || self.words.contains(&column) {
                    cell + &padding
                } else {
                    padding + &cell
                }
            });
            let line = cells.collect::<Vec<_>>().join(GAP);
            line.trim_end().to_owned()
        };
        texts.iter().enumerate().map(line).collect()
    }

    /// Its rows as a terminal shows them, those of names first.
    fn texts(&self) -> Vec<Vec<String>> {
        let names = [&self.groups, &self.header].into_iter();
        let names = names.filter(|row| !row.is_empty()).cloned();
        let rows = self.rows.iter();
        let rows = rows.map(|row| row.iter().map(|cell| cell.text.clone()).collect());
        names
            .chain(rows)
            .map(|row: Vec<String>| {
                let cells = row.iter().enumerate();
                cells
                    .map(|(column, text)| self.text(column, text))
                    .collect()
            })
            .collect()
    }

    fn text(&self, column: usize, text: &str) -> String {
        let text = plain::line(text);
        match text.char_indices().nth(WIDEST) {
            // Words are not aligned with others.
            Some((at, _)) if !self.words.contains(&column) => format!("{}…", &text[..at]),
            _ => text.into_owned(),
        }
    }

    fn widths(rows: &[Vec<String>]) -> Vec<usize> {
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max()
        };
        (0..columns)
            .map(|column| width(column).unwrap_or_default())
            .collect()
    }
}

/// At most so many characters, with the middle left out: what names of one table differ in stands at their ends.
fn cut_in_the_middle(text: &str, room: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= room {
        return text.to_owned();
    }
    let kept = room.saturating_sub(1);
    let (start, end) = (kept.div_ceil(2), kept / 2);
    let start = characters.iter().take(start);
    let end = characters.iter().skip(characters.len() - end);
    start.chain(&['…']).chain(end).collect()
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self {
            text,
            tone: Tone::Plain,
        }
    }
}
