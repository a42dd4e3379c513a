//! Percentile curves on the HDR axis: x is 1/(1−p), logarithmic, so that each further nine of the
//! percentile takes as much room as the one before.

use plotters::{coord::combinators::BindKeyPoints, prelude::*};

use super::{DrawError, FONT, FONT_SIZE, Size, palette};
use crate::{curves::Curves, quantity};

const MARGIN: u32 = 12;
const LABELS_LEFT: u32 = 62;
const LABELS_BELOW: u32 = 30;
const LEGEND_LINE: i32 = 20;
const LEGEND_LEFT: i32 = 74;
const SWATCH: i32 = 24;
const GAP: i32 = 10;
const HALF_TEXT: i32 = 5;
/// A chart about one value still has a height.
const HEADROOM: f64 = 1.25;
const LEAST_TICKS: usize = 3;
const LEAST_PX_BETWEEN_X_TICKS: f64 = 38.0;

/// A chart for a page, which has its own legend and style.
///
/// # Errors
/// When plotters cannot.
pub fn draw(curves: &Curves, size: Size) -> Result<String, DrawError> {
    svg(curves, size, 0)
}

/// A picture that stands alone: with a legend below, and its own style.
///
/// # Errors
/// When plotters cannot.
pub fn picture(curves: &Curves, size: Size) -> Result<String, DrawError> {
    let legend = LEGEND_LINE.unsigned_abs() * curves.lines.len() as u32;
    let svg = svg(
        curves,
        Size {
            height: size.height + legend,
            ..size
        },
        legend,
    )?;
    let style = format!("<style>{}</style>\n", palette::style());
    let after_tag = svg.find('>').map_or(0, |end| end + 1);
    Ok(format!(
        "{}\n{style}{}",
        &svg[..after_tag],
        &svg[after_tag..]
    ))
}

fn svg(curves: &Curves, size: Size, legend: u32) -> Result<String, DrawError> {
    let mut svg = String::new();
    {
        let whole =
            SVGBackend::with_string(&mut svg, (size.width, size.height)).into_drawing_area();
        let (chart, below) = whole.split_vertically(size.height - legend);
        plot(curves, &chart, size.width).map_err(DrawError::of("percentile curves"))?;
        if legend > 0 {
            names(curves, &below).map_err(DrawError::of("legend"))?;
        }
        whole
            .present()
            .map_err(DrawError::of("percentile curves"))?;
    }
    Ok(palette::classed(&svg))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

fn names(curves: &Curves, area: &Area) -> Drawn {
    let font = (FONT, FONT_SIZE).into_font().color(&palette::INK.rgb());
    let mut y = LEGEND_LINE / 2;
    for line in &curves.lines {
        let colour = palette::series(line.place).rgb();
        let swatch = [(LEGEND_LEFT, y), (LEGEND_LEFT + SWATCH, y)];
        area.draw(&PathElement::new(swatch, colour.stroke_width(3)))?;
        let text = (LEGEND_LEFT + SWATCH + GAP, y - HALF_TEXT);
        area.draw_text(&line.label, &font, text)?;
        y += LEGEND_LINE;
    }
    Ok(())
}

fn plot(curves: &Curves, area: &Area, width: u32) -> Drawn {
    let (low, high) = (curves.y.0 / HEADROOM, curves.y.1 * HEADROOM);
    let x = (1.0..curves.x_end.max(10.0))
        .log_scale()
        .with_key_points(x_ticks(curves.x_end, width));
    let y = (low..high).log_scale().with_key_points(y_ticks(low, high));
    let mut chart = ChartBuilder::on(area)
        .margin(MARGIN)
        .x_label_area_size(LABELS_BELOW)
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
    for line in &curves.lines {
        let colour = palette::series(line.place).rgb().stroke_width(2);
        chart.draw_series(LineSeries::new(line.points.iter().copied(), colour))?;
    }
    Ok(())
}

/// 0 %, 50 %, and each further nine; fewer where the picture is narrow.
fn x_ticks(end: f64, width: u32) -> Vec<f64> {
    let decades = end.max(10.0).log10();
    let px_per_decade = f64::from(width - LABELS_LEFT) / decades;
    let half = (2.0_f64.log10() * px_per_decade >= LEAST_PX_BETWEEN_X_TICKS).then_some(2.0);
    let every = (LEAST_PX_BETWEEN_X_TICKS / px_per_decade).ceil().max(1.0) as usize;
    let nines = (1..=decades.floor() as i32)
        .step_by(every)
        .map(|nine| 10_f64.powi(nine));
    [1.0].into_iter().chain(half).chain(nines).collect()
}

/// Powers of ten, with 2 and 5 between them, or every digit, where the range is short.
fn y_ticks(low: f64, high: f64) -> Vec<f64> {
    let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let ticks = |digits: &[f64]| -> Vec<f64> {
        let all = decades
            .clone()
            .flat_map(|decade| digits.iter().map(move |digit| digit * 10_f64.powi(decade)));
        all.filter(|tick| low <= *tick && *tick <= high).collect()
    };
    let choices = [
        &[1.0][..],
        &[1.0, 2.0, 5.0],
        &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
    ];
    let enough = choices
        .iter()
        .map(|digits| ticks(digits))
        .find(|ticks| ticks.len() >= LEAST_TICKS);
    enough.unwrap_or_else(|| vec![low * HEADROOM, high / HEADROOM])
}

fn percentile(inverse: f64) -> String {
    // Rounded: 1 − 1/1000 is 99.9, not 99.90000000000001.
    let percent = ((1.0 - 1.0 / inverse) * 1e8).round() / 1e6;
    format!("{percent} %")
}
