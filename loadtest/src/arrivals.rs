//! When requests are planned: closed users that think, open arrivals from a seeded schedule, or
//! those of a recorded log.
//!
//! Planned instants come from absolute arithmetic, never from when a timer woke. An open schedule
//! is a rate over time, Λ(t) its integral: uniform arrivals are at Λ⁻¹(k), Poisson ones at Λ⁻¹ of
//! unit-exponential sums (time change of a Poisson process; Çınlar, *Introduction to Stochastic
//! Processes*, 4.7).

mod rate;
mod schedule;
pub mod trace;

use std::sync::Arc;
use std::time::Duration;

use rand::{Rng, RngExt};

pub use self::rate::{Piece, Rate};
pub use self::schedule::{Arrival, Schedule};
use self::trace::Trace;

/// More requests a second than any generator core sends: a mistake.
pub const MOST_PER_SECOND: f64 = 1e7;

/// A request a day.
const LEAST_PER_SECOND: f64 = 0.000_01;

/// A rate as typed, requests a second. What is not a number, endless or rounded to 0 is none.
///
/// # Errors
/// What is accepted.
pub fn per_second(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate| (LEAST_PER_SECOND..=MOST_PER_SECOND).contains(rate))
        .ok_or_else(|| {
            format!("a rate is more than 0, at least {LEAST_PER_SECOND} and at most {MOST_PER_SECOND} requests a second")
        })
}

/// How the requests of a load arrive.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrivals {
    /// Each user plans its next request when the last one has ended, plus its think time.
    Closed(Think),
    /// Requests are planned whether or not a user is free; users bound how many are under way.
    Open {
        /// The rate over a slice.
        rate: Rate,
        /// How arrivals are spread around it.
        spacing: Spacing,
    },
    /// Requests are planned as a log recorded them; users bound how many are under way.
    Trace(Arc<Trace>),
}

/// The pause of a closed user between an answer and its next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Think {
    /// None.
    #[default]
    None,
    /// Always the same.
    Constant(Duration),
    /// Evenly spread from zero to twice the mean.
    Uniform(Duration),
    /// Exponentially distributed around the mean.
    Exponential(Duration),
}

/// How open arrivals are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spacing {
    /// Evenly.
    #[default]
    Uniform,
    /// As a Poisson process: each independent of the others.
    Poisson,
}

impl Arrivals {
    /// Whether requests are planned whether or not a user is free.
    #[must_use]
    pub fn are_open(&self) -> bool {
        !matches!(self, Self::Closed(_))
    }
}

impl Think {
    /// The next pause.
    pub(crate) fn pause(self, random: &mut impl Rng) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Constant(pause) => pause,
            Self::Uniform(mean) => mean.mul_f64(random.random_range(0.0..2.0)),
            Self::Exponential(mean) => mean.mul_f64(exponential(random)),
        }
    }
}

/// A unit-exponential variate by inversion.
fn exponential(random: &mut impl Rng) -> f64 {
    // `1 − u` is never zero.
    -(1.0 - random.random::<f64>()).ln()
}
