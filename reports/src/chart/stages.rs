//! Stage costs as bars: a variant's time, split by stage, on a linear axis, so that what a cache
//! saves is seen as length. Variants ten times apart stand on axes of their own: beside a stage of
//! 700 ms one of 1 µs could not be seen.

use plotters::prelude::*;

use super::{DrawError, FONT, FONT_SIZE, Size, bands::bands, palette, ticks};
use crate::{
    quantity,
    stages::{Row, Stages},
};

const ROW: i32 = 44;
const BAR: i32 = 16;
const TEXT: i32 = 20;
/// The marks below a band of bars, and the space before the next.
const AXIS: i32 = 36;
const TICK: i32 = 5;
/// The last mark's text is as wide as this, half of it beyond the mark.
const OVERHANG: i32 = 28;

/// The bars, one below the other, `width` wide.
///
/// # Errors
/// When plotters cannot.
pub fn draw(stages: &Stages, width: u32) -> Result<String, DrawError> {
    let totals: Vec<(f64, f64)> = stages
        .rows
        .iter()
        .map(|row| (row.total_ns, row.total_ns))
        .collect();
    let bands = bands(&totals);
    let height = bands
        .iter()
        .map(|places| bars(places.len()) + AXIS)
        .sum::<i32>();
    let size = Size {
        width,
        height: height.unsigned_abs(),
    };
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (size.width, size.height)).into_drawing_area();
        let mut top = 0;
        for places in bands {
            let rows: Vec<&Row> = places.iter().map(|&place| &stages.rows[place]).collect();
            band(&rows, top, width.cast_signed() - OVERHANG, &area)
                .map_err(DrawError::of("stage costs"))?;
            top += bars(rows.len()) + AXIS;
        }
        area.present().map_err(DrawError::of("stage costs"))?;
    }
    Ok(palette::classed(&svg))
}

/// Height of so many bars.
fn bars(rows: usize) -> i32 {
    ROW * (rows as u32).cast_signed()
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Bars on one axis, `width` wide.
fn band(rows: &[&Row], top: i32, width: i32, area: &Area) -> Drawn {
    let end = rows.iter().map(|row| row.total_ns).fold(0.0, f64::max);
    let x = |ns: f64| (ns / end * f64::from(width)).round() as i32;
    let bottom = top + bars(rows.len());
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
    area.draw(&PathElement::new(
        [(0, bottom), (width, bottom)],
        palette::INK.rgb(),
    ))?;
    for (row, top) in rows
        .iter()
        .zip((top..).step_by(ROW.unsigned_abs() as usize))
    {
        let title = format!("{} · {}", row.label, quantity::duration(row.total_ns));
        area.draw_text(&title, &font, (0, top + 2))?;
        let mut left = 0.0;
        for (place, ns) in row.mean_ns.iter().enumerate() {
            let right = left + ns;
            let corners = [(x(left), top + TEXT), (x(right), top + TEXT + BAR)];
            let colour = palette::series(place).rgb();
            area.draw(&Rectangle::new(corners, colour.filled()))?;
            left = right;
        }
    }
    Ok(())
}
