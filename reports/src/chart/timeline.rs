//! The median of each slice over the time of the run: a point each, joined variant by variant.

use super::{
    DrawError, Size,
    plane::{Line, Plane},
    ticks,
};
use crate::{quantity, timeline::Timeline};

/// From here on minutes say more than seconds.
const MINUTES_FROM_S: f64 = 120.0;
const NS_PER_S: f64 = 1e9;
/// A slice of no length still has an axis.
const LEAST_SPAN_S: f64 = 1e-3;

/// A chart for a page, which has its own legend and style.
///
/// # Errors
/// When plotters cannot.
pub fn draw(timeline: &Timeline, size: Size) -> Result<String, DrawError> {
    super::svg(size, "time line", |area| plane(timeline).draw(area))
}

fn plane(timeline: &Timeline) -> Plane {
    let (start, end) = timeline.span_s;
    let end = end.max(start + LEAST_SPAN_S);
    let lines = timeline.lines.iter().map(|line| Line {
        place: line.place,
        points: line
            .points
            .iter()
            .map(|point| (point.at_s, point.p50_ns))
            .collect(),
    });
    Plane {
        lines: lines.collect(),
        x: (start, end),
        marks: Box::new(move |width_px| {
            let marks = ticks::between(start, end, width_px).into_iter();
            marks.map(|at_s| (at_s, clock(at_s, end))).collect()
        }),
        dots: true,
    }
}

fn clock(at_s: f64, end: f64) -> String {
    if end > MINUTES_FROM_S {
        quantity::elapsed(at_s)
    } else if at_s > 0.0 {
        quantity::tick(at_s * NS_PER_S)
    } else {
        "0".to_owned()
    }
}
