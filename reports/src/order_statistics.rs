//! The median of a few values and its distribution-free interval.
//!
//! The interval between the k-th value from below and the k-th from above covers the true median
//! with probability `1 − 2·P(Bin(n, ½) ≤ k − 1)`, whatever the values' distribution (the sign
//! test's interval; David & Nagaraja, *Order Statistics*, 7.1).

use statrs::distribution::{ContinuousCDF, Normal};

/// Error accepted on both sides together, unless someone asks for another: 95 % intervals.
pub const ALPHA: f64 = 0.05;

/// A median, the values it rests on, and its interval.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Estimate {
    /// The median.
    pub median: f64,
    /// How many values it rests on: blocks, or slices.
    pub values: usize,
    /// Its interval; none from fewer than two values.
    pub interval: Option<Interval>,
}

/// An interval of the median.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Probability that it covers the median, 0 to 1: what was asked for or more, less only where
    /// the values are too few even for their full range.
    pub coverage: f64,
}

/// The median; none without values.
#[must_use]
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    middle(&values)
}

/// The median absolute deviation of finite values from their median; none without values.
#[must_use]
pub fn mad(values: &[f64]) -> Option<f64> {
    let middle = median(values.to_vec())?;
    median(values.iter().map(|value| (value - middle).abs()).collect())
}

fn middle(sorted: &[f64]) -> Option<f64> {
    let n = sorted.len();
    let (&below, &above) = (sorted.get(n.checked_sub(1)? / 2)?, sorted.get(n / 2)?);
    Some(f64::midpoint(below, above))
}

impl Estimate {
    /// The median of finite values and its interval at `1 − alpha`; none without values.
    #[must_use]
    pub fn of(values: &[f64], alpha: f64) -> Option<Self> {
        let mut sorted: Vec<f64> = values
            .iter()
            .copied()
            .filter(|value| value.is_finite())
            .collect();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            median: middle(&sorted)?,
            values: sorted.len(),
            interval: interval(&sorted, alpha),
        })
    }

    /// The estimate of `f(value)`, for `f` monotonic: the ends change places where it falls.
    #[must_use]
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        let interval = self.interval.map(
            |Interval {
                 low,
                 high,
                 coverage,
             }| {
                let (one, other) = (f(low), f(high));
                Interval {
                    low: one.min(other),
                    high: one.max(other),
                    coverage,
                }
            },
        );
        Self {
            median: f(self.median),
            interval,
            ..self
        }
    }

    /// Whether the interval reaches over `value`: whether the values leave open that it is the truth.
    #[must_use]
    pub fn spans(&self, value: f64) -> bool {
        self.interval
            .is_some_and(|interval| interval.low <= value && value <= interval.high)
    }
}

impl Interval {
    /// Whether the values are too few for 95 %, so that readers must be told.
    #[must_use]
    pub fn is_thin(&self) -> bool {
        self.coverage < 1.0 - ALPHA
    }
}

fn interval(sorted: &[f64], alpha: f64) -> Option<Interval> {
    let n = sorted.len();
    if n < 2 {
        return None;
    }
    let (from_each_end, outside) = rank(n, alpha);
    Some(Interval {
        low: sorted[from_each_end - 1],
        high: sorted[n - from_each_end],
        coverage: 1.0 - 2.0 * outside,
    })
}

/// `P(Bin(n, ½) ≥ k)`: the sign test's error when k of n differences lie on one side.
#[must_use]
pub fn at_least(k: usize, n: usize) -> f64 {
    if k == 0 {
        return 1.0;
    }
    // By symmetry the lower tail up to n − k, in logarithms as in `rank`.
    let Some(most) = n.checked_sub(k) else {
        return 0.0;
    };
    let mut ln_term = -(n as f64) * std::f64::consts::LN_2;
    let mut sum = ln_term.exp();
    for below in 1..=most {
        ln_term += ((n - below + 1) as f64 / below as f64).ln();
        sum += ln_term.exp();
    }
    sum.min(1.0)
}

/// The value below which a standard normal variable lies with probability `p`.
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

/// The largest k with `P(Bin(n, ½) ≤ k − 1) ≤ alpha / 2`, at least 1, and that probability.
fn rank(n: usize, alpha: f64) -> (usize, f64) {
    // In logarithms: ½ⁿ alone would underflow from n = 1075 on.
    let mut ln_term = -(n as f64) * std::f64::consts::LN_2;
    let mut outside = ln_term.exp();
    let mut k = 1;
    while k < n.div_ceil(2) {
        ln_term += ((n - k + 1) as f64 / k as f64).ln();
        let next = outside + ln_term.exp();
        if next > alpha / 2.0 {
            break;
        }
        outside = next;
        k += 1;
    }
    (k, outside)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// P(Bin(n, ½) ≤ at most), by counting every outcome's bits.
    fn by_counting(n: usize, at_most: usize) -> f64 {
        let outcomes = 1_u32 << n;
        let within = (0..outcomes)
            .filter(|bits| bits.count_ones() as usize <= at_most)
            .count();
        within as f64 / f64::from(outcomes)
    }

    #[test]
    fn the_rank_is_the_largest_that_the_error_allows() {
        for n in 2..=16 {
            for alpha in [0.2, 0.1, 0.05, 0.01] {
                let (k, outside) = rank(n, alpha);
                assert!(
                    (outside - by_counting(n, k - 1)).abs() < 1e-12,
                    "n {n} k {k}"
                );
                assert!(
                    k == 1 || by_counting(n, k - 1) <= alpha / 2.0,
                    "n {n} alpha {alpha}"
                );
                assert!(
                    2 * (k + 1) > n + 1 || by_counting(n, k) > alpha / 2.0,
                    "n {n} alpha {alpha}: {k} is not the largest"
                );
            }
        }
    }

    #[test]
    fn the_sign_tests_tail_is_what_counting_gives() {
        for n in 0..=12 {
            for k in 0..=n + 1 {
                let counted = if k == 0 {
                    1.0
                } else {
                    1.0 - by_counting(n, k - 1)
                };
                assert!((at_least(k, n) - counted).abs() < 1e-12, "n {n} k {k}");
            }
        }
    }

    #[test]
    fn known_values_from_tables() {
        // Conover, Practical Nonparametric Statistics: n = 20, 95 %: the 6th and the 15th.
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        let estimate = Estimate::of(&values, ALPHA).unwrap();
        let interval = estimate.interval.unwrap();
        assert_eq!(
            (estimate.median, interval.low, interval.high),
            (10.5, 6.0, 15.0)
        );
        assert!((interval.coverage - 0.9586).abs() < 1e-4);
    }

    #[test]
    fn too_few_values_give_their_full_range_and_say_how_little_it_covers() {
        let three = Estimate::of(&[3.0, 1.0, 2.0], ALPHA)
            .unwrap()
            .interval
            .unwrap();
        assert_eq!((three.low, three.high, three.coverage), (1.0, 3.0, 0.75));
        assert_eq!(Estimate::of(&[1.0], ALPHA).unwrap().interval, None);
        assert_eq!(Estimate::of(&[], ALPHA), None);
        assert_eq!(Estimate::of(&[f64::NAN], ALPHA), None);
    }

    #[test]
    fn many_values_do_not_underflow() {
        let values: Vec<f64> = (0..5000).map(f64::from).collect();
        let interval = Estimate::of(&values, ALPHA).unwrap().interval.unwrap();
        assert!(
            interval.coverage > 0.95 && interval.coverage < 0.952,
            "{interval:?}"
        );
        // The normal approximation: n/2 ∓ 0.98 √n.
        assert!((interval.low - (2500.0 - 69.3)).abs() < 2.0, "{interval:?}");
    }

    proptest! {
        #[test]
        fn median_and_interval_are_those_of_the_sorted_values(values in prop::collection::vec(-1e6_f64..1e6, 1..40)) {
            let estimate = Estimate::of(&values, ALPHA).unwrap();
            let below = values.iter().filter(|value| **value < estimate.median).count();
            let above = values.iter().filter(|value| **value > estimate.median).count();
            prop_assert!(below <= values.len() / 2 && above <= values.len() / 2);
            if let Some(interval) = estimate.interval {
                prop_assert!(values.contains(&interval.low) && values.contains(&interval.high));
                prop_assert!(interval.low <= estimate.median && estimate.median <= interval.high);
            }
        }

        #[test]
        fn a_falling_function_swaps_the_ends(values in prop::collection::vec(0.1_f64..1e3, 2..30)) {
            let estimate = Estimate::of(&values, ALPHA).unwrap();
            let inverted = estimate.map(|value| -value);
            let (low, high) = (inverted.interval.unwrap().low, estimate.interval.unwrap().high);
            prop_assert!((low + high).abs() < f64::EPSILON);
        }
    }
}
