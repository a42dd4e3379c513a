//! What people use instead, on the same blocks: each told only whether the head is worse.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use hdrhistogram::Histogram;

use super::report::Rival;

/// Blocks of a window: a duel's first look.
const WINDOW: usize = 20;
/// Criterion's significance level and noise threshold, its defaults.
const SIGNIFICANCE: f64 = 0.05;
const NOISE_THRESHOLD: f64 = 0.01;
/// Criterion makes 100 000; the share of alarms is the same to a percent.
const RESAMPLES: usize = 1_000;
/// What people write into a workflow: 10 % more.
const THRESHOLD: f64 = 1.10;

/// The requests of a slice: each value of its histogram with its count.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    values: Vec<(u64, u64)>,
}

impl Sample {
    pub(super) fn of(histogram: &Histogram<u64>) -> Self {
        let values = histogram
            .iter_recorded()
            .map(|at| (at.value_iterated_to(), at.count_at_value()));
        Self {
            values: values.collect(),
        }
    }

    fn count(&self) -> f64 {
        self.values.iter().map(|(_, count)| *count as f64).sum()
    }

    fn mean(&self) -> f64 {
        let sum: f64 = self
            .values
            .iter()
            .map(|(v, count)| *v as f64 * *count as f64)
            .sum();
        sum / self.count().max(1.0)
    }

    /// Unbiased.
    fn variance(&self) -> f64 {
        let mean = self.mean();
        let squares = self
            .values
            .iter()
            .map(|(v, count)| (*v as f64 - mean).powi(2) * *count as f64);
        squares.sum::<f64>() / (self.count() - 1.0).max(1.0)
    }

    fn percentile(&self, share: f64) -> f64 {
        let rank = (share * self.count()).ceil();
        let mut seen = 0.0;
        for (value, count) in &self.values {
            seen += *count as f64;
            if seen >= rank {
                return *value as f64;
            }
        }
        0.0
    }

    fn merged(slices: &[&Self]) -> Self {
        let mut values = std::collections::BTreeMap::new();
        for (value, count) in slices.iter().flat_map(|slice| &slice.values) {
            *values.entry(*value).or_insert(0) += *count;
        }
        Self {
            values: values.into_iter().collect(),
        }
    }
}

/// One side of a window: its slices, and all their requests.
struct Side<'a> {
    slices: Vec<&'a Sample>,
    all: Sample,
}

impl<'a> Side<'a> {
    fn of(blocks: &[Vec<&'a Sample>]) -> Self {
        let slices: Vec<&Sample> = blocks.iter().flatten().copied().collect();
        Self {
            all: Sample::merged(&slices),
            slices,
        }
    }
}

/// Whether a method says that the head is worse.
type Method = fn(&Side<'_>, &Side<'_>) -> bool;

const METHODS: [(&str, Method); 6] = [
    (
        "criterion's test (bootstrapped t, 5 %, beyond 1 %)",
        criterion,
    ),
    ("Welch's t on requests, 5 %", welch),
    ("Mann–Whitney on requests, 5 %", mann_whitney),
    ("goose's baseline: average in whole ms, any increase", goose),
    ("p50 more than 10 % above", |base, head| {
        above(base, head, 0.5)
    }),
    ("p99 more than 10 % above", |base, head| {
        above(base, head, 0.99)
    }),
];

/// Every method on windows of 20 blocks, both as people run them (the base, then the head) and with
/// the same interleaved slices as the duel.
pub(super) fn all(base: &[Vec<&Sample>], head: &[Vec<&Sample>]) -> Vec<Rival> {
    let blocks = base.len().min(head.len());
    let whole = |at: usize| (at + 1) * 2 * WINDOW <= blocks;
    let mut rivals: Vec<Rival> = METHODS
        .iter()
        .map(|(name, _)| Rival {
            name: (*name).to_owned(),
            windows: 0,
            sequential: 0,
            interleaved: 0,
        })
        .collect();
    for at in (0..).take_while(|at| whole(*at)) {
        let start = at * 2 * WINDOW;
        let (first, second) = (start..start + WINDOW, start + WINDOW..start + 2 * WINDOW);
        let from = Side::of(&base[first.clone()]);
        let after = Side::of(&head[second]);
        let beside = Side::of(&head[first]);
        for (rival, (_, worse)) in rivals.iter_mut().zip(METHODS) {
            rival.windows += 1;
            rival.sequential += usize::from(worse(&from, &after));
            rival.interleaved += usize::from(worse(&from, &beside));
        }
    }
    rivals
}

/// Criterion 0.8 `analysis/compare.rs`: a two-sample t statistic against its bootstrap distribution
/// under the pooled sample, and the relative change of the mean with its interval; a slice's mean is
/// its sample.
fn criterion(base: &Side<'_>, head: &Side<'_>) -> bool {
    let means = |side: &Side<'_>| -> Vec<f64> { side.slices.iter().map(|s| s.mean()).collect() };
    let (from, to) = (means(base), means(head));
    let mut random = StdRng::seed_from_u64(7);
    let mut resample = |of: &[f64], n: usize| -> Vec<f64> {
        (0..n)
            .map(|_| of[random.random_range(0..of.len())])
            .collect()
    };
    let t = |one: &[f64], other: &[f64]| {
        let (m1, v1) = moments(one);
        let (m2, v2) = moments(other);
        (m1 - m2) / (v1 / one.len() as f64 + v2 / other.len() as f64).sqrt()
    };
    let observed = t(&to, &from);
    let pooled: Vec<f64> = from.iter().chain(&to).copied().collect();
    let beyond = (0..RESAMPLES)
        .filter(|_| {
            let (one, other) = (resample(&pooled, to.len()), resample(&pooled, from.len()));
            t(&one, &other).abs() >= observed.abs()
        })
        .count();
    let p = beyond as f64 / RESAMPLES as f64;
    let mut changes: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let (one, other) = (resample(&to, to.len()), resample(&from, from.len()));
            moments(&one).0 / moments(&other).0 - 1.0
        })
        .collect();
    changes.sort_by(f64::total_cmp);
    let low = changes[RESAMPLES * 25 / 1000];
    p < SIGNIFICANCE && low > NOISE_THRESHOLD
}

fn welch(base: &Side<'_>, head: &Side<'_>) -> bool {
    let part = |side: &Side<'_>| {
        let n = side.all.count();
        (side.all.mean(), side.all.variance() / n, n)
    };
    let ((m1, s1, n1), (m2, s2, n2)) = (part(base), part(head));
    let t = (m2 - m1) / (s1 + s2).sqrt();
    let freedom = (s1 + s2).powi(2) / (s1 * s1 / (n1 - 1.0) + s2 * s2 / (n2 - 1.0));
    StudentsT::new(0.0, 1.0, freedom).is_ok_and(|at| t > at.inverse_cdf(1.0 - SIGNIFICANCE / 2.0))
}

/// Normal approximation with ties.
fn mann_whitney(base: &Side<'_>, head: &Side<'_>) -> bool {
    let mut counts: std::collections::BTreeMap<u64, (f64, f64)> = std::collections::BTreeMap::new();
    for (value, count) in &base.all.values {
        counts.entry(*value).or_default().0 += *count as f64;
    }
    for (value, count) in &head.all.values {
        counts.entry(*value).or_default().1 += *count as f64;
    }
    let (n1, n2) = (base.all.count(), head.all.count());
    let n = n1 + n2;
    let (mut below, mut u, mut ties) = (0.0, 0.0, 0.0);
    for (from, to) in counts.values() {
        u += to * (below + from / 2.0);
        below += from;
        ties += (from + to).powi(3) - (from + to);
    }
    let variance = n1 * n2 / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)));
    let z = (u - n1 * n2 / 2.0) / variance.sqrt();
    z > Normal::standard().inverse_cdf(1.0 - SIGNIFICANCE / 2.0)
}

/// Goose counts whole milliseconds, and its report shows the difference of averages.
fn goose(base: &Side<'_>, head: &Side<'_>) -> bool {
    let average = |side: &Side<'_>| {
        let in_ms = side.all.values.iter();
        let sum: f64 = in_ms
            .map(|(ns, count)| (ns / 1_000_000) as f64 * *count as f64)
            .sum();
        // Shown with two digits.
        (sum / side.all.count() * 100.0).round()
    };
    average(head) > average(base)
}

fn above(base: &Side<'_>, head: &Side<'_>, share: f64) -> bool {
    head.all.percentile(share) > THRESHOLD * base.all.percentile(share)
}

/// Mean and unbiased variance.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares = values.iter().map(|value| (value - mean).powi(2));
    (mean, squares.sum::<f64>() / (n - 1.0).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slices of 200 requests around a latency, which differs a little from slice to slice.
    fn blocks(ns: u64, seed: u64) -> Vec<Vec<Sample>> {
        let mut random = StdRng::seed_from_u64(seed);
        let mut slice = |_| {
            let mut values: Vec<(u64, u64)> = (0..200)
                .map(|_| (ns + random.random_range(0..ns / 50), 1))
                .collect();
            values.sort_unstable();
            Sample { values }
        };
        (0..40).map(|_| (0..2).map(&mut slice).collect()).collect()
    }

    fn refs(blocks: &[Vec<Sample>]) -> Vec<Vec<&Sample>> {
        blocks.iter().map(|block| block.iter().collect()).collect()
    }

    #[test]
    fn every_method_sees_a_fifth_more_but_the_one_that_counts_milliseconds() {
        let (base, head) = (blocks(50_000, 1), blocks(60_000, 2));
        for rival in all(&refs(&base), &refs(&head)) {
            let found = usize::from(!rival.name.contains("goose"));
            assert_eq!(
                (rival.windows, rival.sequential, rival.interleaved),
                (1, found, found),
                "{}",
                rival.name
            );
        }
    }

    #[test]
    fn none_sees_what_is_not_there() {
        let (base, head) = (blocks(50_000, 1), blocks(50_000, 1));
        for rival in all(&refs(&base), &refs(&head)) {
            assert_eq!((rival.windows, rival.interleaved), (1, 0), "{}", rival.name);
        }
    }
}
