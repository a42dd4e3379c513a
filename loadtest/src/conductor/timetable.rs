//! Which scenarios shards can have, and when the slices of one begin, so that those of all begin together.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::LOOK_EVERY;
use crate::interrupt;
use crate::scenario::{Load, Scenario, Target};
use crate::shard::{Shard, ShardError, Share};

impl Share {
    /// Whether a scenario can be shared.
    ///
    /// # Errors
    /// A variant is started by the lab, a load searches its capacity, or has fewer users than there are shards.
    pub fn check(self, scenario: &Scenario) -> Result<(), ShardError> {
        let started = |target: &Target| !matches!(target, Target::Url { .. });
        if let Some(variant) = scenario.variants.iter().find(|v| started(&v.target)) {
            return Err(ShardError::Started(variant.name.clone()));
        }
        if let Some(load) = scenario.loads.iter().find(|load| load.capacity.is_some()) {
            return Err(ShardError::Searches(load.name.clone()));
        }
        let few = |users: usize| users < self.of() as usize;
        if let Some(load) = scenario.loads.iter().find(|load| few(load.users)) {
            return Err(ShardError::TooFewUsers {
                load: load.name.clone(),
                users: load.users,
                of: self.of(),
            });
        }
        Ok(())
    }
}

/// Beside the load's timeout, for what happens between two slices.
const BETWEEN_SLICES: Duration = Duration::from_secs(1);

/// Where the next slice stands in it. It depends on the scenario alone, not on what happens.
pub(super) struct Timetable {
    next: Instant,
}

impl Timetable {
    pub(super) fn of(shard: &Shard) -> Self {
        let ahead = shard.start_at.duration_since(Timestamp::now());
        let now = Instant::now();
        let next = if ahead.is_negative() {
            now.checked_sub(ahead.unsigned_abs())
        } else {
            now.checked_add(ahead.unsigned_abs())
        };
        Self {
            next: next.unwrap_or(now),
        }
    }

    /// The instant of the next slice, which lasts `length`; the one after it begins when the load's
    /// timeout, and a second, have passed since its end.
    pub(super) fn slot(&mut self, load: &Load, length: Duration) -> Instant {
        let begins = self.next;
        self.next += length + load.timeout + BETWEEN_SLICES;
        begins
    }
}

/// Waits for `due`, or an interrupt; answers with how late it is by then.
pub(super) fn wait(due: Instant) -> Duration {
    loop {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() || interrupt::requested() {
            return Instant::now().saturating_duration_since(due);
        }
        std::thread::sleep(left.min(LOOK_EVERY));
    }
}
