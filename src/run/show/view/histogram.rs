//! The response times of the slice under way as bars. Both axes are logarithmic: one request that
//! waited half a second is seen beside ten thousand that did not.

use authlab_loadtest::live::Distribution;
use authlab_reports::quantity;
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Sparkline, SparklineBar};

/// A bar is drawn in eighths of a row.
const EIGHTHS: f64 = 8.0;
/// Columns of a bar when there are few.
const WIDEST_BAR: usize = 3;
const CAPTION: &str = "log–log";

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, response: &Distribution) {
    let Some(bars) = response.bars(usize::from(area.width)) else {
        return;
    };
    let [drawn, axis] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    let wide = (usize::from(area.width) / bars.counts.len()).clamp(1, WIDEST_BAR);
    let p50 = response.quantile(0.5).unwrap_or_default();
    let p99 = response.quantile(0.99).unwrap_or_default();
    let highest = bars.counts.iter().copied().max().unwrap_or(1);
    let eighths = f64::from(drawn.height) * EIGHTHS;
    let bar = |(count, end): (&u64, &u64)| {
        let height = (*count as f64).ln_1p() / (highest as f64).ln_1p() * eighths;
        let colour = match *end {
            end if end <= p50 => Color::Green,
            end if end <= p99 => Color::Yellow,
            _ => Color::Red,
        };
        let bar = SparklineBar::from(height.ceil() as u64).style(Style::new().fg(colour));
        std::iter::repeat_n(bar, wide)
    };
    let data: Vec<_> = bars
        .counts
        .iter()
        .zip(&bars.ends_ns)
        .flat_map(bar)
        .collect();
    let columns = Rect {
        width: drawn.width.min(data.len() as u16),
        ..axis
    };
    frame.render_widget(Sparkline::default().data(data).max(eighths as u64), drawn);
    let end = bars.ends_ns.last().copied().unwrap_or_default();
    draw_axis(frame, axis, columns, bars.begin_ns, end);
}

/// The least time on the left, the greatest below the last bar, as far as there is room.
fn draw_axis(frame: &mut Frame<'_>, axis: Rect, columns: Rect, begin_ns: u64, end_ns: u64) {
    let (begin, end) = (
        quantity::tick(begin_ns as f64),
        quantity::tick(end_ns as f64),
    );
    let needed = begin.chars().count() + end.chars().count() + 1;
    if needed > usize::from(columns.width) {
        let both = quantity::range(begin_ns as f64, end_ns as f64, quantity::tick);
        return frame.render_widget(Line::from(both).dim(), axis);
    }
    let caption = usize::from(columns.width) > needed + CAPTION.len() + 2;
    let labels = [
        (begin, Alignment::Left),
        (
            if caption { CAPTION } else { "" }.to_owned(),
            Alignment::Center,
        ),
        (end, Alignment::Right),
    ];
    for (label, alignment) in labels {
        // Each as wide as it is: the next would blank it.
        frame.render_widget(Line::from(label).alignment(alignment).dim(), columns);
    }
}
