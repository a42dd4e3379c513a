//! Variants that come in pairs, the second of which keeps its decisions: what that brings each of them.

use super::latency;
use crate::judge::{Comparison, Metric, Rule, Verdict};
use crate::ladder::{Against, Rung, Table, Told};
use crate::quantity;
use crate::run::{Latency, Run, Terms};

/// The name of a variant that is another with cached decisions ends so.
const CACHED: &str = "-cached";
/// Fewer are compared with the baseline alone.
const LEAST: usize = 3;

/// One design without cached decisions, and with them.
pub(super) struct Pair<'a> {
    pub(super) without: &'a Rung,
    pub(super) with: &'a Rung,
    /// The second against the first.
    pub(super) against: Against,
}

/// All of them, in the order of the variants; none where they are few, or the load is an open model.
pub(super) fn of<'a>(run: &Run, table: &'a Table) -> Vec<Pair<'a>> {
    if table.latency == Latency::Response {
        return Vec::new();
    }
    let pairs = table.rungs.iter().filter_map(|without| {
        let name = format!("{}{CACHED}", without.variant.name);
        let with = table.rungs.iter().find(|rung| rung.variant.name == name)?;
        without.p50.zip(with.p50)?;
        Some(pair(run, without, with))
    });
    let pairs: Vec<Pair<'a>> = pairs.collect();
    if pairs.len() < LEAST {
        Vec::new()
    } else {
        pairs
    }
}

fn pair<'a>(run: &Run, without: &'a Rung, with: &'a Rung) -> Pair<'a> {
    let at = &run.scenario.ladder.latency;
    let names = [without.variant.name.as_str(), with.variant.name.as_str()];
    let rule = Terms::of(run, names[0], names[1]).rule(run);
    let least = rule.least_blocks();
    let rule = Rule::Sequential(rule);
    let row = Comparison::of(run, &at.load, names, &rule).claim(&at.step, &Metric::P50);
    Pair {
        without,
        with,
        against: Against::of(Some(&row), least),
    }
}

/// All of them, the count of those that became faster first.
pub(super) fn sentence(run: &Run, table: &Table) -> Option<String> {
    let pairs = of(run, table);
    let count = |wanted: &dyn Fn(Told) -> bool| {
        pairs
            .iter()
            .filter(|pair| wanted(pair.against.told))
            .count()
    };
    let faster = match count(&|told| told == Told::Verdict(Verdict::Faster)) {
        0 => "none".to_owned(),
        some => some.to_string(),
    };
    let others = [
        (
            count(&|told| told == Told::Verdict(Verdict::Slower)),
            "slower",
        ),
        (
            count(&|told| told == Told::Verdict(Verdict::NoChange)),
            "unchanged",
        ),
        (
            count(&|told| told == Told::Verdict(Verdict::Inconclusive)),
            "not distinguishable",
        ),
        (
            count(&|told| !matches!(told, Told::Verdict(_))),
            "without a verdict",
        ),
    ];
    let others = others.iter().filter(|(count, _)| *count > 0);
    let others = others.map(|(count, words)| {
        format!("{count} {} {words}", if *count == 1 { "is" } else { "are" })
    });
    let others: Vec<String> = others.collect();
    let others = match others.split_last() {
        None => String::new(),
        Some((only, [])) => format!(" Of the others, {only}."),
        Some((end, before)) => format!(" Of the others, {} and {end}.", before.join(", ")),
    };
    let quantity = latency::quantity(
        table.latency,
        &Metric::P50,
        &run.scenario.ladder.latency.step,
    );
    let [least, most] = ends(pairs.iter().map(|pair| pair.without))?;
    let [_, most_with] = ends(pairs.iter().map(|pair| pair.with))?;
    Some(format!(
        "Cached decisions make {faster} of {} designs faster ({} confidence).{others} {quantity} ranges from {least} to {most} \
         without them, and to at most {most_with} with them",
        pairs.len(),
        latency::percent(1.0 - crate::judge::ERROR)
    ))
}

/// The fastest and the slowest: `41.3 µs (opaque)`.
fn ends<'a>(rungs: impl Iterator<Item = &'a Rung>) -> Option<[String; 2]> {
    let measured: Vec<(u64, &str)> = rungs
        .filter_map(|rung| Some((rung.p50?, rung.variant.label.as_str())))
        .collect();
    let said = |(ns, label): &(u64, &str)| format!("{} ({label})", quantity::duration(*ns as f64));
    Some([said(measured.iter().min()?), said(measured.iter().max()?)])
}
