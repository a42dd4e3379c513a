//! The calibration that a run carries, folded away below what it stands for.

use super::html::{element, table};
use crate::{
    ladder::Table,
    quantity,
    run::calibration::{Calibration, Noise, Pacing},
};

const PACING_COLUMNS: [&str; 5] = [
    "offered/s",
    "achieved/s",
    "late p50",
    "late p99",
    "service p50",
];
const NOISE_COLUMNS: [&str; 4] = ["metric", "slice", "blocks", "MAD"];

/// The section; empty for a run that carries none.
pub(super) fn render(ladder: &Table, calibration: Option<&Calibration>) -> String {
    let (Some(said), Some(calibration)) = (&ladder.calibrated, calibration) else {
        return String::new();
    };
    let stale = said.stale.as_ref();
    let stale = stale.map(|stale| element("p", "stale", &format!("{stale}.")));
    let pacing: Vec<_> = calibration.pacing.iter().map(pacing).collect();
    let noise: Vec<_> = calibration.noise.iter().map(noise).collect();
    format!(
        "<section aria-labelledby=\"calibration\"><h2 id=\"calibration\">What this machine can tell apart</h2>\n\
         {stale}{sentence}<details><summary>Calibration of {taken}</summary>{facts}{pacing}{noise}</details></section>\n",
        stale = stale.unwrap_or_default(),
        sentence = element("p", "note", &format!("{}.", said.sentence)),
        taken = super::html::escaped(&calibration.taken),
        facts = facts(calibration),
        pacing = table(
            "Lateness by rate",
            &PACING_COLUMNS.map(str::to_owned),
            &pacing
        ),
        noise = table(
            "Differences between identical servers",
            &NOISE_COLUMNS.map(str::to_owned),
            &noise
        ),
    )
}

fn facts(calibration: &Calibration) -> String {
    let time = |ns: u64| quantity::duration(ns as f64);
    let (floor, ceiling) = (&calibration.floor, &calibration.ceiling);
    let facts = [
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
    ];
    let facts = facts.map(|(name, fact)| format!("<dt>{name}</dt><dd>{fact}</dd>"));
    format!("<dl>{}</dl>", facts.concat())
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
