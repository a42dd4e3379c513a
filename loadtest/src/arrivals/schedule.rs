//! The planned arrivals of one slice.

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::trace::{Replayed, Trace};
use super::{Rate, Spacing, exponential};
use crate::shard::Share;

/// A planned request, or the first of a journey.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// When it is planned, from the slice's start.
    pub offset: Duration,
    /// The log's line that it replays, if one is replayed.
    pub replayed: Option<Replayed>,
}

/// The planned arrivals of one slice, in order.
#[derive(Debug)]
pub struct Schedule {
    source: Source,
    length: Duration,
    share: Share,
    /// Arrivals of the whole schedule passed so far, of every share.
    passed: u64,
    planned: u64,
}

#[derive(Debug)]
enum Source {
    Rate {
        rate: Rate,
        spacing: Spacing,
        random: Box<StdRng>,
        /// Λ at the next arrival.
        due: f64,
    },
    Trace {
        trace: Arc<Trace>,
        next: usize,
    },
}

impl Schedule {
    /// The schedule of a slice; the same seed gives the same instants.
    #[must_use]
    pub fn new(rate: Rate, spacing: Spacing, length: Duration, seed: u64) -> Self {
        let mut random = Box::new(StdRng::seed_from_u64(seed));
        let due = match spacing {
            Spacing::Uniform => 0.0,
            // A Poisson process does not begin with an arrival.
            Spacing::Poisson => exponential(&mut random),
        };
        Self::of(
            Source::Rate {
                rate,
                spacing,
                random,
                due,
            },
            length,
        )
    }

    /// The trace from its start, for the slice's length or until it ends.
    #[must_use]
    pub fn replay(trace: Arc<Trace>, length: Duration) -> Self {
        Self::of(Source::Trace { trace, next: 0 }, length)
    }

    fn of(source: Source, length: Duration) -> Self {
        Self {
            source,
            length,
            share: Share::WHOLE,
            passed: 0,
            planned: 0,
        }
    }

    /// Only the arrivals of `share`: those of all shares together are the schedule's.
    #[must_use]
    pub fn share(mut self, share: Share) -> Self {
        self.share = share;
        self
    }

    /// How many arrivals were taken from it.
    #[must_use]
    pub fn planned(&self) -> u64 {
        self.planned
    }
}

impl Iterator for Schedule {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        loop {
            let arrival = self
                .source
                .next()
                .filter(|arrival| arrival.offset < self.length)?;
            let number = self.passed;
            self.passed += 1;
            if self.share.takes(number) {
                self.planned += 1;
                return Some(arrival);
            }
        }
    }
}

impl Source {
    fn next(&mut self) -> Option<Arrival> {
        match self {
            Self::Rate {
                rate,
                spacing,
                random,
                due,
            } => {
                let offset = Duration::try_from_secs_f64(rate.time_of(*due)?).ok()?;
                *due += match spacing {
                    Spacing::Uniform => 1.0,
                    Spacing::Poisson => exponential(random),
                };
                Some(Arrival {
                    offset,
                    replayed: None,
                })
            }
            Self::Trace { trace, next } => {
                let offset = trace.offset(*next)?;
                let replayed = Replayed::new(Arc::clone(trace), *next);
                *next += 1;
                Some(Arrival {
                    offset,
                    replayed: Some(replayed),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrivals::Piece;
    use crate::arrivals::trace::{Format, Reading, SubjectField};
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn schedule(rate: Rate, spacing: Spacing) -> Vec<f64> {
        Schedule::new(rate, spacing, SECOND, 7)
            .map(|arrival| arrival.offset.as_secs_f64())
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

    #[test]
    fn a_trace_is_replayed_from_its_start_as_long_as_the_slice_lasts() {
        let trace = Arc::new(trace(&[0, 400, 1_000, 1_600], 2.0));
        let offsets = |length| {
            Schedule::replay(Arc::clone(&trace), Duration::from_millis(length))
                .map(|arrival| arrival.offset.as_millis())
                .collect::<Vec<_>>()
        };
        assert_eq!(offsets(500), [0, 200]);
        assert_eq!(offsets(501), [0, 200, 500]);
        assert_eq!(offsets(60_000), [0, 200, 500, 800]);
    }

    fn trace(millis: &[u64], speed: f64) -> Trace {
        use std::io::Write;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for at in millis {
            // Epoch seconds and milliseconds: never a whole second throughout.
            let (seconds, millis) = (1_700_000_000 + at / 1_000, at % 1_000);
            writeln!(
                file,
                r#"{{"time":{seconds}.{millis:03}1,"method":"GET","path":"/{at}"}}"#
            )
            .unwrap();
        }
        let reading = Reading {
            format: Format::Json,
            subject: SubjectField::User,
            methods: vec![http::Method::GET],
            from: None,
            speed,
        };
        Trace::read(file.path(), "t", &reading).unwrap()
    }

    /// Each kind of schedule, by number.
    fn any_schedule(kind: u8, rate: f64, seed: u64, millis: &[u64]) -> Schedule {
        let ramp = Piece {
            seconds: 0.5,
            from: 0.0,
            to: rate,
        };
        match kind {
            0 => Schedule::new(Rate::constant(rate), Spacing::Uniform, SECOND, seed),
            1 => Schedule::new(Rate::constant(rate), Spacing::Poisson, SECOND, seed),
            2 => Schedule::new(Rate::of(vec![ramp]), Spacing::Poisson, SECOND, seed),
            _ => Schedule::replay(Arc::new(trace(millis, 1.5)), SECOND),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_shares_of_a_schedule_are_its_arrivals_each_once(
            kind in 0_u8..4,
            rate in 1.0..3_000.0,
            seed: u64,
            of in 1_u32..9,
            millis in proptest::collection::vec(0_u64..2_000, 1..100),
        ) {
            let whole: Vec<Arrival> = any_schedule(kind, rate, seed, &millis).collect();
            let mut shares: Vec<_> = (0..of)
                .map(|number| {
                    let share: Share = format!("{number}/{of}").parse().unwrap();
                    any_schedule(kind, rate, seed, &millis).share(share)
                })
                .collect();
            // In turn, they give back the whole, in order and bit for bit.
            for (k, arrival) in whole.iter().enumerate() {
                let taken = shares[k % of as usize].next();
                prop_assert_eq!(taken.as_ref(), Some(arrival));
            }
            for share in &mut shares {
                prop_assert!(share.next().is_none());
            }
            let planned: u64 = shares.iter().map(Schedule::planned).sum();
            prop_assert_eq!(planned, whole.len() as u64);
        }
    }
}
