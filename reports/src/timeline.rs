//! The median of each slice over the time of a run, so that drift, and a neighbour's visit, are seen.

use crate::run::{Latency, LoadStep, Run, Slice};

const NS_PER_S: f64 = 1e9;

/// The slices of the ladder's load.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// Load and step.
    pub at: LoadStep,
    /// Which latency its medians are of.
    pub latency: Latency,
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
                let points: Vec<Point> = slices.filter_map(|slice| point(slice, at)).collect();
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
            lines,
            span_s,
        })
    }
}

fn point(slice: &Slice, at: &LoadStep) -> Option<Point> {
    let p50_ns = (slice.latency(&at.step)?.p50() as f64).max(1.0);
    Some(Point {
        at_s: (slice.start_ns as f64 + slice.length_ns as f64 / 2.0) / NS_PER_S,
        block: slice.block,
        p50_ns,
    })
}
