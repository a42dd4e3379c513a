//! What the slices of a run say about its variants, block by block.
//!
//! Slices of one block ran next to each other, so what they have in common (a warm processor, a
//! noisy neighbour) cancels out of their difference. Requests are not independent; blocks are
//! nearly so.

use std::collections::BTreeMap;

use crate::{
    order_statistics::{ALPHA, Estimate},
    run::{LoadStep, Run, Slice},
};

/// A value per block.
pub type PerBlock = BTreeMap<usize, f64>;

/// The mean of `quantity` over a variant's slices of each block; blocks without it are left out.
#[must_use]
pub fn means(
    run: &Run,
    load: &str,
    variant: &str,
    quantity: impl Fn(&Slice) -> Option<f64>,
) -> PerBlock {
    let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for slice in run.slices_of(load, variant) {
        if let Some(value) = quantity(slice) {
            let (sum, slices) = sums.entry(slice.block).or_default();
            *sum += value;
            *slices += 1.0;
        }
    }
    sums.into_iter()
        .map(|(block, (sum, slices))| (block, sum / slices))
        .collect()
}

/// The median latency of a step in each block, nanoseconds.
#[must_use]
pub fn median_latency(run: &Run, at: &LoadStep, variant: &str) -> PerBlock {
    means(run, &at.load, variant, |slice| {
        Some(slice.latency(&at.step)?.p50() as f64)
    })
}

/// The values of two variants in the blocks that have both, in order.
pub fn paired<'a>(one: &'a PerBlock, other: &'a PerBlock) -> impl Iterator<Item = (f64, f64)> + 'a {
    one.iter()
        .filter_map(|(block, value)| Some((*value, *other.get(block)?)))
}

/// The median over a variant's slices, each counted alone, and its interval: for figures that are
/// not compared within a block.
#[must_use]
pub fn over_slices(
    run: &Run,
    load: &str,
    variant: &str,
    quantity: impl Fn(&Slice) -> Option<f64>,
) -> Option<Estimate> {
    let values: Vec<f64> = run.slices_of(load, variant).filter_map(quantity).collect();
    Estimate::of(&values, ALPHA)
}
