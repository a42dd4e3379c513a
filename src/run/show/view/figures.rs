//! The slice under way in figures.

use authlab_loadtest::live::{Aim, Distribution};
use authlab_loadtest::progress::Snapshot;
use authlab_reports::quantity;
use authlab_reports::run::Latency;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Stylize};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

/// Columns of the names before the figures.
const NAME_COLUMNS: usize = 10;
/// Reasons for failures that are named.
const MOST_REASONS: usize = 2;

/// Which slice it is.
pub(super) fn title(snapshot: &Snapshot) -> Line<'static> {
    let aim = match snapshot.aim {
        Aim::WarmUp => "warming up".to_owned(),
        Aim::Block(block) => format!("block {} of {}", block + 1, snapshot.blocks),
        Aim::Search => "search".to_owned(),
    };
    let names = format!("{} · {}", snapshot.variant, snapshot.load);
    let elapsed = snapshot.elapsed.min(snapshot.length).as_secs_f64();
    let length = snapshot.length.as_secs_f64();
    Line::from(vec![
        names.bold(),
        format!(" · {aim} · {elapsed:.1} of {length:.1} s").into(),
    ])
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot) {
    let failed: u64 = snapshot.failed.values().sum();
    let answered = snapshot.response.count();
    let seconds = snapshot.elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
    let rate = quantity::number(answered as f64 / seconds);
    let rate = match snapshot.offered {
        Some(offered) => format!("{rate} of {} offered", quantity::number(offered)),
        None => rate,
    };
    let at = |distribution: &Distribution, quantile| time(distribution.quantile(quantile));
    let both = |distribution: &Distribution| {
        let (p50, p99) = (at(distribution, 0.5), at(distribution, 0.99));
        format!("{p50} p50 · {p99} p99")
    };
    let first = latency(snapshot);
    let [one, other] = if snapshot.open {
        [
            ("response", both(&snapshot.response)),
            ("service", both(&snapshot.service)),
        ]
    } else {
        [("p50", at(first, 0.5)), ("p99", at(first, 0.99))]
    };
    let rows = [
        ("req/s", rate),
        one,
        other,
        ("max", time(first.max())),
        ("late p99", at(&snapshot.timer, 0.99)),
    ];
    let mut lines: Vec<_> = rows
        .into_iter()
        .map(|(name, figure)| Line::from(vec![named(name).dim(), figure.into()]))
        .collect();
    let counted = format!(
        "{} of {}",
        quantity::grouped(failed),
        quantity::grouped(answered + failed)
    );
    let counted = if failed > 0 {
        counted.fg(Color::Red)
    } else {
        counted.into()
    };
    lines.push(Line::from(vec![named("failed").dim(), counted]));
    if snapshot.retried > 0 {
        let retried = quantity::grouped(snapshot.retried);
        lines.push(Line::from(vec![named("retried").dim(), retried.into()]));
    }
    lines.extend(reasons(snapshot, usize::from(area.width)));
    frame.render_widget(Paragraph::new(lines), area);
}

/// The latency that stands first.
pub(super) fn latency(snapshot: &Snapshot) -> &Distribution {
    match Latency::first(snapshot.open) {
        Latency::Response => &snapshot.response,
        Latency::Service => &snapshot.service,
    }
}

fn named(name: &str) -> String {
    format!("{name:NAME_COLUMNS$}")
}

fn time(ns: Option<u64>) -> String {
    ns.map_or(quantity::NOT_MEASURED.to_owned(), |ns| {
        quantity::duration(ns as f64)
    })
}

/// The most frequent reasons for failures.
fn reasons(snapshot: &Snapshot, columns: usize) -> Vec<Line<'static>> {
    let mut reasons: Vec<_> = snapshot.failed.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let more = reasons.len().saturating_sub(MOST_REASONS);
    if more > 0 {
        reasons.truncate(MOST_REASONS - 1);
    }
    let line = |(reason, count): (&String, &u64)| {
        let text = format!("  {} × {reason}", quantity::grouped(*count));
        Line::from(cut(&text, columns)).fg(Color::Red)
    };
    let mut lines: Vec<_> = reasons.into_iter().map(line).collect();
    if more > 0 {
        lines.push(Line::from(format!("  and {} other reasons", more + 1)));
    }
    lines
}

/// The text as far as it fits.
fn cut(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let kept: String = text.chars().take(columns.saturating_sub(2)).collect();
    format!("{kept}…")
}
