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
    /// The number of the next arrival, counted over every share: the shares take turns by it.
    number: u64,
    planned: u64,
    /// When the last one that was taken is planned.
    last: Duration,
}

#[derive(Debug)]
enum Source {
    Uniform {
        rate: Rate,
        /// Λ at the slice's start, over all slices of the load before it.
        before: f64,
        /// The number of the next arrival, over all slices of the load.
        next: u64,
        /// The number of the first arrival of the slice that follows.
        end: u64,
    },
    Poisson {
        rate: Rate,
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
        let source = match spacing {
            Spacing::Uniform => Source::Uniform {
                end: first_of_slice(&rate, length, 1),
                rate,
                before: 0.0,
                next: 0,
            },
            Spacing::Poisson => {
                let mut random = Box::new(StdRng::seed_from_u64(seed));
                // A Poisson process does not begin with an arrival.
                let due = exponential(&mut random);
                Source::Poisson { rate, random, due }
            }
        };
        Self::of(source, length)
    }

    /// The schedule of the slice that follows `slices` others of the same load.
    ///
    /// Uniform arrivals continue where the last slice ended, as if the slices were one: over any
    /// number of them as many are planned as the rate asks for, to one request. Poisson arrivals
    /// have no phase, and a trace begins anew with each slice.
    #[must_use]
    pub fn after(mut self, slices: u64) -> Self {
        match &mut self.source {
            Source::Uniform {
                rate,
                before,
                next,
                end,
            } => {
                *before = slices as f64 * rate.arrivals_within(self.length.as_secs_f64());
                *next = first_of_slice(rate, self.length, slices);
                *end = first_of_slice(rate, self.length, slices.saturating_add(1));
                self.number = *next;
            }
            // Else the first share would have the first arrival of every slice.
            Source::Poisson { .. } => self.number = slices,
            Source::Trace { .. } => {}
        }
        self
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
            number: 0,
            planned: 0,
            last: Duration::ZERO,
        }
    }

    /// Only the arrivals of `share`: those of all shares together are the schedule's.
    #[must_use]
    pub fn share(mut self, share: Share) -> Self {
        self.share = share;
        self
    }

    /// How many arrivals are planned up to `offset`, which has passed: those that were taken, but for
    /// one that was only waited for, and those that were not. The schedule is then of no further use.
    #[must_use]
    pub fn planned_until(&mut self, offset: Duration) -> u64 {
        let waited_for = u64::from(self.planned > 0 && self.last > offset);
        let taken = self.planned - waited_for;
        taken
            + self
                .by_ref()
                .take_while(|arrival| arrival.offset <= offset)
                .count() as u64
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
                .next(self.length)
                .filter(|arrival| arrival.offset < self.length)?;
            let number = self.number;
            self.number += 1;
            if self.share.takes(number) {
                self.planned += 1;
                self.last = arrival.offset;
                return Some(arrival);
            }
        }
    }
}

/// A sum of products that should be whole may miss it by rounding.
const ROUNDING: f64 = 1e-6;

/// The number of the first uniform arrival that is planned after `slices` slices of a load. The
/// arrivals of a slice end where those of the next begin, so that none is lost or planned twice.
/// The very first is planned at once, however low the rate.
fn first_of_slice(rate: &Rate, length: Duration, slices: u64) -> u64 {
    if slices == 0 {
        return 0;
    }
    let due = slices as f64 * rate.arrivals_within(length.as_secs_f64());
    // A float becomes the nearest integer there is: nothing overflows.
    ((due - ROUNDING).ceil() as u64).max(1)
}

impl Source {
    fn next(&mut self, length: Duration) -> Option<Arrival> {
        match self {
            Self::Uniform {
                rate,
                before,
                next,
                end,
            } => {
                if *next >= *end {
                    return None;
                }
                let due = (*next as f64 - *before).max(0.0);
                let time = rate.time_of(due).unwrap_or(f64::INFINITY);
                let last = length.saturating_sub(Duration::from_nanos(1));
                let offset = Duration::try_from_secs_f64(time).unwrap_or(last);
                *next += 1;
                Some(Arrival {
                    // It is of this slice by its number, which rounding does not change.
                    offset: offset.min(last),
                    replayed: None,
                })
            }
            Self::Poisson { rate, random, due } => {
                let offset = Duration::try_from_secs_f64(rate.time_of(*due)?).ok()?;
                *due += exponential(random);
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

    /// The integral of a rate: between two of these instants it is linear.
    fn area(rate: &Rate, ends: &[f64], seconds: f64) -> f64 {
        let mut instants: Vec<f64> = ends.iter().copied().filter(|at| *at < seconds).collect();
        instants.extend([0.0, seconds]);
        instants.sort_by(f64::total_cmp);
        let part = |pair: &[f64]| {
            let middle = Duration::from_secs_f64(f64::midpoint(pair[0], pair[1]));
            rate.at(middle) * (pair[1] - pair[0])
        };
        instants.windows(2).map(part).sum()
    }

    #[test]
    fn what_is_planned_after_an_interrupt_is_not_counted() {
        let new = || Schedule::new(Rate::constant(10.0), Spacing::Uniform, SECOND, 7);
        let cut = Duration::from_millis(450);
        // At 0, 100, 200, 300 and 400 ms, however many of them were taken; the sixth is waited for.
        for taken in 0..=6 {
            let mut schedule = new();
            assert_eq!(schedule.by_ref().take(taken).count(), taken);
            assert_eq!(schedule.planned_until(cut), 5, "{taken} taken");
        }
        assert_eq!(new().planned_until(SECOND), 10);
    }

    #[test]
    fn slices_of_a_low_rate_plan_what_the_rate_asks_for() {
        for (rate, length_ms, slices, expected) in [
            (15.0, 200, 2, 6),
            (15.0, 200, 10, 30),
            (17.0, 200, 10, 34),
            (0.5, 3_000, 2, 3),
            (0.5, 1_000, 8, 4),
            (2.5, 1_000, 4, 10),
            (0.0, 1_000, 5, 1),
            (1.0 / 3.0, 1_000, 30, 10),
        ] {
            let length = Duration::from_millis(length_ms);
            let planned: usize = (0..slices)
                .map(|slice| {
                    Schedule::new(Rate::constant(rate), Spacing::Uniform, length, 1)
                        .after(slice)
                        .count()
                })
                .sum();
            assert_eq!(
                planned, expected,
                "{rate}/s, {slices} slices of {length_ms} ms"
            );
        }
    }

    #[test]
    fn uniform_arrivals_keep_their_distance_over_the_end_of_a_slice() {
        let length = Duration::from_millis(250);
        let instants: Vec<f64> = (0..12)
            .flat_map(|slice| {
                let begins = slice as f64 * length.as_secs_f64();
                Schedule::new(Rate::constant(7.0), Spacing::Uniform, length, 1)
                    .after(slice)
                    .map(move |arrival| begins + arrival.offset.as_secs_f64())
            })
            .collect();
        for (k, at) in instants.iter().enumerate() {
            assert!((at - k as f64 / 7.0).abs() < 1e-6, "{k}: {at}");
        }
        assert_eq!(instants.len(), 21);
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
            4 => Schedule::new(Rate::of(vec![ramp]), Spacing::Uniform, SECOND, seed),
            _ => Schedule::replay(Arc::new(trace(millis, 1.5)), SECOND),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_shares_of_a_schedule_are_its_arrivals_each_once(
            kind in 0_u8..5,
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

        #[test]
        fn uniform_arrivals_are_exact_to_one_request_over_any_number_of_slices(
            pieces in proptest::collection::vec((0.01_f64..3.0, 0.0_f64..500.0, 0.0_f64..500.0), 1..4),
            constant in proptest::bool::ANY,
            length_us in 1_000_u64..2_000_000,
            slices in 1_u64..40,
            of in 1_u32..5,
        ) {
            let ends: Vec<f64> = pieces
                .iter()
                .scan(0.0, |end, piece| {
                    *end += piece.0;
                    Some(*end)
                })
                .collect();
            let rate = if constant {
                Rate::constant(pieces[0].1)
            } else {
                let piece = |(seconds, from, to)| Piece { seconds, from, to };
                Rate::of(pieces.into_iter().map(piece).collect())
            };
            let length = Duration::from_micros(length_us);
            let schedule = |slice, share: u32| {
                Schedule::new(rate.clone(), Spacing::Uniform, length, 1)
                    .share(format!("{share}/{of}").parse().unwrap())
                    .after(slice)
            };
            let of_slice = area(&rate, &ends, length.as_secs_f64());
            let mut planned = 0_u64;
            let mut shares = vec![0_u64; of as usize];
            for slice in 0..slices {
                let whole: Vec<_> = Schedule::new(rate.clone(), Spacing::Uniform, length, 1)
                    .after(slice)
                    .map(|arrival| arrival.offset)
                    .collect();
                prop_assert!(whole.is_sorted());
                prop_assert!(whole.iter().all(|offset| *offset < length));
                planned += whole.len() as u64;
                for share in 0..of {
                    shares[share as usize] += schedule(slice, share).count() as u64;
                }
                let due = of_slice * (slice + 1) as f64;
                prop_assert!((planned as f64 - due).abs() <= 1.0 + 1e-3, "{planned} of {due}");
            }
            prop_assert_eq!(shares.iter().sum::<u64>(), planned);
            for share in shares {
                let due = of_slice * slices as f64 / f64::from(of);
                prop_assert!((share as f64 - due).abs() <= 1.0 + 1e-3, "{share} of {due}");
            }
        }
    }
}
