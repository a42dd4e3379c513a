//! Lines on a plane whose axis of latencies is logarithmic.

use std::ops::Range;

use plotters::{
    coord::{
        combinators::BindKeyPoints,
        ranged1d::{DefaultFormatting, KeyPointHint},
    },
    prelude::*,
};

use super::{Area, Drawn, FONT, FONT_SIZE, palette, ticks};
use crate::quantity;

pub(crate) const MARGIN: u32 = 12;
const LABELS_LEFT: u32 = 84;
const LABELS_BELOW: u32 = 48;
/// A chart about one value still has a height.
const HEADROOM: f64 = 1.25;
const DOT: i32 = 2;

/// Where an axis that is so many pixels wide is marked, and how.
pub(crate) type Marks = Box<dyn Fn(f64) -> Vec<(f64, String)>>;

/// Lines, and the axis below them.
pub(crate) struct Plane {
    /// The lines.
    pub(crate) lines: Vec<Line>,
    /// Both ends of the axis below, which is linear.
    pub(crate) x: (f64, f64),
    /// Its marks.
    pub(crate) marks: Marks,
    /// What the axis below shows.
    pub(crate) title: &'static str,
    /// Whether each point is seen as one.
    pub(crate) dots: bool,
}

/// A variant's line.
pub(crate) struct Line {
    /// The variant's place in the run.
    pub(crate) place: usize,
    /// (x, latency in nanoseconds).
    pub(crate) points: Vec<(f64, f64)>,
}

impl Line {
    fn span(&self) -> (f64, f64) {
        let latencies = || self.points.iter().map(|point| point.1);
        (
            latencies().fold(f64::INFINITY, f64::min),
            latencies().fold(0.0, f64::max),
        )
    }
}

impl Plane {
    /// Every line once.
    pub(crate) fn draw(&self, area: &Area) -> Drawn {
        let area = &area.margin(MARGIN, MARGIN, 0, 0);
        let spans: Vec<(f64, f64)> = self.lines.iter().map(Line::span).collect();
        let low = spans
            .iter()
            .map(|span| span.0)
            .fold(f64::INFINITY, f64::min)
            / HEADROOM;
        let high = spans.iter().map(|span| span.1).fold(0.0, f64::max) * HEADROOM;
        let (width, height) = area.dim_in_pixel();
        let (width_px, height_px) = (
            f64::from(width - LABELS_LEFT - MARGIN),
            f64::from(height - LABELS_BELOW),
        );
        let marks = (self.marks)(width_px);
        let x = Marked {
            ends: self.x.0..self.x.1,
            at: marks.iter().map(|mark| mark.0).collect(),
        };
        let y = (low..high)
            .log_scale()
            .with_key_points(ticks::logarithmic(low, high, height_px));
        let mut chart = ChartBuilder::on(area)
            .margin_left(MARGIN)
            .margin_right(MARGIN)
            .x_label_area_size(LABELS_BELOW)
            .y_label_area_size(LABELS_LEFT)
            .build_cartesian_2d(x, y)?;
        let font = (FONT, FONT_SIZE).into_font().color(&palette::INK.rgb());
        let named = |x: &f64| {
            let mark = marks.iter().find(|mark| mark.0.total_cmp(x).is_eq());
            mark.map_or_else(String::new, |mark| mark.1.clone())
        };
        chart
            .configure_mesh()
            .max_light_lines(0)
            .bold_line_style(palette::GRID.rgb())
            .light_line_style(palette::GRID.rgb())
            .axis_style(palette::INK.rgb())
            .label_style(font.clone())
            .axis_desc_style(font)
            .x_desc(self.title)
            .y_desc("latency (logarithmic)")
            .x_label_formatter(&named)
            .y_label_formatter(&|ns| quantity::tick(*ns))
            .draw()?;
        for line in &self.lines {
            let colour = palette::variant(line.place);
            let width_px = if self.dots { 1 } else { 2 };
            chart.draw_series(LineSeries::new(
                line.points.iter().copied(),
                colour.stroke_width(width_px),
            ))?;
            let dots = line.points.iter().filter(|_| self.dots);
            chart.draw_series(dots.map(|at| Circle::new(*at, DOT, colour.filled())))?;
        }
        Ok(())
    }
}

/// A linear axis that is marked where we say: plotters' own can be named only where it chose the places.
struct Marked {
    ends: Range<f64>,
    at: Vec<f64>,
}

impl Ranged for Marked {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (left, right): (i32, i32)) -> i32 {
        let share = (value - self.ends.start) / (self.ends.end - self.ends.start);
        left + (share * f64::from(right - left)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.at.clone()
    }

    fn range(&self) -> Range<f64> {
        self.ends.clone()
    }
}
