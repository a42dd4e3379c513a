//! A strip for each variant: how long after a revoke its requests still passed. Half of those that passed were
//! sent within the darkest part, all but a hundredth within the next.

use plotters::prelude::*;

use super::{
    DrawError,
    bars::{self, Axes, Bar},
    palette,
};
use crate::staleness::Strip;

/// How strong the parts up to p50, p99 and the longest are.
const STRENGTHS: [f64; 3] = [1.0, 0.55, 0.25];

/// The strips, one below the other, `width` wide.
///
/// # Errors
/// When plotters cannot.
pub fn draw(strips: &[Strip], width: u32) -> Result<String, DrawError> {
    let bars: Vec<Bar> = strips.iter().map(bar).collect();
    bars::draw(&bars, Axes::One, width, "staleness")
}

fn bar(strip: &Strip) -> Bar {
    let colour = palette::variant(strip.place);
    let mut before = 0;
    let mut parts = Vec::new();
    for (ns, strength) in [strip.p50, strip.p99, strip.staleness.longest]
        .into_iter()
        .zip(STRENGTHS)
    {
        let until = ns.unwrap_or_default().max(before);
        parts.push(((until - before) as f64, colour.mix(strength)));
        before = until;
    }
    Bar {
        title: format!("{} · {}", strip.staleness.variant, strip.said()),
        parts,
    }
}
