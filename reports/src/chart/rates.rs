//! Rate–latency curves: what latency becomes as more is offered. Both axes are logarithmic, since a
//! search begins by doubling the rate.

use plotters::{coord::combinators::BindKeyPoints, prelude::*};

use super::{Area, DrawError, Drawn, FONT, FONT_SIZE, Size, palette, ticks};
use crate::{quantity, rates::Rates, run::Point};

const MARGIN: u32 = 12;
const LABELS_LEFT: u32 = 66;
const LABELS_BELOW: u32 = 30;
/// A chart about one value still has a width and a height.
const HEADROOM: f64 = 1.25;
const POINT: i32 = 3;
const CROSS: i32 = 4;
/// The name of the limit stands this far above its line.
const ABOVE: i32 = -14;

/// A chart for a page, which has its own legend and style; empty when no rate was answered.
///
/// # Errors
/// When plotters cannot.
pub fn draw(rates: &Rates<'_>, size: Size) -> Result<String, DrawError> {
    let Some([x, y]) = rates.spans() else {
        return Ok(String::new());
    };
    super::svg(size, "rate–latency curves", |area| {
        plot(rates, wider(x), wider(y), area)
    })
}

fn wider((low, high): (f64, f64)) -> (f64, f64) {
    (low / HEADROOM, high * HEADROOM)
}

fn plot(rates: &Rates<'_>, x: (f64, f64), y: (f64, f64), area: &Area) -> Drawn {
    let (width, height) = area.dim_in_pixel();
    let (width_px, height_px) = (
        f64::from(width - LABELS_LEFT - 2 * MARGIN),
        f64::from(height - LABELS_BELOW - 2 * MARGIN),
    );
    let mut chart = ChartBuilder::on(area)
        .margin(MARGIN)
        .x_label_area_size(LABELS_BELOW)
        .y_label_area_size(LABELS_LEFT)
        .build_cartesian_2d(
            (x.0..x.1)
                .log_scale()
                .with_key_points(ticks::rates(x.0, x.1, width_px)),
            (y.0..y.1)
                .log_scale()
                .with_key_points(ticks::logarithmic(y.0, y.1, height_px)),
        )?;
    let font = || (FONT, FONT_SIZE).into_font().color(&palette::INK.rgb());
    chart
        .configure_mesh()
        .max_light_lines(0)
        .bold_line_style(palette::GRID.rgb())
        .light_line_style(palette::GRID.rgb())
        .axis_style(palette::INK.rgb())
        .label_style(font())
        .x_label_formatter(&|rate| format!("{}/s", quantity::grouped(rate.round() as u64)))
        .y_label_formatter(&|ns| quantity::tick(*ns))
        .draw()?;
    if let Some(limit) = rates.limit_ns.map(|limit| limit as f64) {
        let ends = [(x.0, limit), (x.1, limit)];
        chart.draw_series([PathElement::new(ends, palette::INK.rgb())])?;
        let name = Text::new(rates.slo.to_owned(), (POINT, ABOVE), font());
        chart.draw_series([EmptyElement::at((x.0, limit)) + name])?;
    }
    for line in &rates.lines {
        let colour = palette::variant(line.place);
        let thin = line.medians(|point| point.p50_ns);
        let thick = line.medians(|point| point.p99_ns);
        chart.draw_series(LineSeries::new(thin, colour.stroke_width(1)))?;
        chart.draw_series(LineSeries::new(thick, colour.stroke_width(2)))?;
        let at = |point: &Point| (point.offered_per_s, point.p99_ns as f64);
        let (within, beyond): (Vec<_>, Vec<_>) =
            line.answered().partition(|point| point.beyond.is_none());
        let points = within
            .into_iter()
            .map(|point| Circle::new(at(point), POINT, colour.filled()));
        chart.draw_series(points)?;
        let crosses = beyond
            .into_iter()
            .map(|point| Cross::new(at(point), CROSS, colour.stroke_width(2)));
        chart.draw_series(crosses)?;
    }
    Ok(())
}
