//! Percentile curves on the HDR axis: x is 1/(1−p), logarithmic, so that each further nine of the
//! percentile takes as much room as the one before. The axis of latencies is broken where nothing
//! lies for a decade.

use plotters::{coord::combinators::BindKeyPoints, prelude::*};

use super::{DrawError, FONT, FONT_SIZE, Size, bands::bands, palette, ticks};
use crate::{
    curves::{Curves, Line},
    quantity,
};

const MARGIN: u32 = 12;
const LABELS_LEFT: u32 = 66;
const LABELS_BELOW: u32 = 30;
/// Between two bands of a broken axis.
const BREAK: u32 = 10;
/// A band of one flat line is still seen as one.
const LEAST_SHARE_OF_BAND: f64 = 0.16;
const TITLE: u32 = 28;
const LEGEND_LINE: u32 = 20;
const LEGEND_LEFT: i32 = 78;
const SWATCH: i32 = 24;
const GAP: i32 = 10;
const HALF_TEXT: i32 = 5;
/// A wide letter of the font.
const LETTER_PX: u32 = 8;
/// A chart about one value still has a height.
const HEADROOM: f64 = 1.25;

/// A chart for a page, which has its own legend and style.
///
/// # Errors
/// When plotters cannot.
pub fn draw(curves: &Curves, size: Size) -> Result<String, DrawError> {
    let mut svg = String::new();
    {
        let whole =
            SVGBackend::with_string(&mut svg, (size.width, size.height)).into_drawing_area();
        plot(curves, &whole).map_err(DrawError::of("percentile curves"))?;
        whole
            .present()
            .map_err(DrawError::of("percentile curves"))?;
    }
    Ok(palette::classed(&svg))
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
            .and_then(|()| plot(curves, &chart))
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

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

fn heading(curves: &Curves, area: &Area) -> Drawn {
    let font = (FONT, FONT_SIZE).into_font().color(&palette::INK.rgb());
    let text = format!(
        "{}, {}: latency by percentile, median beside each name",
        curves.at.load, curves.at.step
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

/// One stretch of the axis of latencies, and the lines on it.
struct Band<'a> {
    lines: Vec<&'a Line>,
    low: f64,
    high: f64,
}

impl<'a> Band<'a> {
    fn all(curves: &'a Curves) -> Vec<Self> {
        let spans: Vec<(f64, f64)> = curves.lines.iter().map(Line::span).collect();
        bands(&spans)
            .into_iter()
            .map(|places| Self {
                low: places
                    .iter()
                    .map(|&at| spans[at].0)
                    .fold(f64::INFINITY, f64::min)
                    / HEADROOM,
                high: places.iter().map(|&at| spans[at].1).fold(0.0, f64::max) * HEADROOM,
                lines: places.iter().map(|&at| &curves.lines[at]).collect(),
            })
            .collect()
    }

    fn decades(&self) -> f64 {
        (self.high / self.low).log10()
    }
}

fn plot(curves: &Curves, area: &Area) -> Drawn {
    let bands = Band::all(curves);
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
            return stretch(curves, band, &rest, LABELS_BELOW);
        }
        let (here, below) = rest.split_vertically(px as u32);
        stretch(curves, band, &here, 0)?;
        (_, rest) = below.split_vertically(BREAK);
    }
    Ok(())
}

fn stretch(curves: &Curves, band: &Band, area: &Area, labels_below: u32) -> Drawn {
    let (width, height) = area.dim_in_pixel();
    let (width_px, height_px) = (
        f64::from(width - LABELS_LEFT - MARGIN),
        f64::from(height - labels_below),
    );
    let x = (1.0..curves.x_end.max(10.0))
        .log_scale()
        .with_key_points(ticks::percentiles(curves.x_end, width_px));
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
    chart
        .configure_mesh()
        .max_light_lines(0)
        .bold_line_style(palette::GRID.rgb())
        .light_line_style(palette::GRID.rgb())
        .axis_style(palette::INK.rgb())
        .label_style(font)
        .x_label_formatter(&|inverse| percentile(*inverse))
        .y_label_formatter(&|ns| quantity::tick(*ns))
        .draw()?;
    for line in &band.lines {
        let colour = palette::series(line.place).rgb().stroke_width(2);
        chart.draw_series(LineSeries::new(line.points.iter().copied(), colour))?;
    }
    Ok(())
}

fn percentile(inverse: f64) -> String {
    // Rounded: 1 − 1/1000 is 99.9, not 99.90000000000001.
    let percent = ((1.0 - 1.0 / inverse) * 1e8).round() / 1e6;
    format!("{percent} %")
}
