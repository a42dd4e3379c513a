//! What people use instead, on the same recorded blocks: each says only whether the head is worse.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::piece::{Block, Recorded, Slice};

/// Significance level of the tests, two-sided: their usual one, and criterion's default.
const SIGNIFICANCE: f64 = 0.05;
/// Criterion's noise threshold, its default.
const NOISE_THRESHOLD: f64 = 0.01;
/// Criterion makes 100 000; the share of alarms is the same to a percent.
const RESAMPLES: usize = 1_000;
/// What people write into a workflow: 10 % more.
const THRESHOLD: f64 = 1.10;
/// The least of three runs has little noise: what the duel does not call a difference is its limit too.
const LEAST_THRESHOLD: f64 = 1.03;
/// Tango 0.9 `calculate_run_result`: mean of differences by its standard error, and as a share of the mean.
const TANGO_Z: f64 = 2.6;
const TANGO_SHARE: f64 = 0.005;
/// Tango's fences: so many interquartile ranges from the quartiles.
const TANGO_FENCE: f64 = 5.0;

/// The slices of both sides, in the order in which they ran.
struct Window<'a> {
    base: Vec<&'a Slice>,
    head: Vec<&'a Slice>,
}

impl<'a> Window<'a> {
    fn of(base: &'a [Block], head: &'a [Block]) -> Self {
        Self {
            base: base.iter().flat_map(|[base, _]| base).collect(),
            head: head.iter().flat_map(|[_, head]| head).collect(),
        }
    }
}

type Worse = fn(&Window<'_>) -> bool;

/// How the blocks are given to a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slices {
    /// The base's of some blocks, then the head's of as many more, as people measure.
    Then,
    /// Both sides' of the same blocks, as the duel has them.
    InTurn,
    /// Of both sides at once.
    AtOnce,
}

struct Method {
    name: &'static str,
    slices: Slices,
    worse: Worse,
}

const METHODS: [Method; 14] = [
    method("Welch's t on requests", Slices::Then, welch_of_requests),
    method("Welch's t on requests", Slices::InTurn, welch_of_requests),
    method("Welch's t on slices", Slices::Then, welch_of_slices),
    method("Welch's t on slices", Slices::InTurn, welch_of_slices),
    method("Mann–Whitney on slices", Slices::Then, mann_whitney),
    method("Mann–Whitney on slices", Slices::InTurn, mann_whitney),
    method("criterion's test", Slices::Then, criterion),
    method("p50 more than 10 % higher", Slices::Then, above),
    method("p50 more than 10 % higher", Slices::InTurn, above),
    method("minimum of three, 3 % higher", Slices::Then, least_of_three),
    method(
        "minimum of three, 3 % higher",
        Slices::InTurn,
        least_of_three,
    ),
    method("goose's baseline, any increase shown", Slices::Then, goose),
    method("tango's paired test", Slices::InTurn, tango),
    method("duet's concurrent pairs", Slices::AtOnce, duet),
];

const fn method(name: &'static str, slices: Slices, worse: Worse) -> Method {
    Method {
        name,
        slices,
        worse,
    }
}

/// In how many windows a method said that the head is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) worse: usize,
    pub(super) of: usize,
}

/// The methods in the order of [`said`], as a table names them.
pub(super) fn names() -> impl Iterator<Item = String> {
    METHODS.iter().map(|method| {
        let how = match method.slices {
            Slices::Then => "one after the other",
            Slices::InTurn => "in turn",
            Slices::AtOnce => "at once",
        };
        format!("{}, {how}", method.name)
    })
}

/// What every method says of windows of `blocks` blocks. Each side has as many slices in each of them; measured one after
/// the other, they come from twice as many blocks.
pub(super) fn said(
    interleaved: Option<&Recorded>,
    concurrent: Option<&Recorded>,
    blocks: usize,
) -> Vec<Said> {
    let blocks = blocks.max(1);
    let of = |method: &Method| {
        let (recorded, each) = match method.slices {
            Slices::Then => (interleaved, 2 * blocks),
            Slices::InTurn => (interleaved, blocks),
            // A block of four slices takes as long as four pairs of slices at once.
            Slices::AtOnce => (concurrent, 4 * blocks),
        };
        let recorded = recorded.map_or(&[][..], |recorded| &recorded.blocks);
        let windows = recorded.chunks_exact(each).map(|window| {
            let (first, second) = match method.slices {
                Slices::Then => window.split_at(blocks),
                _ => (window, window),
            };
            (method.worse)(&Window::of(first, second))
        });
        windows.fold(Said { worse: 0, of: 0 }, |said, worse| Said {
            worse: said.worse + usize::from(worse),
            of: said.of + 1,
        })
    };
    METHODS.iter().map(of).collect()
}

fn means(slices: &[&Slice]) -> Vec<f64> {
    slices.iter().map(|slice| slice.mean as f64).collect()
}

/// Of all requests of these slices: number, mean and unbiased variance.
fn requests(slices: &[&Slice]) -> (f64, f64, f64) {
    let n: f64 = slices.iter().map(|slice| slice.count as f64).sum();
    let sum: f64 = slices
        .iter()
        .map(|slice| slice.count as f64 * slice.mean as f64)
        .sum();
    let mean = sum / n.max(1.0);
    let squares = slices.iter().map(|slice| {
        let between = slice.mean as f64 - mean;
        slice.count as f64 * (between * between + (slice.deviation as f64).powi(2))
    });
    (n, mean, squares.sum::<f64>() / (n - 1.0).max(1.0))
}

fn welch_of_requests(window: &Window<'_>) -> bool {
    welch(requests(&window.base), requests(&window.head))
}

fn welch_of_slices(window: &Window<'_>) -> bool {
    let of = |slices: &[&Slice]| {
        let means = means(slices);
        let (mean, variance) = moments(&means);
        (means.len() as f64, mean, variance)
    };
    welch(of(&window.base), of(&window.head))
}

/// Numbers, means and variances.
fn welch((n1, m1, v1): (f64, f64, f64), (n2, m2, v2): (f64, f64, f64)) -> bool {
    let (s1, s2) = (v1 / n1, v2 / n2);
    let t = (m2 - m1) / (s1 + s2).sqrt();
    let freedom = (s1 + s2).powi(2) / (s1 * s1 / (n1 - 1.0) + s2 * s2 / (n2 - 1.0));
    StudentsT::new(0.0, 1.0, freedom).is_ok_and(|at| t > at.inverse_cdf(1.0 - SIGNIFICANCE / 2.0))
}

/// On the slices' medians, as benchstat does on runs; normal approximation, ties counted half.
fn mann_whitney(window: &Window<'_>) -> bool {
    let (n1, n2) = (window.base.len() as f64, window.head.len() as f64);
    let wins: f64 = window
        .head
        .iter()
        .flat_map(|head| window.base.iter().map(|base| head.p50.cmp(&base.p50)))
        .map(|order| match order {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        })
        .sum();
    let z = (wins - n1 * n2 / 2.0) / (n1 * n2 * (n1 + n2 + 1.0) / 12.0).sqrt();
    z > Normal::standard().inverse_cdf(1.0 - SIGNIFICANCE / 2.0)
}

/// Criterion 0.8 `analysis/compare.rs`: a two-sample t statistic against its bootstrap distribution
/// under the pooled sample, and the relative change of the mean with its interval; a slice's mean is
/// its sample.
fn criterion(window: &Window<'_>) -> bool {
    let (from, to) = (means(&window.base), means(&window.head));
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

/// The median of the slices' medians stands for that of all requests.
fn above(window: &Window<'_>) -> bool {
    let p50 = |slices: &[&Slice]| {
        let mut medians: Vec<u64> = slices.iter().map(|slice| slice.p50).collect();
        medians.sort_unstable();
        medians.get(medians.len() / 2).copied().unwrap_or_default() as f64
    };
    p50(&window.head) > THRESHOLD * p50(&window.base)
}

/// Three runs of each side, one after another; the least mean counts.
fn least_of_three(window: &Window<'_>) -> bool {
    let least = |slices: &[&Slice]| {
        let runs = slices.chunks(slices.len().div_ceil(3).max(1));
        runs.map(|run| requests(run).1)
            .fold(f64::INFINITY, f64::min)
    };
    least(&window.head) > LEAST_THRESHOLD * least(&window.base)
}

/// Goose 0.19 keeps microseconds; its report shows averages to a hundredth of a millisecond, and the difference of what
/// it shows. It names no verdict: any increase is one.
fn goose(window: &Window<'_>) -> bool {
    let shown = |slices: &[&Slice]| (requests(slices).1 / 10_000.0).round();
    shown(&window.head) > shown(&window.base)
}

/// Differences of paired slices' means, those far outside the quartiles left out, as many on either side.
fn tango(window: &Window<'_>) -> bool {
    let pairs = window.base.iter().zip(&window.head);
    let mut differences: Vec<f64> = pairs
        .map(|(base, head)| head.mean as f64 - base.mean as f64)
        .collect();
    differences.sort_by(f64::total_cmp);
    let n = differences.len();
    let (q1, q3) = (differences[n / 4], differences[n * 3 / 4]);
    let fence = TANGO_FENCE * (q3 - q1);
    let below = differences.iter().filter(|d| **d < q1 - fence).count();
    let above = differences.iter().filter(|d| **d > q3 + fence).count();
    let out = below.min(above);
    let kept = &differences[out..n - out];
    let (mean, variance) = moments(kept);
    let z = mean / (variance / kept.len() as f64).sqrt();
    let share = mean / moments(&means(&window.head)).0;
    z >= TANGO_Z && share > TANGO_SHARE
}

/// The geometric mean of the ratios of slices that ran at once, with its 95 % confidence interval by Student's t.
fn duet(window: &Window<'_>) -> bool {
    let pairs = window.base.iter().zip(&window.head);
    let ratios: Vec<f64> = pairs
        .map(|(base, head)| (head.mean.max(1) as f64 / base.mean.max(1) as f64).ln())
        .collect();
    let n = ratios.len() as f64;
    let (mean, variance) = moments(&ratios);
    let t = mean / (variance / n).sqrt();
    StudentsT::new(0.0, 1.0, n - 1.0).is_ok_and(|at| t > at.inverse_cdf(1.0 - SIGNIFICANCE / 2.0))
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
    use super::super::windows::tests::made_up;
    use super::*;

    #[test]
    fn every_method_sees_a_fifth_more() {
        let recorded = made_up(20, 0.01, 80);
        for (name, said) in names().zip(said(Some(&recorded), Some(&recorded), 20)) {
            let windows = match name.rsplit_once(", ").unwrap().1 {
                "one after the other" => 2,
                "in turn" => 4,
                _ => 1,
            };
            assert_eq!((said.worse, said.of), (windows, windows), "{name}");
        }
    }

    #[test]
    fn a_limit_of_10_percent_misses_5_and_tests_do_not() {
        let recorded = made_up(5, 0.01, 80);
        for (name, said) in names().zip(said(Some(&recorded), None, 20)) {
            let expected = if name.contains("10 %") { 0 } else { said.of };
            assert_eq!(said.worse, expected, "{name}");
        }
    }

    #[test]
    fn none_sees_a_difference_of_blocks_that_are_the_same() {
        let mut recorded = made_up(0, 0.01, 80);
        for [base, head] in &mut recorded.blocks {
            head.clone_from(base);
        }
        for (name, said) in names().zip(said(Some(&recorded), Some(&recorded), 20)) {
            if !name.ends_with("one after the other") {
                assert_eq!(said.worse, 0, "{name}");
            }
        }
    }
}
