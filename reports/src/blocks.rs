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
    means(run, &at.load, variant, |slice| median(slice, at))
}

/// How many times as long `head` takes as `base`, at p50: `exp(median of d)`, where
/// `d = mean ln Q_head − mean ln Q_base` in each block that has both.
#[must_use]
pub fn ratio(run: &Run, at: &LoadStep, base: &str, head: &str) -> Option<Estimate> {
    ratio_of(run, &at.load, base, head, |slice| median(slice, at))
}

fn median(slice: &Slice, at: &LoadStep) -> Option<f64> {
    Some(slice.latency(&at.step)?.p50() as f64)
}

/// The same for any positive quantity of a slice.
#[must_use]
pub fn ratio_of(
    run: &Run,
    load: &str,
    base: &str,
    head: &str,
    quantity: impl Fn(&Slice) -> Option<f64>,
) -> Option<Estimate> {
    let logarithms = |variant| {
        means(run, load, variant, |slice| {
            quantity(slice).filter(|value| *value > 0.0).map(f64::ln)
        })
    };
    let differences: Vec<f64> = paired(&logarithms(base), &logarithms(head))
        .map(|(base, head)| head - base)
        .collect();
    Estimate::of(&differences, ALPHA).map(|estimate| estimate.map(f64::exp))
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
