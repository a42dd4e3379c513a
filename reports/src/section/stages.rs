//! What the stages of a request cost, as the server told in `Server-Timing`: bars, and the table behind them.

use plotters::prelude::*;

use crate::chart::bars::{self, Axis, Bar};
use crate::chart::{self, DrawError, Swatch, palette};
use crate::document::{Chart, Entry, Section, Table};
use crate::quantity;
use crate::run::{Figure, LoadStep, Run};

const PREFIX: &str = "stage-";
const TOTAL: &str = "total";
/// What the server's total has beyond its stages.
const REST: &str = "rest";

/// The stages of every variant that told them, at one load and step.
#[derive(Debug, Clone, PartialEq)]
pub struct Stages {
    /// Load and step: the latency column's where stages were told there, else the first that told any.
    pub at: LoadStep,
    /// Names of the stages, in order of their first appearance; `rest` last.
    pub names: Vec<String>,
    /// A row for each variant.
    pub rows: Vec<Row>,
}

/// The stages of one variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// As people read it.
    pub label: String,
    /// Mean of the whole, nanoseconds.
    pub total_ns: f64,
    /// Mean nanoseconds of each of [`Stages::names`].
    pub mean_ns: Vec<f64>,
    /// Samples that the means rest on.
    pub samples: u64,
}

impl Stages {
    /// The stages of a run; none when no variant told any.
    #[must_use]
    pub fn of(run: &Run) -> Option<Self> {
        let at = told_at(run)?;
        let of_step =
            |figure: &&Figure| is_stage(figure) && figure.load == at.load && figure.step == at.step;
        let figures: Vec<&Figure> = run.merged.iter().filter(of_step).collect();
        let mut names: Vec<String> = Vec::new();
        for figure in &figures {
            let name = stage(figure);
            if name != TOTAL && !names.iter().any(|there| there == name) {
                names.push(name.to_owned());
            }
        }
        let mean = |variant: &str, name: &str| {
            figures
                .iter()
                .find(|figure| figure.variant == variant && stage(figure) == name)
                .map(|figure| figure.mean)
        };
        let rows: Vec<Row> = run
            .variants
            .iter()
            .filter_map(|variant| {
                let mut mean_ns: Vec<f64> = names
                    .iter()
                    .map(|name| mean(&variant.name, name).unwrap_or(0.0))
                    .collect();
                let stages: f64 = mean_ns.iter().sum();
                let total_ns = mean(&variant.name, TOTAL).unwrap_or(stages).max(stages);
                mean_ns.push(total_ns - stages);
                let of_variant = figures
                    .iter()
                    .filter(|figure| figure.variant == variant.name);
                let samples = of_variant.map(|figure| figure.count).max().unwrap_or(0);
                (samples > 0).then(|| Row {
                    label: variant.label.clone(),
                    total_ns,
                    mean_ns,
                    samples,
                })
            })
            .collect();
        names.push(REST.to_owned());
        (!rows.is_empty()).then_some(Self { at, names, rows })
    }
}

fn told_at(run: &Run) -> Option<LoadStep> {
    let latency = &run.scenario.ladder.latency;
    let mut told = run
        .merged
        .iter()
        .filter(|figure| is_stage(figure))
        .map(|figure| (&figure.load, &figure.step));
    let first = told.clone().next()?;
    let (load, step) = told
        .find(|at| *at == (&latency.load, &latency.step))
        .unwrap_or(first);
    Some(LoadStep {
        load: load.clone(),
        step: step.clone(),
    })
}

fn is_stage(figure: &Figure) -> bool {
    figure.count > 0 && figure.metric.starts_with(PREFIX)
}

fn stage(figure: &Figure) -> &str {
    figure.metric.strip_prefix(PREFIX).unwrap_or(&figure.metric)
}

const AXIS: &str = "share of the server's mean time of a request";

/// The section; none when no variant told of its stages.
pub(super) fn section(run: &Run) -> Result<Option<Section>, DrawError> {
    let Some(stages) = Stages::of(run) else {
        return Ok(None);
    };
    let title = format!(
        "Where the server's time goes: {}, {}",
        stages.at.load, stages.at.step
    );
    let bars: Vec<Bar> = stages.rows.iter().map(bar).collect();
    let chart = Chart {
        label: format!(
            "{title}. Share of each stage in the server's time, a bar for each variant with its mean time; figures below."
        ),
        legend: stages
            .names
            .iter()
            .enumerate()
            .map(|(place, name)| Entry {
                swatch: Swatch::Bar(place),
                label: name.clone(),
                figure: String::new(),
            })
            .collect(),
        pictures: Some(chart::both(|size| {
            bars::draw(&bars, Axis::Shares, AXIS, size.width, "stage costs")
        })?),
        ..Chart::default()
    };
    let header = ["variant", "total"]
        .map(str::to_owned)
        .into_iter()
        .chain(stages.names.clone())
        .chain(["samples".to_owned()]);
    let figures = Table::of(title.clone(), header, stages.rows.iter().map(costs));
    // In the open: a stage of nanoseconds is a hair in any picture.
    Ok(Some(Section::of_chart(title, chart, figures.into())))
}

fn costs(row: &Row) -> Vec<String> {
    let times = std::iter::once(&row.total_ns)
        .chain(&row.mean_ns)
        .map(|ns| quantity::duration(*ns));
    std::iter::once(row.label.clone())
        .chain(times)
        .chain([quantity::grouped(row.samples)])
        .collect()
}

fn bar(row: &Row) -> Bar {
    let parts = row.mean_ns.iter().enumerate();
    Bar {
        title: format!("{} · {}", row.label, quantity::duration(row.total_ns)),
        parts: parts
            .map(|(place, ns)| (*ns, palette::series(place).rgb().to_rgba()))
            .collect(),
    }
}
