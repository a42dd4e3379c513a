//! Percentile curves on the HDR axis: x is 1/(1−p), logarithmic, so that each further nine of the
//! percentile takes as much room as the one before.

use plotters::prelude::*;

use super::{
    Area, DrawError, Drawn, FONT, FONT_SIZE, Size, palette,
    plane::{self, MARGIN, Plane},
    ticks,
};
use crate::{
    curves::{self, Curves, Line},
    quantity,
};

const TITLE: u32 = 28;
const LEGEND_LINE: u32 = 20;
const LEGEND_LEFT: i32 = 78;
const SWATCH: i32 = 24;
const GAP: i32 = 10;
const HALF_TEXT: i32 = 5;
/// A wide letter of the font.
const LETTER_PX: u32 = 8;

/// A chart for a page, which has its own legend and style.
///
/// # Errors
/// When plotters cannot.
pub fn draw(curves: &Curves, size: Size) -> Result<String, DrawError> {
    super::svg(size, "percentile curves", |area| plane(curves).draw(area))
}

/// A picture that stands alone: with a title, a legend below, its own style and background.
///
/// # Errors
/// When plotters cannot.
pub fn picture(curves: &Curves, size: Size) -> Result<String, DrawError> {
    let legend = Legend::of(curves, size.width);
    let height = TITLE + size.height + legend.height();
    let mut svg = String::new();
    {
        let whole = SVGBackend::with_string(&mut svg, (size.width, height)).into_drawing_area();
        let (title, rest) = whole.split_vertically(TITLE);
        let (chart, below) = rest.split_vertically(size.height);
        whole
            .fill(&palette::PAPER.rgb())
            .and_then(|()| heading(curves, &title))
            .and_then(|()| plane(curves).draw(&chart))
            .and_then(|()| legend.draw(&below))
            .map_err(DrawError::of("ladder's picture"))?;
        whole.present().map_err(DrawError::of("ladder's picture"))?;
    }
    let svg = palette::classed(&svg);
    let style = format!("<style>{}</style>\n", palette::style());
    let after_tag = svg.find('>').map_or(0, |end| end + 1);
    Ok(format!(
        "{}\n{style}{}",
        &svg[..after_tag],
        &svg[after_tag..]
    ))
}

fn heading(curves: &Curves, area: &Area) -> Drawn {
    let font = (FONT, FONT_SIZE).into_font().color(&palette::INK.rgb());
    let text = format!(
        "{}, {}: {} by percentile, median beside each name",
        curves.at.load,
        curves.at.step,
        curves.shows()
    );
    area.draw_text(&text, &font, (MARGIN.cast_signed(), MARGIN.cast_signed()))
}

/// Names, in two columns where they fit.
struct Legend<'a> {
    entries: Vec<(&'a Line, String)>,
    columns: u32,
    column_px: u32,
}

impl<'a> Legend<'a> {
    fn of(curves: &'a Curves, width: u32) -> Self {
        let entries: Vec<_> = curves.lines.iter().map(|line| (line, name(line))).collect();
        let longest = entries.iter().map(|(_, name)| name.chars().count() as u32);
        let left = LEGEND_LEFT.unsigned_abs();
        let column_px = (width - left) / 2;
        let needed = (SWATCH + 2 * GAP).unsigned_abs() + LETTER_PX * longest.max().unwrap_or(0);
        Self {
            entries,
            columns: if needed <= column_px { 2 } else { 1 },
            column_px,
        }
    }

    fn rows(&self) -> u32 {
        (self.entries.len() as u32).div_ceil(self.columns)
    }

    fn height(&self) -> u32 {
        self.rows() * LEGEND_LINE + MARGIN
    }

    fn draw(&self, area: &Area) -> Drawn {
        let font = (FONT, FONT_SIZE).into_font().color(&palette::INK.rgb());
        for (place, (line, name)) in (0..).zip(&self.entries) {
            let (column, row) = (place / self.rows(), place % self.rows());
            let x = LEGEND_LEFT + (column * self.column_px).cast_signed();
            let y = (row * LEGEND_LINE + LEGEND_LINE / 2).cast_signed();
            let colour = palette::series(line.place).rgb();
            let swatch = [(x, y), (x + SWATCH, y)];
            area.draw(&PathElement::new(swatch, colour.stroke_width(3)))?;
            area.draw_text(name, &font, (x + SWATCH + GAP, y - HALF_TEXT))?;
        }
        Ok(())
    }
}

fn name(line: &Line) -> String {
    match line.percentiles.first() {
        Some(&Some(p50)) => format!("{} · {}", line.label, quantity::duration(p50 as f64)),
        _ => line.label.clone(),
    }
}

/// The curves where they are drawn: the axis of plotters is linear, so x is the logarithm.
fn plane(curves: &Curves) -> Plane {
    let end = curves.x_end.max(10.0);
    let line = |line: &Line| plane::Line {
        place: line.place,
        points: line
            .points
            .iter()
            .map(|&(inverse, ns)| (inverse.log10(), ns))
            .collect(),
    };
    Plane {
        lines: curves.lines.iter().map(line).collect(),
        x: (0.0, end.log10()),
        marks: Box::new(move |width_px| {
            let marks = ticks::percentiles(end, width_px).into_iter();
            marks
                .map(|inverse| (inverse.log10(), curves::percentile(inverse)))
                .collect()
        }),
        dots: false,
    }
}
