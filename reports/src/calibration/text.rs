//! A calibration on a terminal.

use std::fmt::Write as _;

use crate::quantity;
use crate::run::Calibration;

/// The calibration, some twenty lines.
#[must_use]
pub fn render(calibration: &Calibration) -> String {
    let mut text = String::new();
    let ns = |ns: u64| quantity::duration(ns as f64);
    if let Some(stale) = &calibration.stale {
        let _ = writeln!(text, "! {}", crate::plain::line(stale));
    }
    let _ = writeln!(
        text,
        "floor     {} p50, {} p99 a request of one user against a server that does nothing; bare epoll {} p50",
        ns(calibration.floor.service_p50_ns),
        ns(calibration.floor.service_p99_ns),
        ns(calibration.floor.epoll_p50_ns),
    );
    let _ = writeln!(
        text,
        "ceiling   {}/s closed, {}/s open, from one core",
        quantity::grouped(calibration.ceiling.closed_per_s as u64),
        quantity::grouped(calibration.ceiling.open_per_s as u64),
    );
    let _ = writeln!(
        text,
        "recording {} a request",
        quantity::duration(calibration.recording_ns)
    );
    let _ = writeln!(
        text,
        "pacing    offered/s  achieved/s   late p50   late p99  service p50"
    );
    for pacing in &calibration.pacing {
        let _ = writeln!(
            text,
            "         {:>10}  {:>10}  {:>9}  {:>9}  {:>11}",
            quantity::grouped(pacing.offered_per_s as u64),
            quantity::grouped(pacing.achieved_per_s.round() as u64),
            ns(pacing.timer_p50_ns),
            ns(pacing.timer_p99_ns),
            ns(pacing.service_p50_ns),
        );
    }
    let _ = writeln!(
        text,
        "noise     of identical servers, MAD of the blocks' differences"
    );
    let mut lengths: Vec<u64> = calibration
        .noise
        .iter()
        .map(|noise| noise.slice_ms)
        .collect();
    lengths.dedup();
    for length in lengths {
        let of: Vec<String> = calibration
            .noise
            .iter()
            .filter(|noise| noise.slice_ms == length)
            .map(|noise| format!("{} {}", noise.metric, quantity::share(noise.mad)))
            .collect();
        let _ = writeln!(text, "          slices of {length} ms: {}", of.join(", "));
    }
    text
}
