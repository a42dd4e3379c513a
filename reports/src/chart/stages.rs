//! Stage costs as bars, each the whole of one variant's time, split by stage.
//!
//! Shares rather than times: beside a stage of 400 ms one of 1 µs could not be seen.

use plotters::prelude::*;

use super::{DrawError, FONT, FONT_SIZE, Size, palette};
use crate::{quantity, stages::Stages};

const ROW: i32 = 46;
const BAR: i32 = 16;
const TEXT: i32 = 20;

/// The bars, one below the other, `width` wide.
///
/// # Errors
/// When plotters cannot.
pub fn draw(stages: &Stages, width: u32) -> Result<String, DrawError> {
    let size = Size {
        width,
        height: ROW.unsigned_abs() * stages.rows.len() as u32,
    };
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (size.width, size.height)).into_drawing_area();
        let font = (FONT, FONT_SIZE).into_font().color(&palette::INK.rgb());
        for (row, stage_costs) in (0..).zip(&stages.rows) {
            let top: i32 = ROW * row;
            let title = format!(
                "{} · {}",
                stage_costs.label,
                quantity::duration(stage_costs.total_ns)
            );
            area.draw_text(&title, &font, (0, top + 2))
                .map_err(DrawError::of("stage costs"))?;
            let mut left = 0.0;
            for (place, share) in stage_costs.share.iter().enumerate() {
                let right = left + share * f64::from(width);
                let corners = [
                    (left.round() as i32, top + TEXT),
                    (right.round() as i32, top + TEXT + BAR),
                ];
                let colour = palette::series(place).rgb();
                area.draw(&Rectangle::new(corners, colour.filled()))
                    .map_err(DrawError::of("stage costs"))?;
                left = right;
            }
        }
        area.present().map_err(DrawError::of("stage costs"))?;
    }
    Ok(palette::classed(&svg))
}
