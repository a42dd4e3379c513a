//! The rate–latency curves of capacity searches: which charts, which lines, and where their points
//! lie.

use crate::{
    run::Run,
    run::{Capacity, Point},
};

/// A chart: one load, a search for each variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates<'a> {
    /// The load's name.
    pub load: &'a str,
    /// The limit of latency, as typed.
    pub slo: &'a str,
    /// The same in nanoseconds; none when it cannot be read.
    pub limit_ns: Option<u64>,
    /// A line for each variant that was searched.
    pub lines: Vec<Line<'a>>,
}

/// One variant's search.
#[derive(Debug, Clone, PartialEq)]
pub struct Line<'a> {
    /// The variant's place in the run: its colour, the same in every chart.
    pub place: usize,
    /// As people read it.
    pub label: &'a str,
    /// What was found.
    pub capacity: &'a Capacity,
    /// Every rate tried, ascending.
    pub points: Vec<&'a Point>,
}

/// The charts of a run, in the order in which loads were searched.
#[must_use]
pub fn of(run: &Run) -> Vec<Rates<'_>> {
    let mut charts: Vec<Rates<'_>> = Vec::new();
    for capacity in &run.capacities {
        let line = line(run, capacity);
        match charts.iter_mut().find(|rates| rates.load == capacity.load) {
            Some(rates) => rates.lines.push(line),
            None => charts.push(Rates {
                load: &capacity.load,
                slo: &capacity.slo,
                limit_ns: capacity.limit_ns(),
                lines: vec![line],
            }),
        }
    }
    for rates in &mut charts {
        rates.lines.sort_by_key(|line| line.place);
    }
    charts
}

fn line<'a>(run: &'a Run, capacity: &'a Capacity) -> Line<'a> {
    let mut variants = run.variants.iter();
    let place = variants.position(|variant| variant.name == capacity.variant);
    let mut points: Vec<_> = capacity.points.iter().collect();
    points.sort_by(|a, b| a.offered_per_s.total_cmp(&b.offered_per_s));
    Line {
        place: place.unwrap_or(run.variants.len()),
        label: place.map_or(capacity.variant.as_str(), |at| &run.variants[at].label),
        capacity,
        points,
    }
}

impl Rates<'_> {
    /// Least and greatest rate, and least and greatest latency, of what can be drawn; none when
    /// nothing was answered.
    pub(crate) fn spans(&self) -> Option<[(f64, f64); 2]> {
        let points = || self.lines.iter().flat_map(Line::answered);
        let limit = || self.limit_ns.map(|limit| limit as f64);
        let span = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), value| {
                (low.min(value), high.max(value))
            })
        };
        points().next()?;
        let latencies = points().flat_map(|point| [point.p50_ns.max(1), point.p99_ns]);
        Some([
            span(&mut points().map(|point| point.offered_per_s)),
            span(&mut latencies.map(|ns| ns as f64).chain(limit())),
        ])
    }
}

impl Line<'_> {
    /// The rates at which something was answered: the others have no latency.
    pub(crate) fn answered(&self) -> impl Iterator<Item = &Point> {
        let points = self.points.iter().copied();
        points.filter(|point| point.p99_ns > 0 && point.offered_per_s > 0.0)
    }

    /// The line through the median at each rate answered: a rate that was confirmed was offered several times.
    pub(crate) fn medians(&self, of: impl Fn(&Point) -> u64) -> Vec<(f64, f64)> {
        let points: Vec<&Point> = self.answered().collect();
        let same = |a: &&Point, b: &&Point| a.offered_per_s.total_cmp(&b.offered_per_s).is_eq();
        let median = |points: &[&Point]| {
            let mut values: Vec<u64> = points.iter().map(|point| of(point).max(1)).collect();
            values.sort_unstable();
            (
                points[0].offered_per_s,
                values[(values.len() - 1) / 2] as f64,
            )
        };
        points.chunk_by(same).map(median).collect()
    }
}
