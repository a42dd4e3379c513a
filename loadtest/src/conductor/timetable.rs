//! Which scenarios shards can have, and when the slices of one begin, so that those of all begin together.

use std::time::{Duration, Instant};

use authlab_reports::judge::LEAST_BLOCKS;
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
/// Between two slices of a duel at least: answers that are under way come, and what was measured is written.
const LEAST_PAUSE: Duration = Duration::from_millis(250);

/// The time from the planned end of a slice to the next one. The slices of a duel alternate too often to leave each
/// request its timeout: as long as a slice lasts is left for the last answer. One that takes longer makes the shard late,
/// and its block is set aside.
fn pause(load: &Load, is_duel: bool) -> Duration {
    let longest = load.timeout.saturating_add(BETWEEN_SLICES);
    if is_duel {
        load.slice.clamp(LEAST_PAUSE, longest)
    } else {
        longest
    }
}

/// The same after a warm-up, which the next server's users prepare in.
fn pause_of_warm_up(load: &Load, is_duel: bool) -> Duration {
    if is_duel {
        BETWEEN_SLICES.max(pause(load, is_duel))
    } else {
        pause(load, is_duel)
    }
}

/// How long a warm-up may last: the last of its slices may begin just before the cap.
fn longest_warm_up(load: &Load) -> Duration {
    load.warm_up + load.warm_up_slice()
}

/// The blocks of a duel of two servers that shards make within a time, and how long they take. No shard sees what the
/// others measured, so that none can end it earlier.
#[must_use]
pub fn blocks_of_shards(load: &Load, within: Duration) -> (usize, Duration) {
    const SIDES: u32 = 2;
    // Some will be set aside, and a verdict takes what is left.
    const LEAST: usize = LEAST_BLOCKS + LEAST_BLOCKS / 4;
    let slices = u32::try_from(load.slices_of_a_block()).unwrap_or(u32::MAX);
    let block = (load.slice + pause(load, true)) * SIDES * slices;
    let warm_up = if load.warm_up.is_zero() {
        Duration::ZERO
    } else {
        (longest_warm_up(load) + pause_of_warm_up(load, true)) * SIDES
    };
    let (mut blocks, mut takes) = (0, Duration::ZERO);
    loop {
        let restarts = blocks == 0 || load.restarts(blocks, true);
        let next = takes + block + if restarts { warm_up } else { Duration::ZERO };
        if blocks >= LEAST && next > within {
            return (blocks, takes);
        }
        (blocks, takes) = (blocks + 1, next);
    }
}

/// Where the next slice stands in it. It depends on the scenario alone, not on what happens.
pub(super) struct Timetable {
    next: Instant,
    is_duel: bool,
}

impl Timetable {
    pub(super) fn of(shard: &Shard, is_duel: bool) -> Self {
        let ahead = shard.start_at.duration_since(Timestamp::now());
        let now = Instant::now();
        let next = if ahead.is_negative() {
            now.checked_sub(ahead.unsigned_abs())
        } else {
            now.checked_add(ahead.unsigned_abs())
        };
        Self {
            next: next.unwrap_or(now),
            is_duel,
        }
    }

    /// The instant of the next slice that is measured; the one after it begins when a pause has passed since its end.
    pub(super) fn slice(&mut self, load: &Load) -> Instant {
        self.slot(load.slice + pause(load, self.is_duel))
    }

    /// The instant of the next warm-up.
    pub(super) fn warm_up(&mut self, load: &Load) -> Instant {
        self.slot(longest_warm_up(load) + pause_of_warm_up(load, self.is_duel))
    }

    fn slot(&mut self, length: Duration) -> Instant {
        let begins = self.next;
        self.next += length;
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
