use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;
use crate::render;

/// Long enough for the clock not to matter.
const LONG_NS: f64 = 1e6;

fn slice(median_ns: f64) -> Sample {
    Sample {
        median_ns,
        shortest_ns: LONG_NS,
    }
}

/// Blocks of a base that takes 100 ns and a head that takes `effect` more, each slice off by up to
/// `noise`.
fn blocks(seed: u64, effect: f64, noise: f64, count: usize) -> Vec<Block> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut of = |ns: f64| slice(ns * (1.0 + random.random_range(-noise..=noise)));
    (0..count)
        .map(|_| {
            let (base, head) = (100.0, 100.0 * (1.0 + effect));
            Block {
                base: [of(base), of(base)],
                head: [of(head), of(head)],
            }
        })
        .collect()
}

fn measured(benchmark: &str, blocks: Vec<Block>) -> Measured {
    Measured {
        benchmark: benchmark.to_owned(),
        blocks,
    }
}

fn duel(rows: &[Measured], interrupted: bool) -> Duel {
    let terms = Terms {
        base: "lab-main".to_owned(),
        head: "lab-pr".to_owned(),
        repeat: ["authlab", "duel", "--bench", "lab-main", "lab-pr", "a|b"]
            .map(str::to_owned)
            .into(),
    };
    let course = Course {
        elapsed_s: 72.4,
        interrupted,
    };
    Duel::of(terms, rows, course)
}

fn mixed() -> Vec<Measured> {
    vec![
        measured("hit/1", blocks(3, 0.0, 0.01, 60)),
        measured("hit/100", blocks(2, 0.12, 0.01, 20)),
        measured("miss", blocks(1, -0.2, 0.01, 20)),
        measured("wild", blocks(6, 0.0, 0.9, 240)),
    ]
}

#[test]
fn a_duel_says_of_each_benchmark_what_became_of_it() {
    let duel = duel(&mixed(), false);
    assert_eq!(
        (duel.outcome, duel.exit_code),
        (Outcome::LimitBroken, 1),
        "{:?}",
        duel.rows
    );
    insta::assert_snapshot!(render::text(&duel.document()));
    insta::assert_snapshot!(render::markdown(&duel.document()));
    insta::assert_snapshot!(duel.json().unwrap());
}

#[test]
fn one_that_was_interrupted_shows_what_was_measured_and_is_never_a_pass() {
    let rows = [
        measured("hit/1", blocks(1, 0.2, 0.01, 20)),
        measured("hit/100", blocks(2, 0.0, 0.01, 7)),
        Measured::none_of("miss"),
    ];
    let duel = duel(&rows, true).with_inconclusive_as(Some(0));
    assert_eq!(duel.exit_code, 3);
    insta::assert_snapshot!(render::text(&duel.document()));
}

#[test]
fn inconclusive_is_what_the_script_wants_it_to_be() {
    let wild = &mixed()[3..];
    assert_eq!(duel(wild, false).exit_code, 3);
    assert_eq!(duel(wild, false).with_inconclusive_as(Some(0)).exit_code, 0);
    assert_eq!(duel(wild, false).with_inconclusive_as(Some(1)).exit_code, 1);
    // What is slower stays so.
    assert_eq!(
        duel(&mixed(), false)
            .with_inconclusive_as(Some(0))
            .exit_code,
        1
    );
}

#[test]
fn what_the_clock_cannot_tell_apart_is_no_change() {
    let coarse = |blocks: Vec<Block>| {
        let short = |slices: [Sample; 2]| {
            slices.map(|sample| Sample {
                shortest_ns: 100.0,
                ..sample
            })
        };
        let short = blocks.into_iter().map(|block| Block {
            base: short(block.base),
            head: short(block.head),
        });
        measured("once", short.collect())
    };
    // 20 % of 100 ns are 20 ns, of a clock that is good for 50.
    let rows = [coarse(blocks(1, 0.2, 0.01, 60))];
    assert_eq!(duel(&rows, false).rows[0].verdict, Some(Verdict::NoChange));
}

#[test]
fn a_benchmark_needs_no_more_when_it_has_its_verdict() {
    let rule = rule(1, false);
    assert_eq!(Measured::none_of("hit").needs(&rule), Some(20));
    assert_eq!(measured("hit", blocks(1, 0.2, 0.01, 20)).needs(&rule), None);
}

#[test]
fn a_comment_fits_github_however_many_benchmarks_there_are() {
    let many: Vec<_> = (0..1_000)
        .map(|number| measured(&format!("group/function-with-a-name/{number}"), Vec::new()))
        .collect();
    let page = render::markdown(&duel(&many, true).document());
    assert!(page.len() < 65_536, "{}", page.len());
    assert!(
        page.contains("more: `--format json` has them all"),
        "{page}"
    );
}

proptest! {
    #[test]
    fn base_and_head_in_each_others_place_give_the_opposite_verdict(
        seed in 0_u64..1_000,
        effect in -0.2_f64..0.2,
        noise in 0.0_f64..0.1,
    ) {
        let there = blocks(seed, effect, noise, 240);
        let back = there.iter().map(|block| Block { base: block.head, head: block.base }).collect();
        let judged = |blocks| duel(&[measured("hit", blocks)], false).rows.remove(0);
        let (there, back) = (judged(there), judged(back));
        let opposite = match there.verdict {
            Some(Verdict::Slower) => Some(Verdict::Faster),
            Some(Verdict::Faster) => Some(Verdict::Slower),
            same => same,
        };
        prop_assert_eq!(back.verdict, opposite);
        prop_assert_eq!(back.blocks, there.blocks);
        // Twice as much one way is half as much the other.
        let product = (1.0 + there.effect.unwrap()) * (1.0 + back.effect.unwrap());
        prop_assert!((product - 1.0).abs() < 1e-9, "{}", product);
    }

    #[test]
    fn the_order_of_benchmarks_changes_no_verdict(seed in 0_u64..1_000) {
        let rows = vec![
            measured("one", blocks(seed, 0.05, 0.05, 240)),
            measured("other", blocks(seed + 1, 0.0, 0.05, 240)),
        ];
        let turned: Vec<_> = rows.iter().rev().cloned().collect();
        let (there, back) = (duel(&rows, false), duel(&turned, false));
        prop_assert_eq!(&there.rows[0], &back.rows[1]);
        prop_assert_eq!(there.exit_code, back.exit_code);
    }
}
