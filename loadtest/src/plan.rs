//! The order of slices: in a block each variant once in seeded random order, then mirrored; and
//! the seed of each slice.

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

/// A seed that nobody chose: nine digits are easily typed again.
#[must_use]
pub fn seed_from_clock() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as u64 % 1_000_000_000)
}

/// The variants of one block, in the order in which their slices run (A B B A).
///
/// The order depends on seed, load and block alone, so that a run can be repeated.
#[must_use]
pub fn block_order(seed: u64, load: usize, block: usize, variants: usize) -> Vec<usize> {
    let mixed = seed
        .wrapping_add((load as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_add((block as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9));
    let mut order: Vec<usize> = (0..variants).collect();
    order.shuffle(&mut StdRng::seed_from_u64(mixed));
    let mirrored: Vec<usize> = order.iter().rev().copied().collect();
    order.extend(mirrored);
    order
}

/// The seed of what is random within a slice.
///
/// It depends on seed, load, block and the place in the block alone, so that it is the same in
/// every shard, however many slices a warm-up took.
#[must_use]
pub fn slice_seed(seed: u64, load: usize, block: usize, place: usize) -> u64 {
    [load, block, place].into_iter().fold(seed, |mixed, part| {
        split_mix(mixed ^ split_mix(part as u64))
    })
}

/// The step of `SplitMix64`: Steele, Lea and Flood, *Fast Splittable Pseudorandom Number
/// Generators*, 2014.
fn split_mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_every_variant_and_then_its_mirror() {
        for block in 0..20 {
            let order = block_order(7, 1, block, 5);
            let (there, back) = order.split_at(5);
            assert!(there.iter().eq(back.iter().rev()));
            let mut sorted = there.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4]);
        }
    }

    /// What the judgement of a duel rests on.
    #[test]
    fn the_order_of_a_block_is_a_fair_coin_that_knows_no_other_block() {
        const BLOCKS: usize = 2_000;
        // Five standard deviations of so many fair coins.
        let is_fair = |heads: usize| heads.abs_diff(BLOCKS / 2) < 5 * 23;
        for seed in [0, 1, 2, 7, 123_456_789] {
            let coin = |block| block_order(seed, 0, block, 2)[0] == 1;
            let of = |said: &dyn Fn(usize) -> bool| (0..BLOCKS).filter(|at| said(*at)).count();
            assert!(is_fair(of(&coin)), "{seed}");
            for apart in [1, 2, 3, 10] {
                let alike = of(&|block| coin(block) == coin(block + apart));
                assert!(is_fair(alike), "{seed}: {apart} blocks apart");
            }
            let other = |block| block_order(seed + 1, 0, block, 2)[0] == 1;
            assert!(is_fair(of(&|block| coin(block) == other(block))), "{seed}");
        }
    }

    #[test]
    fn the_order_follows_the_seed() {
        let orders = |seed| {
            (0..8)
                .map(|block| block_order(seed, 0, block, 6))
                .collect::<Vec<_>>()
        };
        assert_eq!(orders(1), orders(1));
        assert_ne!(orders(1), orders(2));
    }

    #[test]
    fn every_slice_has_a_seed_of_its_own() {
        let mut seeds = std::collections::BTreeSet::new();
        for seed in 0..4 {
            for load in 0..4 {
                for block in 0..20 {
                    for place in 0..12 {
                        assert!(seeds.insert(slice_seed(seed, load, block, place)));
                    }
                }
            }
        }
    }
}
