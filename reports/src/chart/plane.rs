//! Lines on a plane whose axis of latencies is logarithmic, and broken where nothing lies for a decade.

use std::ops::Range;

use plotters::{
    coord::{
        combinators::BindKeyPoints,
        ranged1d::{DefaultFormatting, KeyPointHint},
    },
    prelude::*,
};

use super::{Area, Drawn, FONT, FONT_SIZE, bands::bands, palette, ticks};
use crate::quantity;

pub(crate) const MARGIN: u32 = 12;
const LABELS_LEFT: u32 = 66;
const LABELS_BELOW: u32 = 30;
/// Between two bands of a broken axis.
const BREAK: u32 = 10;
/// A band of one flat line is still seen as one.
const LEAST_SHARE_OF_BAND: f64 = 0.16;
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

/// One stretch of the axis of latencies, and the lines on it.
struct Band<'a> {
    lines: Vec<&'a Line>,
    low: f64,
    high: f64,
}

impl Plane {
    /// Every line once, in its stretch of the axis.
    pub(crate) fn draw(&self, area: &Area) -> Drawn {
        let bands = self.bands();
        let decades: f64 = bands.iter().map(Band::decades).sum();
        let shares: Vec<f64> = bands
            .iter()
            .map(|band| (band.decades() / decades).max(LEAST_SHARE_OF_BAND))
            .collect();
        let breaks = BREAK * (bands.len() as u32).saturating_sub(1);
        let (_, height) = area.dim_in_pixel();
        let room = f64::from(height - 2 * MARGIN - LABELS_BELOW - breaks);
        let mut rest = area.margin(MARGIN, MARGIN, 0, 0);
        for (place, (band, share)) in bands.iter().zip(&shares).enumerate() {
            let px = (room * share / shares.iter().sum::<f64>()).round();
            if place + 1 == bands.len() {
                return self.stretch(band, &rest, LABELS_BELOW);
            }
            let (here, below) = rest.split_vertically(px as u32);
            self.stretch(band, &here, 0)?;
            (_, rest) = below.split_vertically(BREAK);
        }
        Ok(())
    }

    fn bands(&self) -> Vec<Band<'_>> {
        let spans: Vec<(f64, f64)> = self.lines.iter().map(Line::span).collect();
        bands(&spans)
            .into_iter()
            .map(|places| Band {
                low: places
                    .iter()
                    .map(|&at| spans[at].0)
                    .fold(f64::INFINITY, f64::min)
                    / HEADROOM,
                high: places.iter().map(|&at| spans[at].1).fold(0.0, f64::max) * HEADROOM,
                lines: places.iter().map(|&at| &self.lines[at]).collect(),
            })
            .collect()
    }

    fn stretch(&self, band: &Band<'_>, area: &Area, labels_below: u32) -> Drawn {
        let (width, height) = area.dim_in_pixel();
        let (width_px, height_px) = (
            f64::from(width - LABELS_LEFT - MARGIN),
            f64::from(height - labels_below),
        );
        let marks = (self.marks)(width_px);
        let x = Marked {
            ends: self.x.0..self.x.1,
            at: marks.iter().map(|mark| mark.0).collect(),
        };
        let y = (band.low..band.high)
            .log_scale()
            .with_key_points(ticks::logarithmic(band.low, band.high, height_px));
        let mut chart = ChartBuilder::on(area)
            .margin_left(MARGIN)
            .margin_right(MARGIN)
            .x_label_area_size(labels_below)
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
            .label_style(font)
            .x_label_formatter(&named)
            .y_label_formatter(&|ns| quantity::tick(*ns))
            .draw()?;
        for line in &band.lines {
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

impl Band<'_> {
    fn decades(&self) -> f64 {
        (self.high / self.low).log10()
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
