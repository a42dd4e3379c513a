//! A capacity search: each variant alone, one slice a rate.

use std::sync::Arc;
use std::time::Duration;

use authlab_reports::percentiles;
use authlab_reports::run::per_second;
use authlab_reports::run::{Capacity, LimitedBy, Point};
use hdrhistogram::Histogram;

use super::ride::Ran;
use super::{Conductor, RunError};
use crate::arrivals::{Arrivals, Rate};
use crate::interrupt;
use crate::live::Aim;
use crate::plan::{block_order, slice_seed};
use crate::progress::Progress;
use crate::recorder::DROPPED;
use crate::scenario::{Limits, Load};
use crate::search::{Bounds, Found, search};
use crate::validity::limited::{TIMER_P99_NS, generator_is_the_limit};

/// Responses may become longer by so much of the time that passes: more, and a backlog grows by that
/// share of the rate.
const GROWTH: f64 = 0.01;
/// Fewer arrivals show no growth: the slice of a low rate is longer for it,
const ARRIVALS: f64 = 10.0;
/// by this factor at most.
const LONGER: u32 = 4;
/// The last answer may come later than the median one would by this share of the slice: later, a
/// backlog has grown, however generous the limit of latency, and the offered rate is not served.
const LAG: f64 = 0.03;

/// A rate is offered again after a slice in which this tool was stopped, at most so often.
const MOST_TRIES: usize = 3;

impl Conductor<'_> {
    /// Searches for each variant's capacity, in seeded random order.
    pub(super) fn search_capacities(
        &mut self,
        load: &Arc<Load>,
        number: usize,
        limits: &Limits,
        progress: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), RunError> {
        self.start_missing(load, number, true, progress)?;
        let variants = self.servers.len();
        let order = block_order(self.order.seed, number, 0, variants);
        for variant in order.into_iter().take(variants) {
            self.search_capacity(load, number, variant, limits, progress)?;
        }
        Ok(())
    }

    fn search_capacity(
        &mut self,
        load: &Arc<Load>,
        number: usize,
        variant: usize,
        limits: &Limits,
        progress: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), RunError> {
        let place = self.run.capacities.len();
        self.run.capacities.push(Capacity {
            load: load.name.clone(),
            variant: self.scenario.variants[variant].name.clone(),
            slo: limits.slo.clone(),
            errors: limits.errors.clone(),
            rate: None,
            beyond: None,
            limited_by: LimitedBy::Interrupted,
            points: Vec::new(),
        });
        let bounds = Bounds {
            from: limits.from,
            precision: limits.precision,
            confirmations: load.blocks,
        };
        // The slices that confirm a rate, until it is.
        let mut confirming: Vec<(f64, Ran)> = Vec::new();
        let found: Found = search(bounds, &mut |rate, confirms| {
            let at_rate = Arc::new(Load {
                arrivals: at(&load.arrivals, rate),
                ..Load::clone(load)
            });
            let slice = slice_at(load.slice, rate);
            let tried = self.run.capacities[place].points.len();
            self.aim = Aim::Search;
            let mut attempts = 0;
            let ran = loop {
                let job = self.job(
                    &at_rate,
                    number,
                    variant,
                    slice,
                    Some(1),
                    slice_seed(self.order.seed, number, tried, variant),
                )?;
                // No shard searches: no timetable says when.
                let ran = self.ride(&job, slice, variant, None, progress)?;
                self.settle(variant);
                self.check(variant)?;
                if interrupt::requested() {
                    return Err(RunError::Interrupted);
                }
                self.listen(load, variant, &ran)?;
                attempts += 1;
                // A slice in which this tool was stopped says nothing of the server.
                if ran.paused.is_none() || attempts == MOST_TRIES {
                    break ran;
                }
            };
            let point = self.point(limits, rate, confirms, &ran);
            let seen = point.beyond;
            let capacity = &mut self.run.capacities[place];
            capacity.points.push(point);
            progress(Progress::Rate {
                capacity,
                left: self.pace.left(),
            });
            if confirms {
                confirming.push((rate, ran));
            }
            Ok(seen)
        })?;
        let capacity = &mut self.run.capacities[place];
        capacity.rate = found.rate;
        capacity.beyond = found.beyond;
        capacity.limited_by = found.limited_by;
        self.pace.searched(number, variant);
        confirming.retain(|(rate, _)| Some(*rate) == found.rate);
        for (block, (_, ran)) in confirming.into_iter().enumerate() {
            self.keep(load, block, variant, ran, progress)?;
        }
        Ok(())
    }

    /// What a slice at one rate says.
    fn point(&self, limits: &Limits, rate: f64, confirms: bool, ran: &Ran) -> Point {
        let planned = ran.planned.unwrap_or_default().max(1);
        let failed: u64 = ran.taken.failed.values().sum();
        let dropped = ran.taken.failed.get(DROPPED).copied().unwrap_or_default();
        let greatest = |metric: &str, percentile: f64| {
            let of =
                |histogram: &Histogram<u64>| percentiles::values_at(histogram, &[percentile])[0];
            ran.taken
                .recorded
                .iter()
                .filter(|recorded| recorded.metric == metric)
                .map(|recorded| of(&recorded.histogram))
                .max()
                .unwrap_or_default()
        };
        let shares = self.shares(ran);
        let mut point = Point {
            offered_per_s: rate,
            achieved_per_s: per_second(ran.taken.ok, ran.answering).unwrap_or(0.0),
            p50_ns: greatest("response", 50.0),
            p99_ns: greatest("response", 99.0),
            p999_ns: greatest("response", 99.9),
            max_ns: greatest("response", 100.0),
            limited_ns: greatest("response", limits.percentile),
            errors: failed as f64 / planned as f64,
            busy: shares.server_busy,
            timer_p99_ns: greatest("timer", 99.0),
            confirms,
            beyond: None,
        };
        let late = point.timer_p99_ns > TIMER_P99_NS;
        let saturated = generator_is_the_limit(shares.generator_occupied, shares.server_busy);
        let slow = u128::from(point.limited_ns) > limits.at_most.as_nanos();
        let wrong = point.errors > limits.errors_at_most;
        let usual = Duration::from_nanos(point.p50_ns);
        let behind = dropped > 0 || is_behind(ran.slice, ran.length, usual, ran.taken.growth);
        let cause = if wrong && !behind {
            LimitedBy::Errors
        } else if slow {
            LimitedBy::Latency
        } else {
            LimitedBy::Rate
        };
        // Lateness is within `response`: what kept to the limits all the same did keep to them.
        point.beyond = if !(slow || wrong || behind) {
            None
        } else if late || saturated {
            Some(LimitedBy::Generator)
        } else {
            Some(cause)
        };
        point
    }
}

/// Whether a backlog grew in a slice that was planned to last `slice`, and lasted `length` until its
/// last answer, with a median response of `usual`.
fn is_behind(slice: Duration, length: Duration, usual: Duration, growth: f64) -> bool {
    let lag = length.saturating_sub(slice);
    lag > usual + slice.mul_f64(LAG) || growth > GROWTH
}

/// How long a slice at a rate lasts, where a load's last `slice`.
fn slice_at(slice: Duration, per_second: f64) -> Duration {
    let needed = Duration::try_from_secs_f64(ARRIVALS / per_second).unwrap_or(Duration::MAX);
    needed.clamp(slice, slice.saturating_mul(LONGER))
}

/// The same arrivals at another rate.
fn at(arrivals: &Arrivals, per_second: f64) -> Arrivals {
    match arrivals {
        Arrivals::Open { spacing, .. } => Arrivals::Open {
            rate: Rate::constant(per_second),
            spacing: *spacing,
        },
        Arrivals::Closed(_) | Arrivals::Trace(_) => arrivals.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::recorder::simulated::served;

    /// A search as the conductor makes it, at a server that takes so long for each request, one
    /// after another.
    fn found(service_s: f64, users: usize, from: f64, slice_s: f64) -> f64 {
        let bounds = Bounds {
            from,
            precision: 0.02,
            confirmations: 3,
        };
        let mut tried: Vec<f64> = Vec::new();
        let found = search(bounds, &mut |rate, _| {
            let slice = slice_at(Duration::from_secs_f64(slice_s), rate);
            let before = tried.iter().filter(|at| at.total_cmp(&rate).is_eq());
            let before = before.count() as u64;
            tried.push(rate);
            let served = served(rate, slice, before, service_s, 1, users);
            let behind = is_behind(slice, served.length, served.p50, served.trend.growth());
            Ok::<_, Infallible>(behind.then_some(LimitedBy::Rate))
        });
        let Ok(found) = found;
        found.rate.unwrap()
    }

    #[test]
    fn the_capacity_of_a_server_is_found_within_three_percent() {
        for (service_s, users, from, slice_s) in [
            (0.4, 1, 1.0, 4.0),
            (0.4, 1, 0.1, 1.0),
            (0.4, 1, 100.0, 1.0),
            (0.4, 100, 100.0, 2.0),
            (0.005, 8, 100.0, 1.0),
            (0.005, 1_000, 100.0, 1.0),
            (0.005, 8, 20.0, 0.2),
            (0.0123, 20, 100.0, 0.5),
        ] {
            let rate = found(service_s, users, from, slice_s);
            let truth = 1.0 / service_s;
            assert!(
                (rate / truth - 1.0).abs() < 0.03,
                "{rate}/s of {truth}/s in slices of {slice_s} s"
            );
        }
    }

    #[test]
    fn a_slice_at_a_low_rate_is_long_enough_to_show_growth_and_bounded() {
        let second = Duration::from_secs(1);
        assert_eq!(slice_at(second, 100.0), second);
        assert_eq!(slice_at(second, 5.0), 2 * second);
        assert_eq!(slice_at(second, 0.1), 4 * second);
        assert_eq!(slice_at(second, 0.0), 4 * second);
    }
}
