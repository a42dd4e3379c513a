//! Bars on one linear axis, one below the other, each of parts that follow each other: of times, or of the shares that the
//! parts have of their bar, where times are too far apart for one axis.

use plotters::prelude::*;

use super::{Area, DrawError, Drawn, FONT, FONT_SIZE, Size, palette, ticks};
use crate::quantity;

const ROW: i32 = 44;
const BAR: i32 = 16;
const TEXT: i32 = 20;
/// The marks below the bars, and the axis' title.
const AXIS: i32 = 48;
const TITLE: i32 = 28;
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

/// What the axis shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Axis {
    /// Times.
    Times,
    /// The share of each part in its bar.
    Shares,
}

/// The bars, `width` wide, on an axis of that title.
pub(crate) fn draw(
    bars: &[Bar],
    axis: Axis,
    title: &str,
    width: u32,
    what: &'static str,
) -> Result<String, DrawError> {
    let size = Size {
        width,
        height: (height(bars.len()) + AXIS).unsigned_abs(),
    };
    super::svg(size, what, |area| {
        on_axis(bars, axis, title, width.cast_signed() - OVERHANG, area)
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

/// The bars, `width` wide.
fn on_axis(bars: &[Bar], axis: Axis, title: &str, width: i32, area: &Area) -> Drawn {
    let end = match axis {
        Axis::Times => bars.iter().map(Bar::length).fold(0.0, f64::max),
        Axis::Shares => 1.0,
    };
    let end = if end > 0.0 { end } else { OF_NOTHING };
    let x = |value: f64| (value / end * f64::from(width)).round() as i32;
    let bottom = height(bars.len());
    let font = (FONT, FONT_SIZE).into_font().color(&palette::INK.rgb());
    let marks = match axis {
        Axis::Times => ticks::linear(end, f64::from(width)),
        Axis::Shares => vec![0.0, 0.25, 0.5, 0.75, 1.0],
    };
    for value in marks {
        let grid = [(x(value), TEXT), (x(value), bottom)];
        area.draw(&PathElement::new(grid, palette::GRID.rgb()))?;
        let text = match axis {
            Axis::Shares => format!("{} %", (value * 100.0).round()),
            Axis::Times if value > 0.0 => quantity::tick(value),
            Axis::Times => "0".to_owned(),
        };
        let left = x(value) - area.estimate_text_size(&text, &font)?.0.cast_signed() / 2;
        area.draw_text(&text, &font, (left.max(0), bottom + TICK))?;
    }
    area.draw_text(title, &font, (0, bottom + TITLE))?;
    let line = [(0, bottom), (width, bottom)];
    area.draw(&PathElement::new(line, palette::INK.rgb()))?;
    for (bar, top) in bars.iter().zip((0..).step_by(ROW.unsigned_abs() as usize)) {
        area.draw_text(&bar.title, &font, (0, top + 2))?;
        let scale = match axis {
            Axis::Shares if bar.length() > 0.0 => 1.0 / bar.length(),
            Axis::Times | Axis::Shares => 1.0,
        };
        let mut left = 0.0;
        for (ns, colour) in &bar.parts {
            let right = left + ns * scale;
            let corners = [(x(left), top + TEXT), (x(right), top + TEXT + BAR)];
            area.draw(&Rectangle::new(corners, colour.filled()))?;
            left = right;
        }
    }
    Ok(())
}
