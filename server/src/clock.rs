//! The one clock: whoever asks for the time asks here, so that tests can hold it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

const NS_PER_SECOND: u64 = 1_000_000_000;

/// A point in time: nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The end of what has none.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    /// A whole second since the Unix epoch, as JWT counts (RFC 7519 §2, `NumericDate`). The far future saturates.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(NS_PER_SECOND))
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0 / NS_PER_SECOND
    }

    /// A point in nanoseconds since the Unix epoch.
    #[must_use]
    pub(crate) const fn from_nanoseconds(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub(crate) const fn nanoseconds(self) -> u64 {
        self.0
    }

    /// How long after `earlier` it is; nothing where it is not.
    #[must_use]
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This point and `period` later.
    #[must_use]
    pub fn after(self, period: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(period.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

/// Where the time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The system's coarse clock: a quarter of the cost of the fine one, and 4 ms at most behind it.
    Coarse,
    /// A clock that stands still until a test moves it.
    Controlled(Controlled),
}

impl Clock {
    /// Now.
    #[inline]
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Coarse => of_system(clock_gettime(ClockId::RealtimeCoarse)),
            Self::Controlled(hands) => Timestamp(hands.0.shown.load(Ordering::SeqCst)),
        }
    }

    /// A time that nobody sets and that never stands still, while this process is stopped or the machine sleeps either: for
    /// periods, counted from wherever it began.
    #[inline]
    #[must_use]
    pub(crate) fn running(&self) -> Timestamp {
        match self {
            Self::Coarse => of_system(clock_gettime(ClockId::Boottime)),
            Self::Controlled(hands) => Timestamp(hands.0.running.load(Ordering::SeqCst)),
        }
    }
}

fn of_system(time: Timespec) -> Timestamp {
    Timestamp(
        (time.tv_sec as u64)
            .saturating_mul(NS_PER_SECOND)
            .saturating_add(time.tv_nsec as u64),
    )
}

/// The hands of a controlled clock.
#[derive(Clone, Debug)]
pub struct Controlled(Arc<Hands>);

/// In nanoseconds.
#[derive(Debug)]
struct Hands {
    shown: AtomicU64,
    /// What nobody sets.
    running: AtomicU64,
}

impl Controlled {
    /// A clock that shows `seconds` since the Unix epoch.
    #[must_use]
    pub fn at_seconds(seconds: u64) -> Self {
        let hand = || AtomicU64::new(Timestamp::from_seconds(seconds).0);
        Self(Arc::new(Hands {
            shown: hand(),
            running: hand(),
        }))
    }

    /// Moves the clock forward.
    pub fn advance(&self, period: Duration) {
        let nanoseconds = period.as_nanos() as u64;
        self.0.shown.fetch_add(nanoseconds, Ordering::SeqCst);
        self.0.running.fetch_add(nanoseconds, Ordering::SeqCst);
    }

    /// Sets the clock forward or back by so many seconds, as a time server does. No time goes by.
    pub fn set_by(&self, seconds: i64) {
        let shown = &self.0.shown;
        let nanoseconds = seconds.unsigned_abs() * NS_PER_SECOND;
        if seconds < 0 {
            shown.fetch_sub(nanoseconds, Ordering::SeqCst);
        } else {
            shown.fetch_add(nanoseconds, Ordering::SeqCst);
        }
    }
}
