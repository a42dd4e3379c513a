//! A prediction as it is read: alone before a run, and next to what was measured.

use super::picture::LEGEND;
use super::{AIM_CAPACITY, AIM_P99, Compared, Error, Line, Prediction, picture};
use crate::document::{Block, Document, Section, Table};
use crate::order_statistics::{ALPHA, Estimate};
use crate::quantity::{self, NOT_MEASURED};
use crate::run::Run;

const PREDICTED: [&str; 6] = [
    "variant",
    "load and step",
    "utilization",
    "requests/s",
    "p50",
    "p99",
];

const COMPARED: [&str; 12] = [
    "variant",
    "load and step",
    "utilization",
    "requests/s predicted",
    "measured",
    "error",
    "p50 predicted",
    "measured",
    "error",
    "p99 predicted",
    "measured",
    "error",
];

/// What the model leaves out, for readers of a prediction.
const MODEL: &str = "Estimated from requests in this process and a reference run on this machine; not measured. \
The model knows no other processes on the cores and no services that a variant depends on.";

/// A prediction before the run.
#[must_use]
pub fn document(prediction: &Prediction) -> Document {
    let rows = prediction.loads.iter().flat_map(|one| {
        one.steps.iter().map(|step| {
            vec![
                one.variant.clone(),
                format!("{}.{}", one.load, step.step),
                quantity::share(one.utilization),
                quantity::number(one.capacity_per_s),
                quantity::duration(step.p50_ns),
                quantity::duration(step.p99_ns),
            ]
        })
    });
    let mut document = Document::default();
    document.push(Block::Heading(format!(
        "Prediction of {}",
        prediction.scenario
    )));
    if prediction.loads.is_empty() {
        document.push("No variant can be predicted.".to_owned());
    } else {
        document.push(of_words(Table::of("Predicted", PREDICTED, rows)));
    }
    if let Some(warning) = disturbed(prediction) {
        document.push(warning);
    }
    push_left_out(&mut document, prediction);
    document.push(Block::Note(MODEL.to_owned()));
    document
}

/// A prediction next to a run.
#[must_use]
pub fn compared(prediction: &Prediction, run: &Run) -> Document {
    let compared = Compared::of(prediction, run);
    let mut document = Document::default();
    document.push(Block::Heading(format!(
        "Prediction of {} next to {}",
        prediction.scenario, run.id
    )));
    if compared.lines.is_empty() {
        document.push("No step was both predicted and measured.".to_owned());
    } else {
        document.push(table(&compared));
    }
    for sentence in sentences(&[(&compared, run)]) {
        document.push(format!("{sentence}."));
    }
    for warning in warnings(prediction, run) {
        document.push(warning);
    }
    push_left_out(&mut document, prediction);
    document.push(Block::Note(MODEL.to_owned()));
    document
}

/// The part of the lab's page: the errors of all its runs, and a picture of each. None without a prediction.
#[must_use]
pub fn section(predicted: &[(Prediction, &Run)]) -> Option<Section> {
    if predicted.is_empty() {
        return None;
    }
    let all: Vec<(Compared, &Run)> = predicted
        .iter()
        .map(|(prediction, run)| (Compared::of(prediction, run), *run))
        .collect();
    let both: Vec<(&Compared, &Run)> = all.iter().map(|(one, run)| (one, *run)).collect();
    let mut blocks = vec![Block::Note(MODEL.to_owned())];
    let sentences = sentences(&both).into_iter();
    blocks.push(Block::List(
        sentences.map(|sentence| format!("{sentence}.")).collect(),
    ));
    blocks.push(Block::Legend(LEGEND));
    for ((prediction, _), (one, run)) in predicted.iter().zip(&both) {
        blocks.push(Block::Heading(prediction.scenario.clone()));
        blocks.extend(warnings(prediction, run));
        if let Some(chart) = picture(one, run) {
            blocks.push(Block::Chart(chart));
        }
        if let Some(left_out) = left_out(prediction) {
            blocks.push(left_out);
        }
        if !one.lines.is_empty() {
            blocks.push(Block::folded(
                format!("Predicted and measured: {}", prediction.scenario),
                table(one),
            ));
        }
    }
    Some(Section {
        id: Some("prediction"),
        title: "Prediction".to_owned(),
        blocks,
    })
}

/// The error over all variants of some runs, in sentences without their full stops.
fn sentences(runs: &[(&Compared, &Run)]) -> Vec<String> {
    let capacities = runs.iter().flat_map(|(one, run)| one.capacities(run));
    let capacities: Vec<Error> = capacities.map(|(_, error)| error).collect();
    let p99s: Vec<Error> = runs.iter().flat_map(|(one, _)| one.p99s()).collect();
    let p50s = runs.iter().flat_map(|(one, _)| &one.lines);
    let p50s: Vec<Error> = p50s
        .filter(|line| line.is_below())
        .filter_map(|line| line.p50)
        .collect();
    [
        aim("the capacity", "variants", &capacities, AIM_CAPACITY),
        aim(
            "p50 below 80 % utilization",
            "steps of a variant",
            &p50s,
            AIM_P99,
        ),
        aim(
            "p99 below 80 % utilization",
            "steps of a variant",
            &p99s,
            AIM_P99,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn aim(what: &str, of: &str, errors: &[Error], aim: f64) -> Option<String> {
    let sizes: Vec<f64> = errors.iter().map(|error| error.share().abs()).collect();
    let median = Estimate::of(&sizes, ALPHA)?.median;
    let worst = sizes.iter().copied().fold(0.0, f64::max);
    let within = sizes.iter().filter(|size| **size <= aim).count();
    Some(format!(
        "Error of {what}: within ±{} for {within} of {} {of}; {} in the median, {} at the most",
        quantity::share(aim),
        sizes.len(),
        quantity::share(median),
        quantity::share(worst),
    ))
}

fn table(compared: &Compared) -> Table {
    let rows = compared.lines.iter().map(|line: &Line| {
        let mut cells = vec![
            line.variant.clone(),
            format!("{}.{}", line.at.load, line.at.step),
            quantity::share(line.utilization),
        ];
        cells.extend(error(line.capacity, quantity::number));
        cells.extend(error(line.p50, quantity::duration));
        cells.extend(error(line.p99, quantity::duration));
        cells
    });
    let mut table = of_words(Table::of("Predicted and measured", COMPARED, rows));
    table.wide = true;
    table
}

fn error(error: Option<Error>, written: impl Fn(f64) -> String) -> [String; 3] {
    match error {
        None => [NOT_MEASURED, NOT_MEASURED, NOT_MEASURED].map(str::to_owned),
        Some(error) => [
            written(error.predicted),
            written(error.measured),
            quantity::change(error.ratio()),
        ],
    }
}

/// The second column holds names, too.
fn of_words(mut table: Table) -> Table {
    table.words = vec![1];
    table
}

fn push_left_out(document: &mut Document, prediction: &Prediction) {
    if let Some(list) = left_out(prediction) {
        document.push(list);
    }
}

fn left_out(prediction: &Prediction) -> Option<Block> {
    let said = prediction.left_out.iter().map(|one| match &one.load {
        None => format!("{}: not predicted, {}.", one.variant, one.because),
        Some(load) => format!("{}, {load}: not predicted, {}.", one.variant, one.because),
    });
    let said: Vec<String> = said.collect();
    (!said.is_empty()).then_some(Block::List(said))
}

/// Why not to believe the errors.
fn warnings(prediction: &Prediction, run: &Run) -> Vec<Block> {
    // A prediction is of the machine that it was made on.
    let elsewhere = (prediction.machine.id != run.machine.id).then(|| {
        let said = "The prediction was made on another machine than the run, so that the errors are not those of the model \
                    alone.";
        Block::Warning(said.to_owned())
    });
    elsewhere.into_iter().chain(disturbed(prediction)).collect()
}

fn disturbed(prediction: &Prediction) -> Option<Block> {
    let why = prediction.disturbed.as_ref()?;
    Some(Block::Warning(format!(
        "The prediction was disturbed: {why}."
    )))
}
