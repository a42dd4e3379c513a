//! A second figure of each variant, where the latency alone does not answer the question: how many requests a second a
//! server at its limit answers, what a request costs it under another load, where it differs most there, or how long the
//! first request of a token takes.

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
    /// Of a ladder.
    pub(super) fn of(run: &Run, table: &Table) -> Option<Self> {
        match table.latency {
            _ if table.rungs.len() < LEAST => None,
            Latency::Service => Self::capacity(run, table),
            Latency::Response => Self::cpu(run).or_else(|| Self::first(table)),
        }
    }

    /// What the first request of a fresh token takes, where the ladder asks for it: what is cached then does not help it.
    fn first(table: &Table) -> Option<Self> {
        let firsts = table.rungs.iter();
        let firsts = firsts.map(|rung| Some((rung.variant.label.as_str(), rung.first? as f64)));
        let firsts: Vec<(&str, f64)> = firsts.collect::<Option<_>>()?;
        let span = span(&firsts, quantity::duration)?;
        Some(Self {
            heading: "first request".to_owned(),
            sentence: format!("The first request of a fresh token takes {span}"),
            texts: texts(&firsts, quantity::duration),
        })
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
        let span = span(&rates, quantity::number)?;
        let requests = format!("{step} requests a second");
        Some(Self {
            sentence: format!("At its limit the server answers {span} {}", requests.trim()),
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
        let span = span(&costs, quantity::duration)?;
        Some(Self {
            heading: format!("CPU/request, {load}"),
            sentence: format!("Server CPU time of a request under {load} is {span}"),
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

/// `3.03 (bcrypt-12) to 58 300 (sha256)`; of values that are written alike, that one.
fn span(of: &[(&str, f64)], written: fn(f64) -> String) -> Option<String> {
    let [least, most] = ends(of)?;
    let ends = [least, most].map(|(_, value)| written(value));
    Some(match ends {
        [one, other] if one == other => one,
        [one, other] => format!("{one} ({}) to {other} ({})", least.0, most.0),
    })
}

fn texts(of: &[(&str, f64)], written: fn(f64) -> String) -> Vec<String> {
    of.iter().map(|(_, value)| written(*value)).collect()
}
