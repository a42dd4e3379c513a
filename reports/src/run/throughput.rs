//! Throughput: answers a second of the time in which they came. Every output reads it here.

use std::time::Duration;

use super::Slice;

impl Slice {
    /// The time in which its answers came. Runs of older versions do not say it: there it lasts
    /// until the last answer.
    #[must_use]
    pub fn answering(&self) -> Duration {
        Duration::from_nanos(self.answered_ns.unwrap_or(self.length_ns))
    }

    /// Requests answered as expected, a second; none of a slice that took no time.
    #[must_use]
    pub fn throughput(&self) -> Option<f64> {
        of([self])
    }
}

/// Requests answered as expected, a second, over several slices.
#[must_use]
pub fn of<'a>(slices: impl IntoIterator<Item = &'a Slice>) -> Option<f64> {
    let (mut answers, mut time) = (0_u64, Duration::ZERO);
    for slice in slices {
        answers = answers.saturating_add(slice.ok);
        time = time.saturating_add(slice.answering());
    }
    per_second(answers, time)
}

/// So many of anything a second; none when no time has passed.
#[must_use]
pub fn per_second(count: u64, time: Duration) -> Option<f64> {
    (!time.is_zero()).then(|| count as f64 / time.as_secs_f64())
}
