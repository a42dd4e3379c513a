//! Waiting for a planned instant, on time and without starving the reactor.
//!
//! Tried on one pinned core at 10 000/s (docs/adr/0011-sleep-then-yield-pacing.md): tokio's sleep alone is a
//! millisecond late, a hard spin starves the reactor (service 9 → 1466 µs); sleeping to within two
//! milliseconds and then yielding until due is 0.4 µs late at p50 and leaves service untouched.
//! Where the machine wakes a sleeper later than that (an idle virtual processor does), the sleep
//! ends earlier from then on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// tokio's timer wheel counts milliseconds, and rounds up.
const LEAST_MARGIN: Duration = Duration::from_millis(2);
pub(crate) const MOST_MARGIN: Duration = Duration::from_millis(20);
/// A sleeper that woke with less than this share of the margin left was nearly late.
const NEARLY: f64 = 0.75;
/// A yield that came back so soon found nobody else with work: one look at the reactor.
const IDLE_YIELD: Duration = Duration::from_micros(3);

/// How long before a planned instant sleep is to end: learned from how late sleepers woke.
static MARGIN_NS: AtomicU64 = AtomicU64::new(LEAST_MARGIN.as_nanos() as u64);

/// Returns at `due`, or at once when it has passed. What it gives is the time it only passed by
/// yielding: CPU time that the generator had to spare.
pub(crate) async fn until(due: Instant) -> Duration {
    let mut now = Instant::now();
    let margin = Duration::from_nanos(MARGIN_NS.load(Ordering::Relaxed));
    if let Some(asleep) = due.checked_sub(margin)
        && asleep > now
    {
        tokio::time::sleep_until(asleep.into()).await;
        now = Instant::now();
        widen(margin, now.saturating_duration_since(asleep));
    }
    let mut spare = Duration::ZERO;
    // Each yield polls the reactor once.
    while now < due {
        tokio::task::yield_now().await;
        let after = Instant::now();
        let passed = after - now;
        if passed < IDLE_YIELD {
            spare += passed;
        }
        now = after;
    }
    spare
}

/// After a sleeper woke late by `over`.
fn widen(margin: Duration, over: Duration) {
    if over > margin.mul_f64(NEARLY) {
        let wider = (over * 2).min(MOST_MARGIN);
        let wider_ns = u64::try_from(wider.as_nanos()).unwrap_or(u64::MAX);
        MARGIN_NS.fetch_max(wider_ns, Ordering::Relaxed);
    }
}
