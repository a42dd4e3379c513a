//! Predicted divided by measured, a row for each variant.

use super::{Compared, Error, Line};
use crate::chart::dots::{Dots, Row, Scale};
use crate::chart::{NARROW, WIDE, text};
use crate::document::Chart;
use crate::quantity;
use crate::run::{LoadStep, Run};

/// How the pictures are read.
pub(super) const LEGEND: &str = "Each dot is one figure of the variant, predicted divided by measured: its capacity, and p50 and \
p99 of the latency that its ladder shows. At 1× the prediction was right. A hollow dot is the p99 of a load beyond 80 % \
utilization, for which no aim is set.";

/// The picture of a comparison with its run; none where no variant has a measured figure.
#[must_use]
pub fn picture(compared: &Compared, run: &Run) -> Option<Chart> {
    let at = &run.scenario.ladder.latency;
    let capacities = compared.capacities(run);
    let rows = run.variants.iter().filter_map(|variant| {
        let name = variant.name.as_str();
        let capacity = capacities.iter().find(|(of, _)| *of == name);
        let line = line(compared, at, name);
        row(&variant.label, capacity.map(|(_, error)| *error), line)
    });
    let rows: Vec<Row> = rows.collect();
    if rows.is_empty() {
        return None;
    }
    let dots = Dots {
        title: "Predicted divided by measured".to_owned(),
        scale: Scale::Ratio,
        value: "capacity".to_owned(),
        against: format!("p50 of {}.{}", at.load, at.step),
        more: "p99".to_owned(),
        attacks: Vec::new(),
        rows,
    };
    let drawn = [WIDE, NARROW].map(|size| {
        let width = size.width;
        text::framed(width, &dots.drawn(f64::from(width)))
    });
    Some(Chart {
        label: dots.label(&format!("Prediction of {}.", compared.scenario)),
        pictures: Some(drawn),
        ..Chart::default()
    })
}

fn line<'c>(compared: &'c Compared, at: &LoadStep, variant: &str) -> Option<&'c Line> {
    let mut lines = compared.lines.iter();
    lines.find(|line| line.variant == variant && line.at == *at)
}

fn row(label: &str, capacity: Option<Error>, line: Option<&Line>) -> Option<Row> {
    let (p50, p99) = line.map_or((None, None), |line| (line.p50, line.p99));
    let counts = line.is_none_or(Line::is_below);
    let aimed = [capacity, p50, p99.filter(|_| counts)];
    let values: Vec<f64> = aimed.into_iter().flatten().map(Error::ratio).collect();
    let (low, high) = (
        values.iter().copied().reduce(f64::min)?,
        values.iter().copied().reduce(f64::max)?,
    );
    let said = |error: Option<Error>| {
        error.map_or_else(String::new, |error| quantity::change(error.ratio()))
    };
    Some(Row {
        label: label.to_owned(),
        without: p99.filter(|_| !counts).map(|error| (error.ratio(), None)),
        ends: (values.len() > 1).then_some((low, high)),
        said: said(capacity),
        against: said(p50),
        more: said(p99),
        values,
        ..Row::default()
    })
}
