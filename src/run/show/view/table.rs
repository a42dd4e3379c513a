//! What was measured so far: a row for each variant and load.

use authlab_reports::quantity;
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::Text;
use ratatui::widgets::{Cell, Row as Drawn, Table};

use super::super::watched::{Now, Row, Watched};

/// A terminal narrower than this has no column of slices.
const ALL_COLUMNS: u16 = 72;
const HEADER: [&str; 7] = ["variant", "load", "p50", "p99", "req/s", "failed", "slices"];
const WIDTHS: [Constraint; 7] = [
    Constraint::Fill(3),
    Constraint::Fill(2),
    Constraint::Length(7),
    Constraint::Length(7),
    Constraint::Length(7),
    Constraint::Length(7),
    Constraint::Length(6),
];
/// Columns of words; the others are of figures.
const WORDS: usize = 2;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, watched: &Watched) {
    if watched.rows.is_empty() {
        return;
    }
    let columns = if area.width < ALL_COLUMNS {
        HEADER.len() - 1
    } else {
        HEADER.len()
    };
    let current = current(watched);
    let room = usize::from(area.height.saturating_sub(1));
    let first = first(watched.rows.len(), room, current);
    let mut header = HEADER.map(str::to_owned);
    if first > 0 || watched.rows.len() > room {
        let last = (first + room).min(watched.rows.len());
        header[0] = format!("variant {}–{last} of {}", first + 1, watched.rows.len());
    }
    let rows = watched.rows.iter().enumerate().skip(first).take(room);
    let rows = rows.map(|(place, row)| {
        let drawn = drawn(figures(row), columns);
        if Some(place) == current {
            drawn.bold()
        } else {
            drawn
        }
    });
    let table =
        Table::new(rows, &WIDTHS[..columns]).header(drawn(header.map(Into::into), columns).dim());
    frame.render_widget(table, area);
}

fn figures(row: &Row) -> [Text<'static>; HEADER.len()] {
    let time = |ns: Option<u64>| {
        ns.map_or(quantity::NOT_MEASURED.to_owned(), |ns| {
            quantity::duration(ns as f64)
        })
    };
    let failed = Text::from(quantity::grouped(row.failed));
    [
        row.variant.clone().into(),
        row.load.clone().into(),
        time(row.latency.map(|latency| latency.p50_ns)).into(),
        time(row.latency.map(|latency| latency.p99_ns)).into(),
        quantity::number(row.per_second).into(),
        if row.failed > 0 {
            failed.style(Style::new().fg(Color::Red))
        } else {
            failed
        },
        row.slices.to_string().into(),
    ]
}

fn drawn(cells: [Text<'static>; HEADER.len()], columns: usize) -> Drawn<'static> {
    let cells = cells.into_iter().take(columns).enumerate();
    Drawn::new(cells.map(|(column, text)| {
        Cell::from(if column < WORDS {
            text
        } else {
            text.right_aligned()
        })
    }))
}

/// The row that the slice under way will be part of.
fn current(watched: &Watched) -> Option<usize> {
    let Now::Slice(snapshot) = &watched.now else {
        return None;
    };
    watched
        .rows
        .iter()
        .position(|row| row.variant == snapshot.variant && row.load == snapshot.load)
}

/// The first row shown: the current one is among them, else the last.
fn first(rows: usize, room: usize, current: Option<usize>) -> usize {
    let last = rows.saturating_sub(room);
    current.map_or(last, |current| current.saturating_sub(room / 2).min(last))
}
