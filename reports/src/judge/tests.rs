//! Verdicts on made-up blocks; the calibration with real ones is `make calibrate-gate`.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use statrs::distribution::{Binomial, DiscreteCDF};

use super::*;

fn rule() -> Sequential {
    Sequential {
        looks: LOOKS.to_vec(),
        gated: 2,
    }
}

fn times(values: Vec<f64>) -> Differences {
    Differences {
        base: Vec::new(),
        values,
        scale: Scale::Logarithm { floor: 0.001 },
    }
}

/// Blocks with heavy tails: now and then one is far off.
fn noisy(random: &mut StdRng, effect: f64, blocks: usize) -> Vec<f64> {
    let one = |random: &mut StdRng| {
        let mut value: f64 = (0..6).map(|_| random.random_range(-0.01..0.01)).sum();
        if random.random_bool(0.1) {
            value += random.random_range(-0.5..0.5);
        }
        effect.ln_1p() + value
    };
    (0..blocks).map(|_| one(random)).collect()
}

fn verdicts(effect: f64, duels: usize) -> Vec<Verdict> {
    let mut random = StdRng::seed_from_u64(11);
    (0..duels)
        .map(|_| {
            let values = noisy(&mut random, effect, LOOKS[2] * lengthen::most());
            judge(&times(values), &rule()).verdict.unwrap()
        })
        .collect()
}

#[test]
fn identical_servers_and_a_change_within_the_margin_raise_no_alarm() {
    for effect in [0.0, 0.03, -0.03] {
        let alarms = verdicts(effect, 2_000)
            .into_iter()
            .filter(|verdict| matches!(verdict, Verdict::Slower | Verdict::Faster))
            .count();
        // Promised: 1 % on either side at the very margin.
        assert!(alarms <= 20, "{effect}: {alarms} of 2000");
    }
}

#[test]
fn a_tenth_more_is_always_found_in_both_directions() {
    assert!(verdicts(0.10, 500).iter().all(|v| *v == Verdict::Slower));
    assert!(verdicts(-0.10, 500).iter().all(|v| *v == Verdict::Faster));
}

#[test]
fn too_few_blocks_are_undecided_and_say_how_many_it_takes() {
    let judged = judge(&times(vec![0.2; 19]), &rule());
    assert_eq!((judged.verdict, judged.next), (None, 20));
}

#[test]
fn a_metric_that_swings_wildly_is_inconclusive_at_the_last_look() {
    let mut random = StdRng::seed_from_u64(3);
    let values = (0..LOOKS[2] * lengthen::most())
        .map(|_| random.random_range(-1.0..1.0))
        .collect();
    assert_eq!(
        judge(&times(values), &rule()).verdict,
        Some(Verdict::Inconclusive)
    );
}

#[test]
fn a_difference_below_the_clocks_floor_is_none_however_many_percent_it_is() {
    let differences = Differences {
        base: Vec::new(),
        values: vec![0.2; 60],
        scale: Scale::Logarithm { floor: 0.5 },
    };
    assert_eq!(
        judge(&differences, &rule()).verdict,
        Some(Verdict::NoChange)
    );
}

#[test]
fn rare_failures_are_found_where_the_median_block_has_none() {
    let rate = |failing: usize| Differences {
        base: Vec::new(),
        values: (0..60)
            .map(|block| {
                if block * failing % 60 < failing {
                    0.005
                } else {
                    0.0
                }
            })
            .collect(),
        scale: Scale::Rate,
    };
    let verdict = |failing| judge(&rate(failing), &rule()).verdict;
    assert_eq!(verdict(0), Some(Verdict::NoChange));
    assert_eq!(verdict(20), Some(Verdict::Slower));
    // Two blocks of sixty prove nothing in either direction.
    assert_eq!(verdict(2), Some(Verdict::NoChange));
}

#[test]
fn the_error_is_shared_out_over_metrics_and_looks() {
    let alpha = rule().alpha();
    assert!((alpha - 0.01 / 6.0).abs() < 1e-12);
    // statrs counts the same tail: the 4th of 20 from either end.
    let judged = judge(
        &times((0..20).map(|i| f64::from(i) / 1e3).rev().collect()),
        &Sequential {
            looks: vec![20],
            gated: 6,
        },
    );
    // A drift is taken together, so that 20 are not enough for a look at 20.
    assert_eq!(judged.next, 40);
    let binomial = Binomial::new(0.5, 20).unwrap();
    assert!(binomial.cdf(3) <= alpha && binomial.cdf(4) > alpha);
}

proptest! {
    #[test]
    fn the_sign_tests_tail_is_that_of_statrs(n in 1_u64..400, share in 0.0_f64..1.0) {
        let k = (share * n as f64) as u64;
        let expected = if k == 0 { 1.0 } else { 1.0 - Binomial::new(0.5, n).unwrap().cdf(k - 1) };
        let tail = at_least(k as usize, n as usize);
        prop_assert!((tail - expected).abs() < 1e-9, "{tail} {expected}");
    }

    #[test]
    fn base_and_head_in_each_others_place_give_the_opposite_verdict(
        values in prop::collection::vec(-0.3_f64..0.3, 60..240),
    ) {
        let turned = values.iter().map(|value| -value).collect();
        let opposite = match judge(&times(values), &rule()).verdict {
            Some(Verdict::Slower) => Some(Verdict::Faster),
            Some(Verdict::Faster) => Some(Verdict::Slower),
            same => same,
        };
        prop_assert_eq!(judge(&times(turned), &rule()).verdict, opposite);
    }

    #[test]
    fn more_blocks_never_change_a_verdict_that_was_given(
        values in prop::collection::vec(-0.1_f64..0.12, 240),
    ) {
        let whole = judge(&times(values.clone()), &rule());
        let early = judge(&times(values[..whole.blocks].to_vec()), &rule());
        prop_assert_eq!(whole.verdict, early.verdict);
        prop_assert_eq!(whole.estimate, early.estimate);
    }
}
