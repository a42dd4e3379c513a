//! Bars of times on a linear axis, one below the other, each of parts that follow each other. Where it is
//! asked for, bars ten times apart stand on axes of their own: beside one of 700 ms one of 1 µs could not be
//! seen.

use plotters::prelude::*;

use super::{Area, DrawError, Drawn, FONT, FONT_SIZE, Size, bands::bands, palette, ticks};
use crate::quantity;

const ROW: i32 = 44;
const BAR: i32 = 16;
const TEXT: i32 = 20;
/// The marks below a band of bars, and the space before the next.
const AXIS: i32 = 36;
const TICK: i32 = 5;
/// The last mark's text is as wide as this, half of it beyond the mark.
const OVERHANG: i32 = 28;
/// The axis of bars that have no length, nanoseconds.
const OF_NOTHING: f64 = 1e9;

/// A bar, and what stands above it.
pub(crate) struct Bar {
    /// Above it.
    pub(crate) title: String,
    /// Its parts, from the left: nanoseconds each.
    pub(crate) parts: Vec<(f64, RGBAColor)>,
}

/// Which bars share an axis.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Axes {
    /// All.
    One,
    /// Those within ten times of each other.
    Broken,
}

/// The bars, `width` wide.
pub(crate) fn draw(
    bars: &[Bar],
    axes: Axes,
    width: u32,
    what: &'static str,
) -> Result<String, DrawError> {
    let bands = match axes {
        Axes::One => vec![(0..bars.len()).collect()],
        Axes::Broken => {
            let spans: Vec<_> = bars
                .iter()
                .map(|bar| (bar.length(), bar.length()))
                .collect();
            bands(&spans)
        }
    };
    let heights = bands.iter().map(|places| height(places.len()) + AXIS);
    let size = Size {
        width,
        height: heights.sum::<i32>().unsigned_abs(),
    };
    super::svg(size, what, |area| {
        let mut top = 0;
        for places in bands {
            let bars: Vec<&Bar> = places.iter().map(|&place: &usize| &bars[place]).collect();
            band(&bars, top, width.cast_signed() - OVERHANG, area)?;
            top += height(bars.len()) + AXIS;
        }
        Ok(())
    })
}

impl Bar {
    fn length(&self) -> f64 {
        self.parts.iter().map(|part| part.0).sum()
    }
}

fn height(bars: usize) -> i32 {
    ROW * (bars as u32).cast_signed()
}

/// Bars on one axis, `width` wide.
fn band(bars: &[&Bar], top: i32, width: i32, area: &Area) -> Drawn {
    let end = bars.iter().map(|bar| bar.length()).fold(0.0, f64::max);
    let end = if end > 0.0 { end } else { OF_NOTHING };
    let x = |ns: f64| (ns / end * f64::from(width)).round() as i32;
    let bottom = top + height(bars.len());
    let font = (FONT, FONT_SIZE).into_font().color(&palette::INK.rgb());
    for ns in ticks::linear(end, f64::from(width)) {
        let grid = [(x(ns), top + TEXT), (x(ns), bottom)];
        area.draw(&PathElement::new(grid, palette::GRID.rgb()))?;
        let text = if ns > 0.0 {
            quantity::tick(ns)
        } else {
            "0".to_owned()
        };
        let left = x(ns) - area.estimate_text_size(&text, &font)?.0.cast_signed() / 2;
        area.draw_text(&text, &font, (left.max(0), bottom + TICK))?;
    }
    let line = [(0, bottom), (width, bottom)];
    area.draw(&PathElement::new(line, palette::INK.rgb()))?;
    for (bar, top) in bars
        .iter()
        .zip((top..).step_by(ROW.unsigned_abs() as usize))
    {
        area.draw_text(&bar.title, &font, (0, top + 2))?;
        let mut left = 0.0;
        for (ns, colour) in &bar.parts {
            let right = left + ns;
            let corners = [(x(left), top + TEXT), (x(right), top + TEXT + BAR)];
            area.draw(&Rectangle::new(corners, colour.filled()))?;
            left = right;
        }
    }
    Ok(())
}
