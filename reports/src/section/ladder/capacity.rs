//! What a variant costs the server, and how many requests a second it could serve.

use crate::{
    blocks,
    order_statistics::Estimate,
    run::{Run, Slice},
    section::summary,
};

/// Below this share the server had time to spare: requests per second then measure the generator.
pub const BUSY_ENOUGH: f64 = 0.97;

const MILLION: f64 = 1e6;

/// Requests per second, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Capacity {
    /// Requests per second, over slices.
    pub per_second: Estimate,
    /// How it is known.
    pub known: Known,
}

/// How a capacity is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// The server's cores were at least 97 % busy in the median slice.
    Measured,
    /// The server's cores divided by the CPU time of a request.
    FromCpu,
}

impl Known {
    /// In words, next to the figure.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::FromCpu => "from CPU",
        }
    }
}

impl Capacity {
    pub(crate) fn of(run: &Run, variant: &str) -> Option<Self> {
        Self::measured(run, variant).or_else(|| Self::from_cpu(run, variant))
    }

    fn measured(run: &Run, variant: &str) -> Option<Self> {
        let load = &run.scenario.ladder.capacity.as_ref()?.load;
        // The median, as of every figure over slices: one disturbed slice does not unsay the others.
        blocks::over_slices(run, load, variant, |slice| slice.busy)
            .filter(|busy| busy.median >= BUSY_ENOUGH)?;
        let per_second = blocks::over_slices(run, load, variant, served_per_second)?;
        Some(Self {
            per_second,
            known: Known::Measured,
        })
    }

    fn from_cpu(run: &Run, variant: &str) -> Option<Self> {
        let cores = run.machine.server_cores.len() as f64;
        let cost =
            cpu_s_per_million(run, variant).filter(|cost| cost.median > 0.0 && cores > 0.0)?;
        Some(Self {
            per_second: cost.map(|seconds| cores * MILLION / seconds),
            known: Known::FromCpu,
        })
    }
}

/// What the capacity columns count when that is not one step alone: CPU time and busy cores are
/// known of a whole load, not of a step within it.
pub(crate) fn counts_whole_load(run: &Run) -> Option<String> {
    let at = run.scenario.ladder.capacity.as_ref()?;
    let load = run
        .scenario
        .loads
        .iter()
        .find(|load| load.name == at.load)?;
    (load.steps.len() > 1).then(|| {
        format!(
            "requests/s and CPU s/million count the whole load `{}`: {}",
            load.name,
            load.steps.join(", ")
        )
    })
}

/// CPU seconds of the server per million answered requests, under the capacity load.
pub(crate) fn cpu_s_per_million(run: &Run, variant: &str) -> Option<Estimate> {
    let load = &run.scenario.ladder.capacity.as_ref()?.load;
    summary::cpu_s_per_million(run, load, variant)
}

fn served_per_second(slice: &Slice) -> Option<f64> {
    slice.throughput().filter(|rate| *rate > 0.0)
}
