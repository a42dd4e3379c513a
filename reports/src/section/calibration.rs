//! What machine and generator can tell apart, with the figures that rest on it: a sentence, and the calibration itself
//! folded away below it.

use crate::document::{Block, Document, Section, Table};
use crate::quantity;
use crate::run::Run;
use crate::run::calibration::{Calibration, Noise, Pacing};

/// Share of the offered rate that must be achieved for its send delay to mean something.
const KEPT_UP: f64 = 0.99;
const PACING_COLUMNS: [&str; 5] = [
    "offered/s",
    "achieved/s",
    "late p50",
    "late p99",
    "service p50",
];
const NOISE_COLUMNS: [&str; 4] = ["metric", "slice", "blocks", "MAD"];

/// The calibration that a run carries, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calibrated {
    /// Its floor, its pacing and its noise: one sentence, without its full stop.
    pub sentence: String,
    /// Why it does not hold for this run.
    pub stale: Option<String>,
}

impl Calibrated {
    pub(crate) fn of(run: &Run) -> Option<Self> {
        let calibration = run.calibration.as_ref()?;
        let stale = calibration.stale.as_ref();
        Some(Self {
            sentence: sentence(calibration),
            stale: stale.map(|stale| format!("the calibration does not hold: {stale}")),
        })
    }
}

fn sentence(calibration: &Calibration) -> String {
    let mut parts = vec![format!(
        "calibrated: a server that does nothing answers in {} at p50",
        quantity::duration(calibration.floor.service_p50_ns as f64)
    )];
    let kept_up = |pacing: &&Pacing| pacing.achieved_per_s >= pacing.offered_per_s * KEPT_UP;
    let fastest = calibration.pacing.iter().filter(kept_up);
    let by_rate = |a: &&Pacing, b: &&Pacing| a.offered_per_s.total_cmp(&b.offered_per_s);
    if let Some(fastest) = fastest.max_by(by_rate) {
        parts.push(format!(
            "at {}/s requests leave {} late at p99",
            quantity::number(fastest.offered_per_s),
            quantity::duration(fastest.timer_p99_ns as f64)
        ));
    }
    let of_p50 = calibration.noise.iter().find(|noise| noise.metric == "p50");
    if let Some(noise) = of_p50 {
        parts.push(format!(
            "p50 of identical servers differs by {} (slices of {} ms)",
            quantity::share(noise.mad),
            noise.slice_ms
        ));
    }
    parts.join("; ")
}

/// A calibration as it is read on a terminal, some twenty lines.
#[must_use]
pub fn document(calibration: &Calibration) -> Document {
    let time = |ns: u64| quantity::duration(ns as f64);
    let (floor, ceiling) = (&calibration.floor, &calibration.ceiling);
    let mut document = Document::default();
    if let Some(stale) = &calibration.stale {
        document.push(Block::Warning(stale.clone()));
    }
    document.push(format!(
        "floor     {} p50, {} p99 a request of one user against a server that does nothing; bare epoll {} p50",
        time(floor.service_p50_ns),
        time(floor.service_p99_ns),
        time(floor.epoll_p50_ns),
    ));
    document.push(format!(
        "ceiling   {}/s closed, {}/s open, from one core",
        quantity::grouped(ceiling.closed_per_s as u64),
        quantity::grouped(ceiling.open_per_s as u64),
    ));
    let recording = quantity::duration(calibration.recording_ns);
    document.push(format!("recording {recording} a request"));
    let columns = "pacing    offered/s  achieved/s   late p50   late p99  service p50";
    document.push(columns.to_owned());
    for pacing in &calibration.pacing {
        document.push(format!(
            "         {:>10}  {:>10}  {:>9}  {:>9}  {:>11}",
            quantity::grouped(pacing.offered_per_s as u64),
            quantity::grouped(pacing.achieved_per_s.round() as u64),
            time(pacing.timer_p50_ns),
            time(pacing.timer_p99_ns),
            time(pacing.service_p50_ns),
        ));
    }
    document.push("noise     of identical servers, MAD of the blocks' differences".to_owned());
    for of_length in calibration
        .noise
        .chunk_by(|one, next| one.slice_ms == next.slice_ms)
    {
        let each = of_length.iter();
        let each: Vec<String> = each
            .map(|noise| format!("{} {}", noise.metric, quantity::share(noise.mad)))
            .collect();
        let length = of_length[0].slice_ms;
        document.push(format!(
            "          slices of {length} ms: {}",
            each.join(", ")
        ));
    }
    document
}

/// The section; none for a run that carries no calibration.
pub(super) fn section(run: &Run) -> Option<Section> {
    let (said, calibration) = (Calibrated::of(run)?, run.calibration.as_ref()?);
    let tables = vec![
        Block::Facts(facts(calibration)),
        Table::of(
            "Lateness by rate",
            PACING_COLUMNS,
            calibration.pacing.iter().map(pacing),
        )
        .into(),
        Table::of(
            "Differences between identical servers",
            NOISE_COLUMNS,
            calibration.noise.iter().map(noise),
        )
        .into(),
    ];
    let stale = said.stale.map(|stale| Block::Warning(format!("{stale}.")));
    Some(Section {
        id: Some("calibration"),
        title: "What this machine can tell apart".to_owned(),
        blocks: stale
            .into_iter()
            .chain([
                Block::Note(format!("{}.", said.sentence)),
                Block::Fold {
                    summary: format!("Calibration of {}", calibration.taken),
                    blocks: tables,
                },
            ])
            .collect(),
    })
}

fn facts(calibration: &Calibration) -> Vec<(&'static str, String)> {
    let time = |ns: u64| quantity::duration(ns as f64);
    let (floor, ceiling) = (&calibration.floor, &calibration.ceiling);
    vec![
        (
            "Floor",
            format!(
                "{} p50, {} p99; bare epoll {} p50",
                time(floor.service_p50_ns),
                time(floor.service_p99_ns),
                time(floor.epoll_p50_ns)
            ),
        ),
        (
            "Ceiling",
            format!(
                "{}/s closed, {}/s open, from one core",
                quantity::number(ceiling.closed_per_s),
                quantity::number(ceiling.open_per_s)
            ),
        ),
        (
            "Recording",
            format!("{} a request", quantity::duration(calibration.recording_ns)),
        ),
    ]
}

fn pacing(pacing: &Pacing) -> Vec<String> {
    let time = |ns: u64| quantity::duration(ns as f64);
    vec![
        quantity::number(pacing.offered_per_s),
        quantity::number(pacing.achieved_per_s),
        time(pacing.timer_p50_ns),
        time(pacing.timer_p99_ns),
        time(pacing.service_p50_ns),
    ]
}

fn noise(noise: &Noise) -> Vec<String> {
    vec![
        noise.metric.clone(),
        format!("{} ms", noise.slice_ms),
        noise.blocks.to_string(),
        quantity::share(noise.mad),
    ]
}
