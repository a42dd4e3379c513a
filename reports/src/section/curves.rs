//! The percentile curves of a run: which charts, which lines, and where their points lie.
//!
//! They are drawn on the HDR axis: x is 1/(1−p), logarithmic, so that each further nine of the percentile takes as much room
//! as the one before.

use plotters::prelude::*;

use crate::chart::{
    self, Area, DrawError, Drawn, FONT, FONT_SIZE, Size,
    multiples::{self, Multiples},
    palette,
    plane::{self, MARGIN, Plane},
    ticks,
};
use crate::document::{Block, Chart, Entry, Points, Section, Table};
use crate::quantity::{self, NOT_MEASURED};
use crate::run::{ALWAYS_HELD, Figure, Latency, LoadStep, PERCENTILES, Run, ascending_percentiles};

const TITLE: u32 = 28;
const LEGEND_LINE: u32 = 20;
const LEGEND_LEFT: i32 = 78;
const SWATCH: i32 = 24;
const GAP: i32 = 10;
const HALF_TEXT: i32 = 5;
/// A wide letter of the font.
const LETTER_PX: u32 = 8;
/// More lines have no colours of their own: each has a small plot.
const MOST_IN_ONE: usize = 8;
/// Of a percentile in words.
const MOST_DECIMALS: f64 = 7.0;

/// A chart: one load and step, a curve for each variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    /// Load and step.
    pub at: LoadStep,
    /// Which latency they are of.
    pub latency: Latency,
    /// Whether the load has another chart, of the other latency.
    pub is_one_of_two: bool,
    /// A curve for each variant that was measured.
    pub lines: Vec<Line>,
    /// Greatest x of any line.
    pub x_end: f64,
    /// The baseline's place in [`Self::lines`].
    pub baseline: Option<usize>,
}

/// One variant's curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The variant's place in the run: its colour, the same in every chart.
    pub place: usize,
    /// As people read it.
    pub label: String,
    /// (1/(1−p), latency in nanoseconds), ascending.
    pub points: Vec<(f64, f64)>,
    /// Samples.
    pub count: u64,
    /// Latency at each of [`PERCENTILES`], ascending, nanoseconds; none where the samples do not carry it.
    pub percentiles: Vec<Option<u64>>,
    /// Greatest latency, nanoseconds.
    pub max: u64,
}

/// The charts of a run: the ladder's own first, then the scenario's order; none for a step without
/// curves. In an open model the service time has a second chart, after that of the response time.
#[must_use]
pub fn of(run: &Run) -> Vec<Curves> {
    let steps = run
        .scenario
        .loads
        .iter()
        .flat_map(|load| load.steps.iter().map(move |step| (load, step)));
    let charts = steps.flat_map(|(load, step)| {
        let at = LoadStep {
            load: load.name.clone(),
            step: step.clone(),
        };
        let second = load.open.then_some(Latency::Service);
        let both = [Some(load.latency()), second];
        let charts = both.into_iter().flatten();
        charts
            .filter_map(|latency| chart(run, at.clone(), latency, load.open))
            .collect::<Vec<_>>()
    });
    let (ladder, others): (Vec<_>, Vec<_>) =
        charts.partition(|curves| curves.at == run.scenario.ladder.latency);
    ladder.into_iter().chain(others).collect()
}

impl Curves {
    /// What its axis shows, in words.
    #[must_use]
    pub fn shows(&self) -> &'static str {
        if self.is_one_of_two {
            self.latency.label()
        } else {
            "latency"
        }
    }
}

fn chart(run: &Run, at: LoadStep, latency: Latency, is_one_of_two: bool) -> Option<Curves> {
    let lines: Vec<Line> = run
        .variants
        .iter()
        .enumerate()
        .filter_map(|(place, variant)| {
            line(
                place,
                &variant.label,
                run.figure(&variant.name, &at, latency.metric())?,
            )
        })
        .collect();
    let points = lines.iter().flat_map(|line| &line.points);
    let x_end = points.map(|point| point.0).reduce(f64::max)?;
    let baseline = run.variant(&run.scenario.baseline);
    let baseline = baseline.and_then(|baseline| {
        let mut labels = lines.iter().map(|line| &line.label);
        labels.position(|label| *label == baseline.label)
    });
    Some(Curves {
        at,
        latency,
        is_one_of_two,
        lines,
        x_end,
        baseline,
    })
}

fn line(place: usize, label: &str, figure: &Figure) -> Option<Line> {
    let samples = figure.count as f64;
    // The maximum stands where a percentile of one sample in all would: 100 % is infinitely far.
    let x = |percentile: f64| {
        if percentile < 100.0 {
            1.0 / (1.0 - percentile / 100.0)
        } else {
            samples
        }
    };
    let points: Vec<(f64, f64)> = figure
        .curve
        .iter()
        .map(|&(p, value)| (x(p), value.max(1) as f64))
        .collect();
    let carried = |place: usize| {
        let held = figure.percentiles.get(place).copied();
        held.filter(|_| x(PERCENTILES[place]) <= samples)
    };
    (!points.is_empty()).then(|| Line {
        place,
        label: label.to_owned(),
        points,
        count: figure.count,
        percentiles: ascending_percentiles().into_iter().map(carried).collect(),
        max: figure.max,
    })
}

/// `99.9 %`, of 1/(1−p): as many digits as tell its distance to 100 % by three.
pub(crate) fn percentile(inverse: f64) -> String {
    let left = 100.0 / inverse;
    let decimals = (2.0 - left.log10().floor()).clamp(0.0, MOST_DECIMALS);
    let unit = 10_f64.powf(decimals);
    format!("{} %", ((100.0 - left) * unit).round() / unit)
}

/// The section of each load and step.
pub(super) fn sections(run: &Run) -> Result<Vec<Section>, DrawError> {
    of(run).iter().map(section).collect()
}

fn section(curves: &Curves) -> Result<Section, DrawError> {
    let (of, axis) = match curves.latency {
        _ if !curves.is_one_of_two => ("", "Latency"),
        Latency::Response => (" of response time", "Response time"),
        Latency::Service => (" of service time", "Service time"),
    };
    let title = format!("Percentiles{of}: {}, {}", curves.at.load, curves.at.step);
    let lines = &curves.lines;
    let chart = Chart {
        label: format!(
            "{title}. {axis} of each variant by percentile, both axes logarithmic; figures below."
        ),
        legend: lines
            .iter()
            .filter(|_| lines.len() <= MOST_IN_ONE)
            .map(|line| {
                let p50 = median(line).map(|p50| format!("p50 {p50}"));
                Entry::line(line.place, &line.label, p50)
            })
            .collect(),
        pictures: Some(chart::both(|size| {
            if lines.len() > MOST_IN_ONE {
                return Ok(multiples(curves, axis).svg(size.width));
            }
            chart::svg(size, "percentile curves", |area| plane(curves).draw(area))
        })?),
        points: lines
            .iter()
            .map(|line| Points {
                place: line.place,
                label: line.label.clone(),
                lines: vec![said(line)],
            })
            .collect(),
        ..Chart::default()
    };
    let places = ascending_percentiles();
    let header = std::iter::once("variant".to_owned())
        .chain(
            shown(lines)
                .into_iter()
                .map(|column| quantity::percentile(PERCENTILES[places[column]])),
        )
        .chain(["max".to_owned(), "samples".to_owned()]);
    let figures = Table::of(
        title.clone(),
        header,
        lines.iter().map(|line| percentiles(line, &shown(lines))),
    );
    Ok(Section::of_chart(
        title,
        chart,
        Block::folded("Figures", figures),
    ))
}

fn median(line: &Line) -> Option<String> {
    let p50 = line.percentiles.first().copied().flatten()?;
    Some(quantity::duration(p50 as f64))
}

/// Percentile and latency of each point; the last is the maximum.
fn said(line: &Line) -> Vec<String> {
    let last = line.points.len() - 1;
    let point = |(at, (inverse, ns)): (usize, &(f64, f64))| {
        let percentile = if at == last {
            "max".to_owned()
        } else {
            percentile(*inverse)
        };
        format!("{percentile} · {}", quantity::duration(*ns))
    };
    line.points.iter().enumerate().map(point).collect()
}

/// The percentiles in its table, as places in [`Line::percentiles`]: without those that older runs do not hold.
fn shown(lines: &[Line]) -> Vec<usize> {
    let places = ascending_percentiles().into_iter().enumerate();
    places
        .filter(|(column, place)| {
            let is_held = |line: &Line| line.percentiles.get(*column).is_some_and(Option::is_some);
            *place < ALWAYS_HELD || lines.iter().any(is_held)
        })
        .map(|(column, _)| column)
        .collect()
}

fn percentiles(line: &Line, shown: &[usize]) -> Vec<String> {
    let value =
        |ns: &Option<u64>| ns.map_or(NOT_MEASURED.to_owned(), |ns| quantity::duration(ns as f64));
    let name = std::iter::once(line.label.clone());
    let rest = [
        quantity::duration(line.max as f64),
        quantity::grouped(line.count),
    ];
    let shown = shown
        .iter()
        .filter_map(|column| line.percentiles.get(*column));
    name.chain(shown.map(value)).chain(rest).collect()
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
    match median(line) {
        Some(p50) => format!("{} · {p50}", line.label),
        None => line.label.clone(),
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
                .map(|inverse| (inverse.log10(), percentile(inverse)))
                .collect()
        }),
        title: "percentile of requests (each further nine as wide as the one before)",
        dots: false,
    }
}

/// A small plot for each line, with the baseline's.
fn multiples(curves: &Curves, axis: &str) -> Multiples {
    let all = plane(curves);
    let named = curves.lines.iter().map(|line| match median(line) {
        Some(p50) => format!("{} · p50 {p50}", line.label),
        None => line.label.clone(),
    });
    let lines = all.lines.into_iter().zip(named);
    let lines = lines.map(|(line, name)| multiples::Line {
        place: line.place,
        points: line.points,
        name,
    });
    let baseline = curves.baseline.and_then(|place| curves.lines.get(place));
    let reference = baseline.map_or_else(String::new, |line| {
        format!(" Dashed line: {}, the baseline.", line.label)
    });
    Multiples {
        lines: lines.collect(),
        reference: curves.baseline,
        x: all.x,
        marks: all.marks,
        title: format!("{axis} (logarithmic) by percentile of requests.{reference}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_as_long_as_their_nines_ask_for() {
        for (inverse, said) in [
            (1.0, "0 %"),
            (2.0, "50 %"),
            (10.0, "90 %"),
            (1.0 / 0.028_125, "97.19 %"),
            (1e3, "99.9 %"),
            (1.0 / 0.001_757_81, "99.824 %"),
            (1e6, "99.9999 %"),
        ] {
            assert_eq!(percentile(inverse), said);
        }
    }
}
