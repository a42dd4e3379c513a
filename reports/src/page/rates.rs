//! What capacity searches found: a sentence for each, the chart, and the rates tried.

use super::{
    charts::{Entry, NARROW, WIDE, folded, legend, responsive, section},
    html::element,
    points::{self, Points},
};
use crate::{
    chart::{self, DrawError},
    quantity,
    rates::{Line, Rates},
    run::Point,
};

const NOTE: &str = "Thick lines are p99, thin ones p50, of the response time, from the intended start. A disc was within the \
    limits, a cross beyond them.";
const COLUMNS: [&str; 11] = [
    "variant",
    "offered/s",
    "answered/s",
    "p50",
    "p99",
    "p99.9",
    "max",
    "errors",
    "server busy",
    "late p99",
    "limits",
];

/// The section of one load.
pub(super) fn render(rates: &Rates<'_>) -> Result<String, DrawError> {
    let title = format!("Capacity: {}", rates.load);
    let label = format!(
        "{title}. p50 and p99 of each variant by offered rate, both axes logarithmic, and the limit {}; figures below.",
        rates.slo
    );
    let found: String = rates
        .lines
        .iter()
        .map(|line| {
            let sentence = line.capacity.sentence(line.label);
            element("p", "found", &format!("{sentence}."))
        })
        .collect();
    let wide = chart::rates::draw(rates, WIDE)?;
    let picture = if wide.is_empty() {
        String::new()
    } else {
        let entries = rates.lines.iter().map(|line| {
            let rate = line.capacity.rate.map_or(String::new(), per_second);
            Entry::line(line.place, line.label, rate)
        });
        let points: Vec<Points<'_>> = rates.lines.iter().map(points).collect();
        legend(entries)
            + &responsive(&label, &wide, &chart::rates::draw(rates, NARROW)?)
            + &points::render(&points)
            + &element("figcaption", "note", NOTE)
    };
    let rows: Vec<Vec<String>> = rates.lines.iter().flat_map(tried).collect();
    let figures = folded(
        "Every rate tried",
        &title,
        &COLUMNS.map(str::to_owned),
        &rows,
    );
    Ok(section(&title, &format!("{found}{picture}"), &figures))
}

/// What is said of the points of both lines.
fn points<'a>(line: &'a Line<'_>) -> Points<'a> {
    let said = |name: &str, of: fn(&Point) -> u64| {
        let points = line.medians(of).into_iter();
        points
            .map(|(rate, ns)| format!("{} · {name} {}", per_second(rate), quantity::duration(ns)))
            .collect()
    };
    Points {
        place: line.place,
        label: line.label,
        lines: vec![
            said("p50", |point| point.p50_ns),
            said("p99", |point| point.p99_ns),
        ],
    }
}

fn tried<'a>(line: &'a Line<'_>) -> impl Iterator<Item = Vec<String>> + 'a {
    line.points.iter().map(|point| row(line.label, point))
}

fn row(label: &str, point: &Point) -> Vec<String> {
    let time = |ns: u64| quantity::duration(ns as f64);
    let confirms = if point.confirms { ", confirming" } else { "" };
    let limits = match point.beyond {
        None => format!("within{confirms}"),
        Some(beyond) => format!("beyond: {}{confirms}", beyond.label()),
    };
    vec![
        label.to_owned(),
        quantity::number(point.offered_per_s),
        quantity::number(point.achieved_per_s),
        time(point.p50_ns),
        time(point.p99_ns),
        time(point.p999_ns),
        time(point.max_ns),
        quantity::share(point.errors),
        point
            .busy
            .map_or(quantity::NOT_MEASURED.to_owned(), quantity::share),
        time(point.timer_p99_ns),
        limits,
    ]
}

fn per_second(rate: f64) -> String {
    format!("{}/s", quantity::number(rate))
}
