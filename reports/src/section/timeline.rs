//! The median of each slice over the time of a run, so that drift, and a neighbour's visit, are seen.

use crate::chart::{
    self, DrawError,
    plane::{self, Plane},
    ticks,
};
use crate::document::{Block, Chart, Entry, Points, Section, Table};
use crate::quantity;
use crate::run::{Figure, Latency, LoadStep, Run, Slice};

const NOTE: &str = "A dot is the median of one slice, in the order in which slices ran: a line that climbs is drift, all lines \
    jumping at once a neighbour.";
const NOTE_OF_SECONDS: &str = "A dot is the median of the requests whose answers ended within one second. A line that climbs \
    means that requests waited longer and longer, or that the server became slower.";
const COLUMNS: [&str; 4] = ["variant", "block", "after", "p50"];
const NS_PER_S: f64 = 1e9;
/// From here on minutes say more than seconds.
const MINUTES_FROM_S: f64 = 120.0;
/// A slice of no length still has an axis.
const LEAST_SPAN_S: f64 = 1e-3;

/// The slices of the ladder's load.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// Load and step.
    pub at: LoadStep,
    /// Which latency its medians are of.
    pub latency: Latency,
    /// Whether its points are seconds of continuous slices, and not whole slices.
    pub by_second: bool,
    /// A line for each variant that was measured.
    pub lines: Vec<Line>,
    /// Start of the first slice and end of the last, seconds after the run's start.
    pub span_s: (f64, f64),
}

/// One variant's slices.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The variant's place in the run: its colour, the same in every chart.
    pub place: usize,
    /// As people read it.
    pub label: String,
    /// Its slices, in the order in which they ran.
    pub points: Vec<Point>,
}

/// One slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Middle of the slice, seconds after the run's start.
    pub at_s: f64,
    /// Its block, from 0.
    pub block: usize,
    /// Median latency, nanoseconds.
    pub p50_ns: f64,
}

impl Timeline {
    /// Of a run; none when no slice of the ladder's load holds a median.
    #[must_use]
    pub fn of(run: &Run) -> Option<Self> {
        let at = &run.scenario.ladder.latency;
        let variants = run.variants.iter().enumerate();
        let lines: Vec<Line> = variants
            .filter_map(|(place, variant)| {
                let slices = run.slices_of(&at.load, &variant.name);
                let points: Vec<Point> = slices.flat_map(|slice| points(slice, at)).collect();
                (!points.is_empty()).then(|| Line {
                    place,
                    label: variant.label.clone(),
                    points,
                })
            })
            .collect();
        let of_load = || run.slices.iter().filter(|slice| slice.load == at.load);
        let starts = of_load().map(|slice| slice.start_ns);
        let ends = of_load().map(|slice| slice.start_ns + slice.length_ns);
        let span_s = (
            starts.min()? as f64 / NS_PER_S,
            ends.max()? as f64 / NS_PER_S,
        );
        (!lines.is_empty()).then(|| Self {
            at: at.clone(),
            latency: run.latency_of(&at.load),
            by_second: of_load().any(tells_seconds),
            lines,
            span_s,
        })
    }
}

/// Whether it holds times of its seconds: one that was added up from several processes may have counts alone.
fn tells_seconds(slice: &Slice) -> bool {
    let mut seconds = slice.intervals.iter();
    !slice.intervals.is_empty()
        && seconds.all(|second| second.ok == 0 || !second.figures.is_empty())
}

/// Of a continuous slice a point for each second, of another one its median.
fn points(slice: &Slice, at: &LoadStep) -> Vec<Point> {
    let point = |start_ns: u64, length_ns: u64, p50: u64| Point {
        at_s: (start_ns as f64 + length_ns as f64 / 2.0) / NS_PER_S,
        block: slice.block,
        p50_ns: (p50 as f64).max(1.0),
    };
    let whole = slice.latency(&at.step);
    let Some(whole) = whole else {
        return Vec::new();
    };
    if !tells_seconds(slice) {
        return vec![point(slice.start_ns, slice.length_ns, whole.p50())];
    }
    let of_step = |figure: &&Figure| figure.step == at.step && figure.metric == whole.metric;
    let seconds = slice.intervals.iter().filter_map(|interval| {
        let mut figures = interval.figures.iter().filter(|figure| figure.count > 0);
        let figure = figures.find(of_step)?;
        Some(point(interval.start_ns, interval.length_ns, figure.p50()))
    });
    seconds.collect()
}

/// The section; none without a time line.
pub(super) fn section(run: &Run) -> Result<Option<Section>, DrawError> {
    let Some(timeline) = Timeline::of(run) else {
        return Ok(None);
    };
    let (load, step) = (&timeline.at.load, &timeline.at.step);
    let of = match timeline.latency {
        Latency::Response => ", response time",
        Latency::Service => "",
    };
    let title = format!("Over the run: {load}, {step}{of}");
    let lines = &timeline.lines;
    let chart = Chart {
        label: format!(
            "{title}. Median latency of each {part} of each variant by time, the axis of latencies logarithmic; figures below.",
            part = part(&timeline)
        ),
        legend: lines
            .iter()
            .map(|line| Entry::line(line.place, &line.label, None))
            .collect(),
        pictures: Some(chart::both(|size| {
            chart::svg(size, "time line", |area| plane(&timeline).draw(area))
        })?),
        points: lines
            .iter()
            .map(|line| Points {
                place: line.place,
                label: line.label.clone(),
                lines: vec![line.points.iter().map(said).collect()],
            })
            .collect(),
        caption: if timeline.by_second {
            NOTE_OF_SECONDS
        } else {
            NOTE
        },
        ..Chart::default()
    };
    let slices = Table::of(title.clone(), COLUMNS, lines.iter().flat_map(rows));
    Ok(Some(Section::of_chart(
        title,
        chart,
        Block::folded(format!("Every {}", part(&timeline)), slices),
    )))
}

fn part(timeline: &Timeline) -> &'static str {
    if timeline.by_second {
        "second"
    } else {
        "slice"
    }
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

fn plane(timeline: &Timeline) -> Plane {
    let (start, end) = timeline.span_s;
    let end = end.max(start + LEAST_SPAN_S);
    let lines = timeline.lines.iter().map(|line| plane::Line {
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
        title: "time after the start of the run",
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
