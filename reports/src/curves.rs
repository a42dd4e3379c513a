//! The percentile curves of a run: which charts, which lines, and where their points lie.

use crate::run::{Figure, Latency, LoadStep, PERCENTILES, Run, ascending_percentiles};

/// Of a percentile in words.
const MOST_DECIMALS: f64 = 7.0;

/// A chart: one load and step, a curve for each variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    /// Load and step.
    pub at: LoadStep,
    /// Which latency they are of.
    pub latency: Latency,
    /// Whether the load has another chart, of the other latency.
    pub is_one_of_two: bool,
    /// A curve for each variant that was measured.
    pub lines: Vec<Line>,
    /// Greatest x of any line.
    pub x_end: f64,
}

/// One variant's curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The variant's place in the run: its colour, the same in every chart.
    pub place: usize,
    /// As people read it.
    pub label: String,
    /// (1/(1−p), latency in nanoseconds), ascending.
    pub points: Vec<(f64, f64)>,
    /// Samples.
    pub count: u64,
    /// Latency at each of [`PERCENTILES`], ascending, nanoseconds; none where the samples do not carry it.
    pub percentiles: Vec<Option<u64>>,
    /// Greatest latency, nanoseconds.
    pub max: u64,
}

/// The charts of a run: the ladder's own first, then the scenario's order; none for a step without
/// curves. With open arrivals the service time has a second chart, after that of the response time.
#[must_use]
pub fn of(run: &Run) -> Vec<Curves> {
    let steps = run
        .scenario
        .loads
        .iter()
        .flat_map(|load| load.steps.iter().map(move |step| (load, step)));
    let charts = steps.flat_map(|(load, step)| {
        let at = LoadStep {
            load: load.name.clone(),
            step: step.clone(),
        };
        let second = load.open.then_some(Latency::Service);
        let both = [Some(load.latency()), second];
        let charts = both.into_iter().flatten();
        charts
            .filter_map(|latency| chart(run, at.clone(), latency, load.open))
            .collect::<Vec<_>>()
    });
    let (ladder, others): (Vec<_>, Vec<_>) =
        charts.partition(|curves| curves.at == run.scenario.ladder.latency);
    ladder.into_iter().chain(others).collect()
}

impl Curves {
    /// What its axis shows, in words.
    #[must_use]
    pub fn shows(&self) -> &'static str {
        if self.is_one_of_two {
            self.latency.label()
        } else {
            "latency"
        }
    }
}

fn chart(run: &Run, at: LoadStep, latency: Latency, is_one_of_two: bool) -> Option<Curves> {
    let lines: Vec<Line> = run
        .variants
        .iter()
        .enumerate()
        .filter_map(|(place, variant)| {
            line(
                place,
                &variant.label,
                run.figure(&variant.name, &at, latency.metric())?,
            )
        })
        .collect();
    let points = lines.iter().flat_map(|line| &line.points);
    let x_end = points.map(|point| point.0).reduce(f64::max)?;
    Some(Curves {
        at,
        latency,
        is_one_of_two,
        lines,
        x_end,
    })
}

fn line(place: usize, label: &str, figure: &Figure) -> Option<Line> {
    let samples = figure.count as f64;
    // The maximum stands where a percentile of one sample in all would: 100 % is infinitely far.
    let x = |percentile: f64| {
        if percentile < 100.0 {
            1.0 / (1.0 - percentile / 100.0)
        } else {
            samples
        }
    };
    let points: Vec<(f64, f64)> = figure
        .curve
        .iter()
        .map(|&(p, value)| (x(p), value.max(1) as f64))
        .collect();
    let carried = |place: usize| {
        let held = figure.percentiles.get(place).copied();
        held.filter(|_| x(PERCENTILES[place]) <= samples)
    };
    (!points.is_empty()).then(|| Line {
        place,
        label: label.to_owned(),
        points,
        count: figure.count,
        percentiles: ascending_percentiles().into_iter().map(carried).collect(),
        max: figure.max,
    })
}

/// `99.9 %`, of 1/(1−p): as many digits as tell its distance to 100 % by three.
pub(crate) fn percentile(inverse: f64) -> String {
    let left = 100.0 / inverse;
    let decimals = (2.0 - left.log10().floor()).clamp(0.0, MOST_DECIMALS);
    let unit = 10_f64.powf(decimals);
    format!("{} %", ((100.0 - left) * unit).round() / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_as_long_as_their_nines_ask_for() {
        for (inverse, said) in [
            (1.0, "0 %"),
            (2.0, "50 %"),
            (10.0, "90 %"),
            (1.0 / 0.028_125, "97.19 %"),
            (1e3, "99.9 %"),
            (1.0 / 0.001_757_81, "99.824 %"),
            (1e6, "99.9999 %"),
        ] {
            assert_eq!(percentile(inverse), said);
        }
    }
}
