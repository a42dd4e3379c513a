//! Verdicts on made-up blocks; the calibration with real ones is `make calibrate-gate`.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use statrs::distribution::{Binomial, DiscreteCDF};

use super::*;

fn rule() -> Sequential {
    Sequential {
        gated: 2,
        when: When::EachBlock { ended: true },
        blocks: MOST,
        margin: MARGIN,
    }
}

/// Blocks of a duel that takes all its time.
const MOST: usize = 200;

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
            let values = noisy(&mut random, effect, MOST);
            judge(&times(values), &rule()).verdict.unwrap()
        })
        .collect()
}

#[test]
fn identical_servers_and_a_change_within_the_margin_raise_no_alarm() {
    for effect in [0.0, 0.03, -0.03] {
        let alarms = verdicts(effect, 500)
            .into_iter()
            .filter(|verdict| matches!(verdict, Verdict::Slower | Verdict::Faster))
            .count();
        // Promised: 0.5 % on either side at the very margin.
        assert!(alarms <= 8, "{effect}: {alarms} of 500");
    }
}

/// The blocks that are judged of a duel of shards: a server that stalls in a slice makes that slow, and a shard late in the
/// next one, whose block is set aside.
fn without_late_blocks(random: &mut StdRng, effect: f64) -> Vec<f64> {
    let (mut kept, mut is_late) = (Vec::new(), false);
    for _ in 0..MOST {
        let first = usize::from(random.random_bool(0.5));
        let (mut sides, mut is_aside) = ([0.0, effect.ln_1p()], false);
        for side in [first, 1 - first, 1 - first, first] {
            is_aside |= is_late;
            is_late = random.random_bool(0.1);
            let stall = if is_late { 0.2 } else { 0.0 };
            sides[side] += random.random_range(-0.02..0.02) + stall;
        }
        if !is_aside {
            kept.push(sides[1] - sides[0]);
        }
    }
    kept
}

#[test]
fn blocks_that_are_set_aside_since_either_server_made_a_shard_late_raise_no_alarm_and_hide_nothing()
{
    let mut random = StdRng::seed_from_u64(12);
    let mut told = |effect: f64, duels: usize| -> Vec<Verdict> {
        let judged = (0..duels).map(|_| {
            let values = without_late_blocks(&mut random, effect);
            // Many are set aside, and enough are left.
            assert!((MOST / 3..MOST * 9 / 10).contains(&values.len()));
            judge(&times(values), &rule()).verdict.unwrap()
        });
        judged.collect()
    };
    for effect in [0.0, 0.03] {
        let verdicts = told(effect, 250).into_iter();
        let alarms = verdicts.filter(|of| matches!(of, Verdict::Slower | Verdict::Faster));
        let alarms = alarms.count();
        assert!(alarms <= 6, "{effect}: {alarms} of 250");
    }
    assert!(told(0.10, 50).iter().all(|of| *of == Verdict::Slower));
}

#[test]
fn a_tenth_more_is_always_found_in_both_directions() {
    assert!(verdicts(0.10, 200).iter().all(|v| *v == Verdict::Slower));
    assert!(verdicts(-0.10, 200).iter().all(|v| *v == Verdict::Faster));
}

#[test]
fn a_wider_margin_makes_of_a_difference_between_the_two_no_change() {
    let mut random = StdRng::seed_from_u64(23);
    for _ in 0..20 {
        let values = noisy(&mut random, 0.06, MOST);
        let verdict =
            |margin| judge(&times(values.clone()), &Sequential { margin, ..rule() }).verdict;
        assert_eq!(verdict(MARGIN), Some(Verdict::Slower));
        assert_eq!(verdict(0.12), Some(Verdict::NoChange));
    }
}

#[test]
fn too_few_blocks_are_undecided_and_say_how_many_it_takes() {
    let judged = judge(&times(vec![0.2; 19]), &rule());
    assert_eq!((judged.verdict, judged.needed), (None, 20));
}

#[test]
fn a_metric_that_swings_wildly_is_inconclusive_at_the_end() {
    let mut random = StdRng::seed_from_u64(3);
    let values = (0..MOST).map(|_| random.random_range(-1.0..1.0)).collect();
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
fn the_error_is_shared_out_over_metrics() {
    assert!((rule().alpha() - 0.005).abs() < 1e-12);
    let shared = |gated| Sequential { gated, ..rule() };
    let width = |gated| {
        let values = noisy(&mut StdRng::seed_from_u64(5), 0.1, MOST);
        // Every block is used while nothing is decided.
        let open = Sequential {
            when: When::EachBlock { ended: false },
            ..shared(gated)
        };
        let judged = judge(&times(values[..LEAST_BLOCKS].to_vec()), &open);
        let interval = judged.estimate.unwrap().interval.unwrap();
        assert!((interval.coverage - (1.0 - 2.0 * ERROR / gated as f64)).abs() < 1e-12);
        interval.high - interval.low
    };
    assert!(width(1) < width(2) && width(2) < width(6));
}

#[test]
fn the_verdict_and_the_interval_say_the_same() {
    let mut random = StdRng::seed_from_u64(17);
    for effect in [-0.08, -0.04, 0.0, 0.02, 0.04, 0.05, 0.08] {
        for _ in 0..20 {
            let judged = judge(&times(noisy(&mut random, effect, MOST)), &rule());
            let interval = judged.estimate.unwrap().interval.unwrap();
            let margin = MARGIN.ln_1p();
            let expected = match judged.verdict.unwrap() {
                Verdict::Slower => interval.low >= margin - 1e-9,
                Verdict::Faster => interval.high <= -margin + 1e-9,
                Verdict::NoChange => {
                    let resolution = RESOLUTION.ln_1p() + 1e-9;
                    interval.low >= -resolution && interval.high <= resolution
                }
                Verdict::Inconclusive => interval.high - interval.low > margin,
            };
            assert!(expected, "{effect}: {judged:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

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
        values in prop::collection::vec(-0.1_f64..0.12, MOST),
    ) {
        let whole = judge(&times(values.clone()), &rule());
        let early = judge(&times(values[..whole.blocks].to_vec()), &rule());
        prop_assert_eq!(whole.verdict, early.verdict);
        prop_assert_eq!(whole.estimate, early.estimate);
        // Nor is one given before by who looks in between.
        let open = Sequential { when: When::EachBlock { ended: false }, ..rule() };
        for blocks in (LEAST_BLOCKS..whole.blocks).step_by(37) {
            prop_assert_eq!(judge(&times(values[..blocks].to_vec()), &open).verdict, None);
        }
    }
}
