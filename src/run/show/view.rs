//! The view of a run: how far it is, the slice under way, what was measured, whether it holds.

mod figures;
mod histogram;
mod table;
#[cfg(test)]
mod tests;

use std::time::Duration;

use authlab_reports::run::Verdict;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{LineGauge, Paragraph, Wrap};

use super::watched::{Now, Watched};
use crate::bar::clock;

const HEADING_ROWS: u16 = 2;
const SLICE_ROWS: u16 = 9;
/// Header and some rows.
const TABLE_ROWS: u16 = 3;
const MOST_VALIDITY_ROWS: u16 = 4;
/// Rows of a terminal that leaves room between the parts.
const ROOMY_ROWS: u16 = 22;
/// Columns of the slice's figures; its histogram has the rest, if that is enough to be read.
const FIGURES_COLUMNS: u16 = 36;
const LEAST_HISTOGRAM_COLUMNS: u16 = 16;
const HINT: &str = "Ctrl-C ends the run with a report of what was measured";

pub(super) fn draw(frame: &mut Frame<'_>, watched: &Watched) {
    let area = frame.area();
    let validity = validity(watched);
    let rows = rows_of(&validity, area.width).min(MOST_VALIDITY_ROWS);
    let room = u16::from(area.height >= ROOMY_ROWS);
    let [heading, _, slice, _, table, below, hint] = Layout::vertical([
        Constraint::Length(HEADING_ROWS),
        Constraint::Length(room),
        Constraint::Length(SLICE_ROWS),
        Constraint::Length(room),
        Constraint::Min(TABLE_ROWS),
        Constraint::Length(rows),
        Constraint::Length(1),
    ])
    .areas(area);
    draw_heading(frame, heading, watched);
    draw_slice(frame, slice, watched);
    table::draw(frame, table, watched);
    frame.render_widget(Paragraph::new(validity).wrap(Wrap { trim: true }), below);
    frame.render_widget(Line::from(HINT).dim(), hint);
}

/// The name, the times, and the slices done of those planned.
fn draw_heading(frame: &mut Frame<'_>, area: Rect, watched: &Watched) {
    let [names, gauge] = Layout::vertical([Constraint::Length(1); 2]).areas(area);
    let left = &watched.left;
    let times = match (clock(watched.elapsed), left.time) {
        (elapsed, Duration::ZERO) => elapsed,
        (elapsed, left) => format!("{elapsed} · {} left", clock(left)),
    };
    let times = Line::from(times).right_aligned();
    let [name, time] = Layout::horizontal([
        Constraint::Fill(1),
        Constraint::Length(times.width() as u16),
    ])
    .areas(names);
    frame.render_widget(Line::from(watched.heading.as_str()).bold(), name);
    frame.render_widget(times, time);
    let ratio = left.done as f64 / left.planned.max(1) as f64;
    let label = match left.planned {
        // How many slices a search takes is not known before.
        0 => "searching".to_owned(),
        planned => format!("{} of {planned} slices", left.done),
    };
    let gauge_line = LineGauge::default()
        .ratio(ratio.clamp(0.0, 1.0))
        .label(label)
        .filled_symbol("━")
        .unfilled_symbol("─")
        .filled_style(Style::new().fg(Color::Green))
        .unfilled_style(Style::new().dim());
    frame.render_widget(gauge_line, gauge);
}

fn draw_slice(frame: &mut Frame<'_>, area: Rect, watched: &Watched) {
    let [title, below] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let snapshot = match &watched.now {
        Now::Nothing => return frame.render_widget(Line::from("starting").bold(), title),
        Now::Starting { variant } => {
            let words = format!("starting {variant}");
            return frame.render_widget(Line::from(words).bold(), title);
        }
        Now::Slice(snapshot) => snapshot,
    };
    frame.render_widget(figures::title(snapshot), title);
    let least = FIGURES_COLUMNS + LEAST_HISTOGRAM_COLUMNS;
    let columns = if below.width < least {
        below.width
    } else {
        FIGURES_COLUMNS
    };
    let [left, right] =
        Layout::horizontal([Constraint::Length(columns), Constraint::Fill(1)]).areas(below);
    figures::draw(frame, left, snapshot);
    if right.width > 0 {
        histogram::draw(frame, right, figures::latency(snapshot));
    }
}

/// The verdict so far, and each of its reasons.
fn validity(watched: &Watched) -> Vec<Line<'_>> {
    let validity = &watched.validity;
    let colour = match validity.verdict {
        Verdict::Empty if validity.reasons.is_empty() => {
            return vec![Line::from("nothing was measured yet").dim()];
        }
        Verdict::Valid => Color::Green,
        _ => Color::Yellow,
    };
    let verdict = Span::from(validity.verdict.label()).fg(colour);
    if validity.reasons.is_empty() {
        return vec![Line::from(vec!["so far ".into(), verdict])];
    }
    let line =
        |reason: &'_ String| Line::from(vec![verdict.clone(), ": ".into(), reason.clone().into()]);
    let mut lines: Vec<_> = validity.reasons.iter().map(line).collect();
    let more = lines.len().saturating_sub(usize::from(MOST_VALIDITY_ROWS));
    if more > 0 {
        lines.truncate(usize::from(MOST_VALIDITY_ROWS) - 1);
        lines.push(Line::from(format!("… and {} more reasons", more + 1)));
    }
    lines
}

/// Rows that lines take when they are broken at the width.
fn rows_of(lines: &[Line<'_>], width: u16) -> u16 {
    let rows = lines
        .iter()
        .map(|line| line.width().div_ceil(usize::from(width).max(1)).max(1));
    u16::try_from(rows.sum::<usize>()).unwrap_or(u16::MAX)
}
