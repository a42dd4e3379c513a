//! The median of each slice over the time of the run.

use super::{
    charts::{Entry, NARROW, WIDE, folded, legend, responsive, section},
    html::element,
    points::{self, Points},
};
use crate::{
    chart::{self, DrawError},
    quantity,
    run::Latency,
    timeline::{Line, Point, Timeline},
};

const NOTE: &str = "A dot is the median of one slice, in the order in which slices ran: a line that climbs is drift, all lines \
    jumping at once a neighbour.";
const COLUMNS: [&str; 4] = ["variant", "block", "after", "p50"];
const NS_PER_S: f64 = 1e9;

/// The section.
pub(super) fn render(timeline: &Timeline) -> Result<String, DrawError> {
    let (load, step) = (&timeline.at.load, &timeline.at.step);
    let of = match timeline.latency {
        Latency::Response => ", response time",
        Latency::Service => "",
    };
    let title = format!("Over the run: {load}, {step}{of}");
    let label = format!(
        "{title}. Median latency of each slice of each variant by time, the axis of latencies logarithmic and broken \
         where nothing lies; figures below."
    );
    let pictures = responsive(
        &label,
        &chart::timeline::draw(timeline, WIDE)?,
        &chart::timeline::draw(timeline, NARROW)?,
    );
    let legend = legend(
        timeline
            .lines
            .iter()
            .map(|line| Entry::line(line.place, &line.label, String::new())),
    );
    let points: Vec<Points<'_>> = timeline
        .lines
        .iter()
        .map(|line| Points {
            place: line.place,
            label: &line.label,
            lines: vec![line.points.iter().map(said).collect()],
        })
        .collect();
    let rows: Vec<Vec<String>> = timeline.lines.iter().flat_map(rows).collect();
    Ok(section(
        &title,
        &format!(
            "{legend}{pictures}{}{}",
            points::render(&points),
            element("figcaption", "note", NOTE)
        ),
        &folded("Every slice", &title, &COLUMNS.map(str::to_owned), &rows),
    ))
}

fn said(point: &Point) -> String {
    format!(
        "block {}, after {} · p50 {}",
        point.block,
        after(point),
        quantity::duration(point.p50_ns)
    )
}

fn rows(line: &Line) -> impl Iterator<Item = Vec<String>> {
    line.points.iter().map(|point| {
        vec![
            line.label.clone(),
            point.block.to_string(),
            after(point),
            quantity::duration(point.p50_ns),
        ]
    })
}

fn after(point: &Point) -> String {
    quantity::duration(point.at_s * NS_PER_S)
}
