//! A second figure of each variant, where the latency alone does not answer the question: how many requests a second a
//! server at its limit answers, or what a request costs it under another load, where it differs most there.

use super::offered;
use crate::ladder::{Table, capacity::Known};
use crate::quantity;
use crate::run::{Latency, Run};
use crate::section::summary;

/// One pair is compared by its latency.
const LEAST: usize = 3;

/// The figure, in words.
pub(super) struct Beside {
    /// Above its column.
    pub(super) heading: String,
    /// What it spans.
    pub(super) sentence: String,
    /// That of each variant, in their order.
    pub(super) texts: Vec<String>,
}

impl Beside {
    /// Of a ladder; `is_judged` says whether its latency has a verdict.
    pub(super) fn of(run: &Run, table: &Table, is_judged: bool) -> Option<Self> {
        match table.latency {
            _ if table.rungs.len() < LEAST => None,
            Latency::Service => Self::capacity(run, table),
            Latency::Response if is_judged => None,
            Latency::Response => Self::cpu(run),
        }
    }

    /// Requests a second, where every variant was at its limit.
    fn capacity(run: &Run, table: &Table) -> Option<Self> {
        let step = match &table.capacity_counts {
            Some(_) => "",
            None => run.scenario.ladder.capacity.as_ref()?.step.as_str(),
        };
        let rates = table.rungs.iter().map(|rung| {
            let capacity = rung.capacity?;
            let is_measured = capacity.known == Known::Measured;
            is_measured.then_some((rung.variant.label.as_str(), capacity.per_second.median))
        });
        let rates: Vec<(&str, f64)> = rates.collect::<Option<_>>()?;
        let [least, most] = ends(&rates)?;
        let said = |(label, rate): (&str, f64)| format!("{} ({label})", quantity::number(rate));
        let requests = format!("{step} requests a second");
        Some(Self {
            sentence: format!(
                "At its limit the server answers {} to {} {}",
                said(least),
                said(most),
                requests.trim()
            ),
            heading: "requests/s".to_owned(),
            texts: texts(&rates, quantity::number),
        })
    }

    /// CPU time of a request, under the open load where variants differ most, unless that is the ladder's own.
    fn cpu(run: &Run) -> Option<Self> {
        let loads = offered::loads(run);
        if loads.len() < 2 {
            return None;
        }
        let costs = loads.iter().filter_map(|load| {
            let costs = run.variants.iter().map(|variant| {
                let cost = summary::cpu_ns(run, &load.name, &variant.name)?;
                Some((variant.label.as_str(), cost.median))
            });
            let costs: Vec<(&str, f64)> = costs.collect::<Option<_>>()?;
            let [least, most] = ends(&costs)?;
            (least.1 > 0.0).then_some((most.1 / least.1, load.name.as_str(), costs))
        });
        let (_, load, costs) = costs.max_by(|one, other| one.0.total_cmp(&other.0))?;
        // Under the ladder's own load its latency has told it.
        if load == run.scenario.ladder.latency.load {
            return None;
        }
        let [least, most] = ends(&costs)?;
        let said = |(label, cost): (&str, f64)| format!("{} ({label})", quantity::duration(cost));
        Some(Self {
            heading: format!("CPU/request, {load}"),
            sentence: format!(
                "Server CPU time of a request under {load} ranges from {} to {}",
                said(least),
                said(most)
            ),
            texts: texts(&costs, quantity::duration),
        })
    }
}

/// The least and the greatest.
fn ends<'a>(of: &[(&'a str, f64)]) -> Option<[(&'a str, f64); 2]> {
    let of = || of.iter().copied();
    Some([
        of().min_by(|one, other| one.1.total_cmp(&other.1))?,
        of().max_by(|one, other| one.1.total_cmp(&other.1))?,
    ])
}

fn texts(of: &[(&str, f64)], written: fn(f64) -> String) -> Vec<String> {
    of.iter().map(|(_, value)| written(*value)).collect()
}
