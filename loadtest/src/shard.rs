//! A load made by several processes: which share of it is ours, and when all of them begin.
//!
//! While they load nobody speaks to anybody: every shard knows the same seed, the same scenario and the same
//! instant, which is given or found by [`meet`](crate::meet). Slice k begins at that instant plus what all slices before it were planned to take, so
//! that the clocks of the machines must agree (NTP does).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use authlab_reports::folder::MOST_SHARDS;
use jiff::Timestamp;

/// The part of one process in a load that several make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which share of the load.
    pub share: Share,
    /// When all shards begin.
    pub start_at: Timestamp,
}

/// A scenario, or a start, that shards cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// Each shard would start a server of its own.
    #[error(
        "variant `{0}` is started by the lab, by each shard for itself: with --shard every variant needs a `url`"
    )]
    Started(String),
    /// The next rate follows from what was measured, by one process alone.
    #[error("load `{0}` searches its capacity, which shards cannot: give it a `rate`")]
    Searches(String),
    /// Some shards would have none.
    #[error("load `{load}` has {users} users: too few for {of} shards")]
    TooFewUsers {
        /// The load.
        load: String,
        /// Its users.
        users: usize,
        /// Shards.
        of: u32,
    },
    /// Shards begin together or not at all.
    #[error(
        "--start-at {start_at} has passed, {} s ago: start all shards before it",
        late.as_secs()
    )]
    Passed {
        /// As given.
        start_at: Timestamp,
        /// The time since then.
        late: Duration,
    },
    /// Most likely a mistake of units or zones.
    #[error("--start-at {0} is more than a day ahead")]
    FarAhead(Timestamp),
    /// The text is not a time.
    #[error("`{0}` is not a time; write 2026-01-31T08:00:00Z, or epoch seconds")]
    NotATime(String),
}

/// Who waits longer has mistyped.
const FARTHEST_AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

impl Shard {
    /// A shard that begins at `start_at`, which must be ahead of `now`.
    ///
    /// # Errors
    /// It has passed, or is more than a day ahead.
    pub fn new(share: Share, start_at: Timestamp, now: Timestamp) -> Result<Self, ShardError> {
        let ahead = start_at.duration_since(now);
        if ahead.is_negative() {
            return Err(ShardError::Passed {
                start_at,
                late: ahead.unsigned_abs(),
            });
        }
        if ahead.unsigned_abs() > FARTHEST_AHEAD {
            return Err(ShardError::FarAhead(start_at));
        }
        Ok(Self { share, start_at })
    }
}

/// Reads the instant at which shards begin: RFC 3339, or epoch seconds.
///
/// # Errors
/// The text is neither.
pub fn start_at(text: &str) -> Result<Timestamp, ShardError> {
    let epoch = text
        .parse::<f64>()
        .ok()
        .filter(|seconds| (0.0..LATEST_S).contains(seconds))
        .and_then(|seconds| Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok());
    epoch
        .or_else(|| text.parse().ok())
        .ok_or_else(|| ShardError::NotATime(text.to_owned()))
}

/// The year 2286: larger numbers are milliseconds, and a mistake.
const LATEST_S: f64 = 1e10;

/// The share of one process: every `of`-th arrival of the schedule, and every `of`-th user, from
/// the `number`-th on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    number: u32,
    of: u32,
}

/// Text that names no share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a shard; write i/n with i from 0 to n − 1 and n at most {MOST_SHARDS}: 0/3, 1/3, 2/3"
)]
pub struct NotAShare(String);

impl Share {
    /// All of it.
    pub const WHOLE: Self = Self { number: 0, of: 1 };

    /// Which share, from 0.
    #[must_use]
    pub fn number(self) -> u32 {
        self.number
    }

    /// How many shares there are.
    #[must_use]
    pub fn of(self) -> u32 {
        self.of
    }

    /// Whether the `k`-th arrival of the schedule, from 0, is ours.
    #[must_use]
    pub fn takes(self, k: u64) -> bool {
        k % u64::from(self.of) == u64::from(self.number)
    }

    /// How many of `users` are ours.
    #[must_use]
    pub fn users(self, users: usize) -> usize {
        users
            .saturating_sub(self.number as usize)
            .div_ceil(self.of as usize)
    }

    /// The number, in the whole load, of our `local`-th user.
    #[must_use]
    pub fn user(self, local: usize) -> usize {
        self.number as usize + local * self.of as usize
    }
}

impl FromStr for Share {
    type Err = NotAShare;

    fn from_str(text: &str) -> Result<Self, NotAShare> {
        text.split_once('/')
            .and_then(|(number, of)| {
                Some(Self {
                    number: number.parse().ok()?,
                    of: of.parse().ok()?,
                })
            })
            .filter(|share| share.number < share.of && share.of <= MOST_SHARDS)
            .ok_or_else(|| NotAShare(text.to_owned()))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}/{}", self.number, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_written_from_zero_and_anything_else_is_refused() {
        for text in ["0/1", "2/3", "999/1000"] {
            assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
        }
        for text in ["", "3", "3/3", "1/0", "-1/3", "0/1001", "1/3/5", "a/b"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_start_is_a_time_ahead() {
        let now: Timestamp = "2026-01-31T08:00:00Z".parse().unwrap();
        let told = |text: &str| {
            start_at(text)
                .and_then(|at| Shard::new(Share::WHOLE, at, now))
                .map_or_else(
                    |error| error.to_string(),
                    |shard| shard.start_at.to_string(),
                )
        };
        for (text, expected) in [
            ("2026-01-31T08:00:05Z", "2026-01-31T08:00:05Z"),
            ("2026-01-31T09:00:05+01:00", "2026-01-31T08:00:05Z"),
            ("1769846405", "2026-01-31T08:00:05Z"),
            ("1769846405.25", "2026-01-31T08:00:05.25Z"),
            (
                "2026-01-31T07:59:30Z",
                "--start-at 2026-01-31T07:59:30Z has passed, 30 s ago: start all shards before it",
            ),
            (
                "2026-02-02T08:00:00Z",
                "--start-at 2026-02-02T08:00:00Z is more than a day ahead",
            ),
            (
                "1769846405000",
                "`1769846405000` is not a time; write 2026-01-31T08:00:00Z, or epoch seconds",
            ),
            (
                "soon",
                "`soon` is not a time; write 2026-01-31T08:00:00Z, or epoch seconds",
            ),
        ] {
            assert_eq!(told(text), expected);
        }
    }

    #[test]
    fn the_users_of_all_shares_are_every_user_once() {
        for (users, of) in [(7, 3), (3, 3), (100, 8), (1, 1)] {
            let mut all: Vec<usize> = (0..of)
                .map(|number| Share { number, of })
                .flat_map(|share| (0..share.users(users)).map(move |local| share.user(local)))
                .collect();
            all.sort_unstable();
            assert_eq!(all, (0..users).collect::<Vec<_>>());
        }
    }
}
