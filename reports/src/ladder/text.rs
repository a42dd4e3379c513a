//! The ladder for a terminal.

use std::fmt::Write;

use super::{Capacity, Heading, Rung, Table, changes::Part};
use crate::{
    order_statistics::Estimate,
    quantity::{self, NOT_MEASURED},
};

const COLUMNS: [&str; 7] = [
    "p50",
    "first",
    "vs base",
    "interval",
    "requests/s",
    "CPU s/million",
    "samples",
];
/// Two spaces between columns: thousands inside them have one.
const GAP: &str = "  ";

/// The ladder as lines of text.
#[must_use]
pub fn render(table: &Table) -> String {
    let header = std::iter::once(table.heading.load.clone())
        .chain(COLUMNS.map(str::to_owned))
        .collect();
    let rows: Vec<Vec<String>> = std::iter::once(header)
        .chain(table.rungs.iter().map(cells))
        .collect();
    let marks = std::iter::once(String::new()).chain(table.rungs.iter().map(mark));
    let mut text = heading(&table.heading) + "\n";
    for (line, mark) in aligned(&rows).into_iter().zip(marks) {
        let _ = writeln!(text, "{}", format!("{line}{mark}").trim_end());
    }
    if let Some(sentence) = table.changes.sentence() {
        let _ = writeln!(text, "{sentence}");
    }
    let parts: Vec<Vec<String>> = table.changes.parts.iter().map(part).collect();
    for line in aligned(&parts) {
        let _ = writeln!(text, "{GAP}{}", line.trim_end());
    }
    for reason in &table.heading.reasons {
        let _ = writeln!(text, "! {}: {reason}", table.heading.verdict.label());
    }
    if let Some(because) = &table.heading.cut_short {
        let _ = writeln!(text, "! partial: {because}");
    }
    text
}

/// `authlab · thousandfold · EPYC, 2 cores · valid · 4m10s`
#[must_use]
pub fn heading(heading: &Heading) -> String {
    let Heading {
        scenario,
        cpu,
        cores,
        verdict,
        elapsed_s,
        ..
    } = heading;
    let partial = if heading.cut_short.is_some() {
        " · partial"
    } else {
        ""
    };
    let (verdict, elapsed) = (verdict.label(), quantity::elapsed(*elapsed_s));
    let cores = if *cores == 1 {
        "1 core".to_owned()
    } else {
        format!("{cores} cores")
    };
    format!("authlab · {scenario} · {cpu}, {cores} · {verdict}{partial} · {elapsed}")
}

/// The columns of a rung, its name first: the same words in every rendering.
pub(crate) fn cells(rung: &Rung) -> Vec<String> {
    let time =
        |ns: Option<u64>| ns.map_or(NOT_MEASURED.to_owned(), |ns| quantity::duration(ns as f64));
    vec![
        rung.variant.label.clone(),
        time(rung.p50),
        time(rung.first),
        speedup(rung),
        interval(rung),
        capacity(rung.capacity),
        rung.cpu_s_per_million
            .map_or(NOT_MEASURED.to_owned(), |cost| {
                quantity::number(cost.median)
            }),
        quantity::grouped(rung.samples),
    ]
}

/// The names of [`cells`], after the first.
pub(crate) fn columns() -> [&'static str; 7] {
    COLUMNS
}

fn speedup(rung: &Rung) -> String {
    match rung.speedup {
        Some(speedup) => quantity::times(speedup.median),
        None if rung.is_baseline && rung.p50.is_some() => "1×".to_owned(),
        None => NOT_MEASURED.to_owned(),
    }
}

fn interval(rung: &Rung) -> String {
    rung.speedup
        .map_or(String::new(), |speedup| range(speedup, quantity::times))
}

/// An interval, with what it covers where that is less than 95 %; empty when there is none.
pub(crate) fn range(estimate: Estimate, written: impl Fn(f64) -> String) -> String {
    let Some(interval) = estimate.interval else {
        return String::new();
    };
    let covers = if estimate.is_thin() {
        format!(" ({})", quantity::share(interval.coverage))
    } else {
        String::new()
    };
    quantity::range(interval.low, interval.high, written) + &covers
}

/// The columns of a change: name, saving, its interval, share, its interval.
pub(crate) fn part(part: &Part) -> Vec<String> {
    let Part {
        change,
        saved,
        share,
    } = part;
    vec![
        format!("{}: {} → {}", change.name, change.from, change.to),
        saved.map_or(NOT_MEASURED.to_owned(), |saved| {
            quantity::duration(saved.median)
        }),
        saved.map_or(String::new(), |saved| range(saved, quantity::duration)),
        share.map_or(NOT_MEASURED.to_owned(), |share| {
            quantity::share(share.median)
        }),
        share.map_or(String::new(), |share| range(share, quantity::share)),
    ]
}

fn capacity(capacity: Option<Capacity>) -> String {
    capacity.map_or(NOT_MEASURED.to_owned(), |Capacity { per_second, known }| {
        format!("{} {}", quantity::number(per_second.median), known.label())
    })
}

fn mark(rung: &Rung) -> String {
    let failed =
        (rung.failures > 0).then(|| format!("{} failed", quantity::grouped(rung.failures)));
    let given_up: Vec<String> = rung
        .variant
        .gives_up
        .iter()
        .cloned()
        .chain(failed)
        .collect();
    if given_up.is_empty() {
        String::new()
    } else {
        format!("{GAP}! {}", given_up.join("; "))
    }
}

/// The first column to the left, figures to the right, each as wide as its widest cell.
pub(crate) fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns)
        .map(|column| width(column).unwrap_or_default())
        .collect();
    let line = |row: &Vec<String>| {
        let padded =
            row.iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, width))| match column {
                    0 => format!("{cell:<width$}"),
                    _ => format!("{cell:>width$}"),
                });
        padded.collect::<Vec<_>>().join(GAP)
    };
    rows.iter().map(line).collect()
}
