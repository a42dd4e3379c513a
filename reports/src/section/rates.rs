//! What capacity searches found: a sentence for each, the rate–latency curves, and the rates tried.
//!
//! Both axes are logarithmic, since a search begins by doubling the rate.

use plotters::{coord::combinators::BindKeyPoints, prelude::*};

use crate::chart::{self, Area, DrawError, Drawn, FONT, FONT_SIZE, palette, ticks};
use crate::document::{Block, Chart, Entry, Points, Section, Table};
use crate::quantity;
use crate::run::{Capacity, Point, Run};

const NOTE: &str = "Thick lines are p99, thin ones p50, of the response time, from the intended start. A disc was within the \
    limits, a cross beyond them.";
const COLUMNS: [&str; 11] = [
    "variant",
    "offered/s",
    "answered/s",
    "p50",
    "p99",
    "p99.9",
    "max",
    "errors",
    "server busy",
    "late p99",
    "limits",
];
const MARGIN: u32 = 12;
const LABELS_LEFT: u32 = 84;
const LABELS_BELOW: u32 = 48;
/// A chart about one value still has a width and a height.
const HEADROOM: f64 = 1.25;
const POINT: i32 = 3;
const CROSS: i32 = 4;
/// The name of the limit stands this far above its line.
const ABOVE: i32 = -14;

/// A chart: one load, a search for each variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates<'a> {
    /// The load's name.
    pub load: &'a str,
    /// The limit of latency, as typed.
    pub slo: &'a str,
    /// The same in nanoseconds; none when it cannot be read.
    pub limit_ns: Option<u64>,
    /// A line for each variant that was searched.
    pub lines: Vec<Line<'a>>,
}

/// One variant's search.
#[derive(Debug, Clone, PartialEq)]
pub struct Line<'a> {
    /// The variant's place in the run: its colour, the same in every chart.
    pub place: usize,
    /// As people read it.
    pub label: &'a str,
    /// What was found.
    pub capacity: &'a Capacity,
    /// Every rate tried, ascending.
    pub points: Vec<&'a Point>,
}

/// The charts of a run, in the order in which loads were searched.
#[must_use]
pub fn of(run: &Run) -> Vec<Rates<'_>> {
    let mut charts: Vec<Rates<'_>> = Vec::new();
    for capacity in &run.capacities {
        let line = line(run, capacity);
        match charts.iter_mut().find(|rates| rates.load == capacity.load) {
            Some(rates) => rates.lines.push(line),
            None => charts.push(Rates {
                load: &capacity.load,
                slo: &capacity.slo,
                limit_ns: capacity.limit_ns(),
                lines: vec![line],
            }),
        }
    }
    for rates in &mut charts {
        rates.lines.sort_by_key(|line| line.place);
    }
    charts
}

fn line<'a>(run: &'a Run, capacity: &'a Capacity) -> Line<'a> {
    let mut variants = run.variants.iter();
    let place = variants.position(|variant| variant.name == capacity.variant);
    let mut points: Vec<_> = capacity.points.iter().collect();
    points.sort_by(|a, b| a.offered_per_s.total_cmp(&b.offered_per_s));
    Line {
        place: place.unwrap_or(run.variants.len()),
        label: place.map_or(capacity.variant.as_str(), |at| &run.variants[at].label),
        capacity,
        points,
    }
}

impl Rates<'_> {
    /// Least and greatest rate, and least and greatest latency, of what can be drawn; none when
    /// nothing was answered.
    fn spans(&self) -> Option<[(f64, f64); 2]> {
        let points = || self.lines.iter().flat_map(Line::answered);
        let limit = || self.limit_ns.map(|limit| limit as f64);
        let span = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), value| {
                (low.min(value), high.max(value))
            })
        };
        points().next()?;
        let latencies = points().flat_map(|point| [point.p50_ns.max(1), point.p99_ns]);
        Some([
            span(&mut points().map(|point| point.offered_per_s)),
            span(&mut latencies.map(|ns| ns as f64).chain(limit())),
        ])
    }
}

impl Line<'_> {
    /// The rates at which something was answered: the others have no latency.
    fn answered(&self) -> impl Iterator<Item = &Point> {
        let points = self.points.iter().copied();
        points.filter(|point| point.p99_ns > 0 && point.offered_per_s > 0.0)
    }

    /// The line through the median at each rate answered: a rate that was confirmed was offered several times.
    fn medians(&self, of: impl Fn(&Point) -> u64) -> Vec<(f64, f64)> {
        let points: Vec<&Point> = self.answered().collect();
        let same = |a: &&Point, b: &&Point| a.offered_per_s.total_cmp(&b.offered_per_s).is_eq();
        let median = |points: &[&Point]| {
            let mut values: Vec<u64> = points.iter().map(|point| of(point).max(1)).collect();
            values.sort_unstable();
            (
                points[0].offered_per_s,
                values[(values.len() - 1) / 2] as f64,
            )
        };
        points.chunk_by(same).map(median).collect()
    }
}

/// The section of each load that was searched.
pub(super) fn sections(run: &Run) -> Result<Vec<Section>, DrawError> {
    of(run).iter().map(section).collect()
}

fn section(rates: &Rates<'_>) -> Result<Section, DrawError> {
    let title = format!("Capacity: {}", rates.load);
    let pictures = rates.spans().map(|[x, y]| {
        chart::both(|size| {
            chart::svg(size, "rate–latency curves", |area| {
                plot(rates, wider(x), wider(y), area)
            })
        })
    });
    let lines = || rates.lines.iter();
    let chart = Chart {
        found: lines()
            .map(|line| format!("{}.", line.capacity.sentence(line.label)))
            .collect(),
        label: format!(
            "{title}. p50 and p99 of each variant by offered rate, both axes logarithmic, and the limit {}; figures below.",
            rates.slo
        ),
        legend: lines()
            .map(|line| Entry::line(line.place, line.label, line.capacity.rate.map(per_second)))
            .collect(),
        pictures: pictures.transpose()?,
        points: lines().map(points).collect(),
        caption: NOTE,
    };
    let tried = Table::of(title.clone(), COLUMNS, lines().flat_map(tried));
    Ok(Section::of_chart(
        title,
        chart,
        Block::folded("Every rate tried", tried),
    ))
}

/// What is said of the points of both lines.
fn points(line: &Line<'_>) -> Points {
    let said = |name: &str, of: fn(&Point) -> u64| {
        let points = line.medians(of).into_iter();
        points
            .map(|(rate, ns)| format!("{} · {name} {}", per_second(rate), quantity::duration(ns)))
            .collect()
    };
    Points {
        place: line.place,
        label: line.label.to_owned(),
        lines: vec![
            said("p50", |point| point.p50_ns),
            said("p99", |point| point.p99_ns),
        ],
    }
}

fn tried<'a>(line: &'a Line<'_>) -> impl Iterator<Item = Vec<String>> + 'a {
    line.points.iter().map(|point| row(line.label, point))
}

fn row(label: &str, point: &Point) -> Vec<String> {
    let time = |ns: u64| quantity::duration(ns as f64);
    let confirms = if point.confirms { ", confirming" } else { "" };
    let limits = match point.beyond {
        None => format!("within{confirms}"),
        Some(beyond) => format!("beyond: {}{confirms}", beyond.label()),
    };
    vec![
        label.to_owned(),
        quantity::number(point.offered_per_s),
        quantity::number(point.achieved_per_s),
        time(point.p50_ns),
        time(point.p99_ns),
        time(point.p999_ns),
        time(point.max_ns),
        quantity::share(point.errors),
        point
            .busy
            .map_or(quantity::NOT_MEASURED.to_owned(), quantity::share),
        time(point.timer_p99_ns),
        limits,
    ]
}

fn per_second(rate: f64) -> String {
    format!("{}/s", quantity::number(rate))
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
        .axis_desc_style(font())
        .x_desc("offered requests per second (logarithmic)")
        .y_desc("response time (logarithmic)")
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
