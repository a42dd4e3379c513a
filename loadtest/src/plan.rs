//! The order of slices: in a block each variant once in seeded random order, then mirrored.

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

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
}
