//! The test of a duel: a game against a claim, which may be looked at after every block.
//!
//! The claim is that the head takes exactly so much longer than the base. Which of them a block loads first is decided by
//! a fair coin ([ADR 14](../../../docs/adr/0014-sequential-judging.md)). So, if the claim holds, what a difference lacks to
//! it is as likely above 0 as below, whatever the noise does, and however blocks depend on one another. Whoever stakes a
//! share of a capital of 1 on *above*, block after block, then owns 1 on average, and ever comes to `1 / error` with
//! that probability at most (Ville 1939). Coming to it refutes the claim, and every smaller one with it, since against
//! those the game pays more: the claims that are not refuted are an interval.
//!
//! Waudby-Smith and Ramdas, *Estimating means of bounded random variables by betting*, 2024; de la Peña, *A general class
//! of exponential inequalities for martingales and ratios*, 1999.

use crate::order_statistics::{Interval, mad};

/// Shares of the capital that are staked, each with an equal part of it. Found best in the trial of `rivals.rs`: little
/// is lost in noise, and without noise the least number of blocks decides.
const STAKES: [f64; 4] = [0.2, 0.3, 0.45, 0.7];
/// How fast a stake is used in full as a block moves away from the claim, in standard deviations: an outlier weighs no
/// more than any block beyond them.
const STEEPNESS: f64 = 1.5;
/// The standard deviation is that of the blocks before, so that no block has a say in its own stake: so many at the most,
const BEFORE: usize = 20;
/// and with fewer than these, each block counts by its side alone.
const LEAST_BEFORE: usize = 4;
/// Standard deviations in a median absolute deviation of normal values.
const SIGMA_IN_MAD: f64 = 1.4826;
/// Halvings of the range in which the end of an interval lies.
const HALVINGS: usize = 48;

/// Who says that the truth is on one side of the claim, and what became of a capital of 1.
#[derive(Debug, Clone)]
pub(super) struct Game {
    claim: f64,
    side: Side,
    capitals: [f64; STAKES.len()],
}

/// The side of the claim on which it is staked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Above,
    Below,
}

impl Game {
    /// A game that nothing was staked in yet.
    pub(super) fn against(claim: f64, side: Side) -> Self {
        Self {
            claim,
            side,
            capitals: [1.0; STAKES.len()],
        }
    }

    /// A block's difference, and the noise of those before it.
    pub(super) fn play(&mut self, difference: f64, noise: f64) {
        let beyond = match self.side {
            Side::Above => difference - self.claim,
            Side::Below => self.claim - difference,
        };
        let gain = if beyond == 0.0 || beyond.is_nan() {
            0.0
        } else if noise > 0.0 {
            (STEEPNESS * beyond / noise).tanh()
        } else {
            beyond.signum()
        };
        for (capital, stake) in self.capitals.iter_mut().zip(STAKES) {
            *capital *= 1.0 + stake * gain;
        }
    }

    /// Whether the claim is refuted at this error.
    pub(super) fn is_won(&self, error: f64) -> bool {
        self.capitals.iter().sum::<f64>() / STAKES.len() as f64 >= 1.0 / error
    }
}

/// Blocks without which no claim can be refuted at this error: all of them on one side.
pub(super) fn least_blocks(error: f64) -> usize {
    let mut game = Game::against(0.0, Side::Above);
    let mut blocks = 0;
    while !game.is_won(error) && blocks < 10_000 {
        game.play(1.0, 0.0);
        blocks += 1;
    }
    blocks
}

/// How far the interval reaches to either side of blocks of such noise, in standard errors of their mean.
pub(super) fn reach(error: f64) -> f64 {
    (2.0 * (STAKES.len() as f64 / error).ln()).sqrt()
}

/// Of each block, the noise of those before it: a standard deviation, 0 where they are too few.
pub(super) fn noises(differences: &[f64]) -> Vec<f64> {
    (0..differences.len())
        .map(|block| noise(&differences[block.saturating_sub(BEFORE)..block]))
        .collect()
}

fn noise(before: &[f64]) -> f64 {
    if before.len() < LEAST_BEFORE {
        return 0.0;
    }
    SIGMA_IN_MAD * mad(before).unwrap_or_default()
}

/// The claims that the blocks leave open, at this error on each side; none where they are too few to refute any.
pub(super) fn interval(differences: &[f64], error: f64) -> Option<Interval> {
    let noises = noises(differences);
    let is_refuted = |claim: f64, side: Side| {
        let mut game = Game::against(claim, side);
        for (difference, noise) in differences.iter().zip(&noises) {
            game.play(*difference, *noise);
        }
        game.is_won(error)
    };
    let finite = || {
        differences
            .iter()
            .copied()
            .filter(|value| value.is_finite())
    };
    let least = finite().min_by(f64::total_cmp)?;
    let most = finite().max_by(f64::total_cmp)?;
    // Beyond all blocks by as much again as they and their noise are wide, or by what is nothing for any quantity.
    let wide = noises.iter().copied().fold(most - least, f64::max);
    let beyond = 20.0 * wide.max(f64::EPSILON * least.abs().max(most.abs()).max(1.0));
    let low = nearest_refuted(least - beyond, most, |claim| is_refuted(claim, Side::Above))?;
    let high = nearest_refuted(most + beyond, least, |claim| is_refuted(claim, Side::Below))?;
    Some(Interval {
        low,
        high,
        coverage: 1.0 - 2.0 * error,
    })
}

/// The refuted claim that is nearest to those left open; none where not even the farthest is refuted.
fn nearest_refuted(farthest: f64, open: f64, is_refuted: impl Fn(f64) -> bool) -> Option<f64> {
    let (mut refuted, mut open) = (is_refuted(farthest).then_some(farthest)?, open);
    for _ in 0..HALVINGS {
        let between = f64::midpoint(refuted, open);
        if is_refuted(between) {
            refuted = between;
        } else {
            open = between;
        }
    }
    Some(refuted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_blocks_refute_everything_else_once_they_are_enough() {
        let least = least_blocks(0.005);
        assert!((12..=16).contains(&least), "{least}");
        assert_eq!(interval(&vec![0.25; least - 1], 0.005), None);
        let found = interval(&vec![0.25; least], 0.005).unwrap();
        assert!((found.low - 0.25).abs() < 1e-9 && (found.high - 0.25).abs() < 1e-9);
        assert_eq!(interval(&[], 0.005), None);
    }

    #[test]
    fn a_block_has_no_say_in_its_own_stake() {
        let noises_of = |last: f64| noises(&[0.1, 0.2, 0.4, 0.3, 0.2, last]);
        assert_eq!(noises_of(0.0), noises_of(1e9));
        assert_eq!(noises_of(0.0)[..LEAST_BEFORE], [0.0; LEAST_BEFORE]);
    }

    proptest! {
        /// What makes its inversion an interval.
        #[test]
        fn against_a_smaller_claim_the_game_pays_more(
            values in prop::collection::vec(-1.0_f64..1.0, 1..120),
            claims in [-1.5_f64..1.5, -1.5_f64..1.5],
        ) {
            let of = |claim: f64| {
                let mut game = Game::against(claim, Side::Above);
                for (value, noise) in values.iter().zip(noises(&values)) {
                    game.play(*value, noise);
                }
                game.capitals.iter().sum::<f64>()
            };
            let [less, more] = [claims[0].min(claims[1]), claims[0].max(claims[1])];
            prop_assert!(of(less) >= of(more) * (1.0 - 1e-12));
        }

        #[test]
        fn an_interval_is_never_empty_and_turns_with_its_values(
            values in prop::collection::vec(-1.0_f64..1.0, 20..120),
        ) {
            let turned: Vec<f64> = values.iter().map(|value| -value).collect();
            match (interval(&values, 0.005), interval(&turned, 0.005)) {
                (Some(there), Some(back)) => {
                    prop_assert!(there.low < there.high, "{:?}", there);
                    prop_assert!((there.low + back.high).abs() < 1e-9, "{:?} {:?}", there, back);
                }
                (there, back) => prop_assert_eq!(there, back),
            }
        }
    }
}
