//! When the slices of a shard begin, so that those of all shards begin together.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::LOOK_EVERY;
use crate::interrupt;
use crate::scenario::Load;
use crate::shard::Shard;

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
