//! A capacity search: each variant alone, one slice a rate.

use std::sync::Arc;
use std::time::Duration;

use authlab_reports::capacity::{Capacity, LimitedBy, Point};
use authlab_reports::percentiles;
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
            let tried = self.run.capacities[place].points.len();
            self.aim = Aim::Search;
            let mut attempts = 0;
            let ran = loop {
                let job = self.job(
                    &at_rate,
                    number,
                    variant,
                    load.slice,
                    Some(1),
                    slice_seed(self.order.seed, number, tried, variant),
                )?;
                // No shard searches: no timetable says when.
                let ran = self.ride(&job, load.slice, variant, None, progress)?;
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
            let point = self.point(limits, load.slice, rate, confirms, &ran);
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
    fn point(
        &self,
        limits: &Limits,
        slice: Duration,
        rate: f64,
        confirms: bool,
        ran: &Ran,
    ) -> Point {
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
            achieved_per_s: ran.taken.ok as f64 / ran.length.as_secs_f64().max(f64::MIN_POSITIVE),
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
        let lag = ran.length.saturating_sub(slice);
        let slow = u128::from(point.limited_ns) > limits.at_most.as_nanos();
        let wrong = point.errors > limits.errors_at_most;
        let usual = Duration::from_nanos(point.p50_ns);
        let behind = dropped > 0 || lag > usual + slice.mul_f64(LAG);
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
