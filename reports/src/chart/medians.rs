//! The median of each variant as a bar: a run at a glance, for a page of several.

use plotters::prelude::*;

use super::{
    DrawError,
    bars::{self, Axes, Bar},
    palette,
};
use crate::{ladder::Rung, quantity};

/// The bars of the variants that were measured, `width` wide; empty when none was.
///
/// # Errors
/// When plotters cannot.
pub fn draw(rungs: &[Rung], width: u32) -> Result<String, DrawError> {
    let bars: Vec<Bar> = rungs.iter().enumerate().filter_map(bar).collect();
    if bars.is_empty() {
        return Ok(String::new());
    }
    bars::draw(&bars, Axes::Broken, width, "medians")
}

fn bar((place, rung): (usize, &Rung)) -> Option<Bar> {
    let p50 = rung.p50.filter(|p50| *p50 > 0)? as f64;
    Some(Bar {
        title: format!("{} · {}", rung.variant.label, quantity::duration(p50)),
        parts: vec![(p50, palette::variant(place).to_rgba())],
    })
}
