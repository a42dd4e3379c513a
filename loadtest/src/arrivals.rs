//! When requests are planned: closed users that think, or open arrivals from a seeded schedule.
//!
//! Planned instants come from absolute arithmetic, never from when a timer woke. An open schedule
//! is a rate over time, Λ(t) its integral: uniform arrivals are at Λ⁻¹(k), Poisson ones at Λ⁻¹ of
//! unit-exponential sums (time change of a Poisson process; Çınlar, *Introduction to Stochastic
//! Processes*, 4.7).

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

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

/// Requests a second over time: pieces of constant or linearly changing rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    pieces: Vec<Piece>,
}

/// A piece of a [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    /// How long it lasts, seconds; the last one of a rate goes on.
    pub seconds: f64,
    /// Requests a second at its start.
    pub from: f64,
    /// Requests a second at its end.
    pub to: f64,
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

impl Rate {
    /// The same rate throughout.
    #[must_use]
    pub fn constant(per_second: f64) -> Self {
        Self::of(vec![Piece {
            seconds: f64::INFINITY,
            from: per_second,
            to: per_second,
        }])
    }

    /// Pieces one after another; the last one's final rate goes on.
    #[must_use]
    pub fn of(mut pieces: Vec<Piece>) -> Self {
        let to = pieces.last().map_or(0.0, |piece| piece.to);
        pieces.push(Piece {
            seconds: f64::INFINITY,
            from: to,
            to,
        });
        Self { pieces }
    }

    /// Λ⁻¹: the time at which `arrivals` were due, seconds; none when they never are.
    fn time_of(&self, arrivals: f64) -> Option<f64> {
        let mut left = arrivals;
        let mut start = 0.0;
        for piece in &self.pieces {
            let within = piece.seconds * f64::midpoint(piece.from, piece.to);
            if left <= within || piece.seconds.is_infinite() {
                return piece.time_of(left).map(|time| start + time);
            }
            left -= within;
            start += piece.seconds;
        }
        None
    }
}

impl Piece {
    /// Solves `from·t + (to − from)/(2·seconds)·t² = arrivals` for `t`.
    fn time_of(&self, arrivals: f64) -> Option<f64> {
        let slope = if self.seconds.is_finite() {
            (self.to - self.from) / self.seconds
        } else {
            0.0
        };
        let root = (self.from * self.from + 2.0 * slope * arrivals)
            .max(0.0)
            .sqrt();
        // The form without cancellation.
        let time = 2.0 * arrivals / (self.from + root);
        if arrivals == 0.0 {
            Some(0.0)
        } else {
            time.is_finite().then_some(time)
        }
    }
}

/// The planned instants of one slice, as offsets from its start.
#[derive(Debug)]
pub struct Schedule {
    rate: Rate,
    spacing: Spacing,
    random: StdRng,
    /// Λ at the next arrival.
    due: f64,
    length: Duration,
    planned: u64,
}

impl Schedule {
    /// How many arrivals were taken from it.
    #[must_use]
    pub fn planned(&self) -> u64 {
        self.planned
    }

    /// The schedule of a slice; the same seed gives the same instants.
    #[must_use]
    pub fn new(rate: Rate, spacing: Spacing, length: Duration, seed: u64) -> Self {
        let mut schedule = Self {
            rate,
            spacing,
            random: StdRng::seed_from_u64(seed),
            due: 0.0,
            length,
            planned: 0,
        };
        // A Poisson process does not begin with an arrival.
        if spacing == Spacing::Poisson {
            schedule.due = exponential(&mut schedule.random);
        }
        schedule
    }
}

impl Iterator for Schedule {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let offset = Duration::try_from_secs_f64(self.rate.time_of(self.due)?).ok()?;
        if offset >= self.length {
            return None;
        }
        self.due += match self.spacing {
            Spacing::Uniform => 1.0,
            Spacing::Poisson => exponential(&mut self.random),
        };
        self.planned += 1;
        Some(offset)
    }
}

/// A unit-exponential variate by inversion.
fn exponential(random: &mut impl Rng) -> f64 {
    // `1 − u` is never zero.
    -(1.0 - random.random::<f64>()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn schedule(rate: Rate, spacing: Spacing) -> Vec<f64> {
        Schedule::new(rate, spacing, SECOND, 7)
            .map(|offset| offset.as_secs_f64())
            .collect()
    }

    #[test]
    fn uniform_arrivals_do_not_drift() {
        let planned = schedule(Rate::constant(1_000.0), Spacing::Uniform);
        assert_eq!(planned.len(), 1_000);
        for (k, offset) in planned.iter().enumerate() {
            assert!((offset - k as f64 / 1_000.0).abs() < 1e-9, "{k}: {offset}");
        }
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_the_spread_of_a_poisson_process() {
        let planned = schedule(Rate::constant(10_000.0), Spacing::Poisson);
        // Five standard deviations of a Poisson count.
        assert!(
            (planned.len() as f64 - 10_000.0).abs() < 500.0,
            "{}",
            planned.len()
        );
        let gaps: Vec<f64> = planned.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        // An exponential's deviation is its mean.
        assert!(
            (variance.sqrt() / mean - 1.0).abs() < 0.1,
            "{}",
            variance.sqrt() / mean
        );
    }

    #[test]
    fn the_seed_decides() {
        let with = |seed| {
            Schedule::new(Rate::constant(100.0), Spacing::Poisson, SECOND, seed).collect::<Vec<_>>()
        };
        assert_eq!(with(1), with(1));
        assert_ne!(with(1), with(2));
    }

    #[test]
    fn a_ramp_plans_as_many_as_its_area_and_a_step_goes_on() {
        let piece = |seconds, from, to| Piece { seconds, from, to };
        let ramp = schedule(Rate::of(vec![piece(1.0, 0.0, 1_000.0)]), Spacing::Uniform);
        assert!((499..=501).contains(&ramp.len()), "{}", ramp.len());
        // Half of the arrivals of a ramp from zero are in its last 1 − 1/√2.
        assert!((ramp[250] - 0.5_f64.sqrt()).abs() < 0.01, "{}", ramp[250]);
        let steps = schedule(
            Rate::of(vec![piece(0.5, 100.0, 100.0), piece(0.1, 1_000.0, 1_000.0)]),
            Spacing::Uniform,
        );
        assert!((549..=551).contains(&steps.len()), "{}", steps.len());
        assert_eq!(
            schedule(Rate::constant(0.0), Spacing::Uniform).len(),
            1,
            "the first is due at once"
        );
    }
}
