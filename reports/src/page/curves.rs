//! The percentile curves of a load and step, and their figures.

use super::{
    charts::{Entry, NARROW, WIDE, folded, legend, responsive, section},
    points::{self, Points},
};
use crate::{
    chart::{self, DrawError},
    curves::{self, Curves, Line},
    quantity::{self, NOT_MEASURED},
    run::{Latency, PERCENTILES, ascending_percentiles},
};

/// The section of one load and step.
pub(super) fn render(curves: &Curves) -> Result<String, DrawError> {
    let (of, axis) = match curves.latency {
        _ if !curves.is_one_of_two => ("", "Latency"),
        Latency::Response => (" of response time", "Response time"),
        Latency::Service => (" of service time", "Service time"),
    };
    let title = format!("Percentiles{of}: {}, {}", curves.at.load, curves.at.step);
    let label = format!(
        "{title}. {axis} of each variant by percentile, both axes logarithmic, that of latencies broken where nothing lies; figures \
         below."
    );
    let pictures = responsive(
        &label,
        &chart::curves::draw(curves, WIDE)?,
        &chart::curves::draw(curves, NARROW)?,
    );
    let legend = legend(
        curves
            .lines
            .iter()
            .map(|line| Entry::line(line.place, &line.label, median(line))),
    );
    let points: Vec<Points<'_>> = curves
        .lines
        .iter()
        .map(|line| Points {
            place: line.place,
            label: &line.label,
            lines: vec![said(line)],
        })
        .collect();
    let header: Vec<String> = ["variant".to_owned()]
        .into_iter()
        .chain(
            ascending_percentiles()
                .into_iter()
                .map(|place| quantity::percentile(PERCENTILES[place])),
        )
        .chain(["max".to_owned(), "samples".to_owned()])
        .collect();
    let rows: Vec<Vec<String>> = curves.lines.iter().map(percentiles).collect();
    Ok(section(
        &title,
        &format!("{legend}{pictures}{}", points::render(&points)),
        &folded("Figures", &title, &header, &rows),
    ))
}

fn median(line: &Line) -> String {
    let p50 = line.percentiles.first().copied().flatten();
    p50.map_or(String::new(), |ns| {
        format!("p50 {}", quantity::duration(ns as f64))
    })
}

/// Percentile and latency of each point; the last is the maximum.
fn said(line: &Line) -> Vec<String> {
    let last = line.points.len() - 1;
    let point = |(at, (inverse, ns)): (usize, &(f64, f64))| {
        let percentile = if at == last {
            "max".to_owned()
        } else {
            curves::percentile(*inverse)
        };
        format!("{percentile} · {}", quantity::duration(*ns))
    };
    line.points.iter().enumerate().map(point).collect()
}

fn percentiles(line: &Line) -> Vec<String> {
    let value =
        |ns: &Option<u64>| ns.map_or(NOT_MEASURED.to_owned(), |ns| quantity::duration(ns as f64));
    let name = std::iter::once(line.label.clone());
    let rest = [
        quantity::duration(line.max as f64),
        quantity::grouped(line.count),
    ];
    name.chain(line.percentiles.iter().map(value))
        .chain(rest)
        .collect()
}
