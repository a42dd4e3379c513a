//! A prediction next to the run that followed it.

use serde::Serialize;

use super::{Predicted, Prediction};
use crate::blocks;
use crate::run::{LoadStep, Run, Slice};

/// The error that a capacity is to stay within, as a share.
pub const AIM_CAPACITY: f64 = 0.10;

/// The error that a 99th percentile is to stay within below [`BELOW`], as a share.
pub const AIM_P99: f64 = 0.20;

/// From this utilization on a latency is that of a queue, which no aim is set for.
pub const BELOW: f64 = 0.80;

/// Predicted and measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Error {
    /// What was predicted.
    pub predicted: f64,
    /// What was measured.
    pub measured: f64,
}

impl Error {
    fn of(predicted: f64, measured: Option<f64>) -> Option<Self> {
        let measured = measured.filter(|value| value.is_finite() && *value > 0.0)?;
        Some(Self {
            predicted,
            measured,
        })
    }

    /// Predicted divided by measured.
    #[must_use]
    pub fn ratio(self) -> f64 {
        self.predicted / self.measured
    }

    /// How much more was predicted than measured, as a share of what was measured: 0.1 is 10 % too much.
    #[must_use]
    pub fn share(self) -> f64 {
        self.ratio() - 1.0
    }
}

/// One step of a load of a variant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// The variant's name.
    pub variant: String,
    /// The load and its step.
    pub at: LoadStep,
    /// The predicted utilization.
    pub utilization: f64,
    /// Requests a second, of the whole load: the same for each of its steps.
    pub capacity: Option<Error>,
    /// The median latency, nanoseconds.
    pub p50: Option<Error>,
    /// The 99th percentile, nanoseconds.
    pub p99: Option<Error>,
}

impl Line {
    /// Whether an aim is set for its latencies.
    #[must_use]
    pub fn is_below(&self) -> bool {
        self.utilization < BELOW
    }
}

/// A prediction and the run that it is compared with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The scenario's name.
    pub scenario: String,
    /// What was predicted and measured, in the order of the prediction.
    pub lines: Vec<Line>,
}

impl Compared {
    /// Every step that was predicted and is in the run.
    #[must_use]
    pub fn of(prediction: &Prediction, run: &Run) -> Self {
        let lines = prediction.loads.iter().flat_map(|one| lines(one, run));
        Self {
            scenario: prediction.scenario.clone(),
            lines: lines.collect(),
        }
    }

    /// As a program reads it.
    ///
    /// # Errors
    /// A figure is no number.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// The capacity of each variant, once: that of the load by which the ladder measures it, else of the ladder's latency.
    #[must_use]
    pub fn capacities<'c>(&'c self, run: &Run) -> Vec<(&'c str, Error)> {
        let ladder = &run.scenario.ladder;
        let at = ladder.capacity.as_ref().unwrap_or(&ladder.latency);
        let mut found: Vec<(&str, Error)> = Vec::new();
        for line in self.lines.iter().filter(|line| line.at.load == at.load) {
            let is_known = found.iter().any(|(variant, _)| *variant == line.variant);
            if let (false, Some(error)) = (is_known, line.capacity) {
                found.push((&line.variant, error));
            }
        }
        found
    }

    /// The errors of the 99th percentile below [`BELOW`].
    #[must_use]
    pub fn p99s(&self) -> Vec<Error> {
        let below = self.lines.iter().filter(|line| line.is_below());
        below.filter_map(|line| line.p99).collect()
    }
}

fn lines(one: &Predicted, run: &Run) -> Vec<Line> {
    let measured = measured_capacity(run, &one.load, &one.variant);
    let capacity = Error::of(one.capacity_per_s, measured);
    let steps = one.steps.iter().filter_map(|step| {
        let at = LoadStep {
            load: one.load.clone(),
            step: step.step.clone(),
        };
        let figure = run.latency(&one.variant, &at);
        let figure = figure.filter(|figure| figure.count > 0)?;
        Some(Line {
            variant: one.variant.clone(),
            utilization: one.utilization,
            capacity,
            p50: Error::of(step.p50_ns, Some(figure.p50() as f64)),
            p99: Error::of(step.p99_ns, figure.held(99.0).map(|ns| ns as f64)),
            at,
        })
    });
    steps.collect()
}

/// The server's cores divided by the CPU time of a request, the median over slices: what a saturated server serves, and an
/// estimate for one that is not.
fn measured_capacity(run: &Run, load: &str, variant: &str) -> Option<f64> {
    let cpu = |slice: &Slice| {
        let answered = slice.ok as f64;
        (answered > 0.0).then(|| slice.cpu_ns.map(|ns| ns as f64 / answered))?
    };
    let cpu = blocks::over_slices(run, load, variant, cpu)?.median;
    let cores = run.machine.server_cores.len() as f64;
    Some(cores * 1e9 / cpu)
}
