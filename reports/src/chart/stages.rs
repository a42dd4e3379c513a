//! Stage costs as bars: a variant's time, split by stage, on a linear axis, so that what a cache
//! saves is seen as length.

use plotters::prelude::*;

use super::{
    DrawError,
    bars::{self, Axes, Bar},
    palette,
};
use crate::{
    quantity,
    stages::{Row, Stages},
};

/// The bars, one below the other, `width` wide.
///
/// # Errors
/// When plotters cannot.
pub fn draw(stages: &Stages, width: u32) -> Result<String, DrawError> {
    let bars: Vec<Bar> = stages.rows.iter().map(bar).collect();
    bars::draw(&bars, Axes::Broken, width, "stage costs")
}

fn bar(row: &Row) -> Bar {
    let parts = row.mean_ns.iter().enumerate();
    Bar {
        title: format!("{} · {}", row.label, quantity::duration(row.total_ns)),
        parts: parts
            .map(|(place, ns)| (*ns, palette::series(place).rgb().to_rgba()))
            .collect(),
    }
}
