//! A distribution of times in sixteenths of an octave: coarse, small, and written without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use super::add;

/// Buckets of an octave, as a power of two: a value is known to within 1/16, 3 % on average.
const PARTS_LOG2: u32 = 4;
const PARTS: usize = 1 << PARTS_LOG2;
/// Longest time told apart, as a power of two of nanoseconds: more than an hour.
const LONGEST_LOG2: u32 = 42;
const BUCKETS: usize = PARTS * (LONGEST_LOG2 - PARTS_LOG2 + 1) as usize;

/// Counters of one thread that others may read.
pub(super) struct Counters {
    buckets: [AtomicU64; BUCKETS],
    max: AtomicU64,
}

/// How many requests took how long. Values are read to within 6 %, and the greatest exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    buckets: Vec<u64>,
    max: u64,
}

/// A distribution drawn in bars of equal width on a logarithmic axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bars {
    /// Each bar's upper end, nanoseconds.
    pub ends_ns: Vec<u64>,
    /// Each bar's count.
    pub counts: Vec<u64>,
    /// Where the first begins, nanoseconds.
    pub begin_ns: u64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            max: AtomicU64::new(0),
        }
    }
}

impl Counters {
    /// Only ever called by one thread at a time.
    pub(super) fn count(&self, value: u64) {
        add(&self.buckets[bucket(value)], 1);
        if value > self.max.load(Ordering::Relaxed) {
            self.max.store(value, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> Distribution {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Distribution {
            buckets: self.buckets.iter().map(read).collect(),
            max: read(&self.max),
        }
    }
}

impl Distribution {
    /// The distribution of these values, nanoseconds.
    #[must_use]
    pub fn of(values_ns: impl IntoIterator<Item = u64>) -> Self {
        let counters = Counters::default();
        for value in values_ns {
            counters.count(value);
        }
        counters.read()
    }

    /// How many values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The greatest, nanoseconds; none without values.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        (self.count() > 0).then_some(self.max)
    }

    /// The value at a quantile from 0 to 1, nanoseconds; none without values.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<u64> {
        let rank = ((self.count() as f64 * quantile).ceil() as u64).max(1);
        let mut below = 0;
        let place = self.buckets.iter().position(|count| {
            below += count;
            below >= rank
        })?;
        Some(u64::midpoint(begin(place), begin(place + 1)).min(self.max))
    }

    /// At most so many bars, from the least value to the greatest; none without values.
    #[must_use]
    pub fn bars(&self, most: usize) -> Option<Bars> {
        let first = self.buckets.iter().position(|count| *count > 0)?;
        let last = self.buckets.iter().rposition(|count| *count > 0)?;
        let width = (last + 1 - first).div_ceil(most.max(1));
        let buckets = self.buckets[first..=last].chunks(width);
        Some(Bars {
            begin_ns: begin(first),
            ends_ns: (1..=buckets.len())
                .map(|bar| begin(first + bar * width))
                .collect(),
            counts: buckets.map(|bar| bar.iter().sum()).collect(),
        })
    }
}

/// Values below [`PARTS`] have a bucket each; above, each octave has [`PARTS`].
fn bucket(value: u64) -> usize {
    if value < PARTS as u64 {
        return value as usize;
    }
    let octave = value.ilog2();
    let part = (value >> (octave - PARTS_LOG2)) as usize - PARTS;
    let bucket = (octave - PARTS_LOG2 + 1) as usize * PARTS + part;
    bucket.min(BUCKETS - 1)
}

/// The least value of a bucket.
fn begin(bucket: usize) -> u64 {
    if bucket < PARTS {
        return bucket as u64;
    }
    ((PARTS + bucket % PARTS) as u64) << (bucket / PARTS - 1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket() {
        let octaves = (0..LONGEST_LOG2).map(|octave| 1 << octave);
        for value in octaves.flat_map(|power: u64| [power - 1, power, power + 1, power * 7 / 4]) {
            let at = bucket(value);
            assert!(begin(at) <= value && value < begin(at + 1), "{value}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_read_to_within_a_bucket_and_the_greatest_exactly() {
        let distribution = Distribution::of((1..=100_000).map(|n| n * 1_000));
        for quantile in [0.01_f64, 0.5, 0.99] {
            let truth = quantile * 1e8;
            let read = distribution.quantile(quantile).unwrap() as f64;
            assert!((read / truth - 1.0).abs() < 1.0 / 16.0, "{quantile} {read}");
        }
        assert_eq!(distribution.max(), Some(100_000_000));
        assert_eq!(Distribution::of([]).quantile(0.5), None);
    }

    #[test]
    fn bars_hold_every_value_and_are_never_more_than_asked_for() {
        let distribution = Distribution::of((0..5_000).map(|n| n * n));
        for most in [1, 7, 40, 10_000] {
            let bars = distribution.bars(most).unwrap();
            assert!(bars.counts.len() <= most && bars.counts.len() == bars.ends_ns.len());
            assert_eq!(bars.counts.iter().sum::<u64>(), 5_000, "{most}");
            assert!(*bars.ends_ns.last().unwrap() > 4_999 * 4_999, "{most}");
        }
    }
}
