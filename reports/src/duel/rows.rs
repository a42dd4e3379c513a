//! The metrics of a duel, a row each, and how they stand while it goes on.

use super::{drift, noise};
use crate::judge::information::{FALSE_DISCOVERIES, rejected, sign_test};
use crate::judge::metric::Kind;
use crate::judge::{Comparison, Metric, Role, Row, Rule, Verdict, When};
use crate::quantity;
use crate::run::{Run, Terms};

pub(super) struct Rows {
    pub(super) asked_for: Vec<Row>,
    pub(super) information: Vec<Row>,
    pub(super) missing: Vec<String>,
    pub(super) caveats: Vec<String>,
    /// Blocks kept.
    pub(super) blocks: usize,
}

/// The rows of the metrics asked for, as far as the run has them; or what is missing of them, in words.
pub(super) fn asked(
    run: &Run,
    terms: &Terms,
    comparison: &Comparison<'_>,
) -> Vec<Result<Row, String>> {
    let mut found = Vec::new();
    for (name, metric) in terms.metrics() {
        let Some(metric) = metric else {
            found.push(Err(format!("{name}: this authlab knows no such metric")));
            continue;
        };
        found.extend(of_steps(run, terms, &metric).map(|step| {
            let Some(side) = comparison.lacking(step, &metric) else {
                return Ok(comparison.row(step, &metric));
            };
            let step = if metric.is_of_load() {
                String::new()
            } else {
                format!(", {step}")
            };
            Err(format!("{metric} under {}{step}: on {side}", terms.load))
        }));
    }
    let waits_for = |row: &Row| row.role == Role::Gated && row.kind == Kind::Time && !is_cpu(row);
    if found.iter().flatten().any(waits_for) {
        found.iter_mut().flatten().for_each(stand_aside);
    }
    found
}

fn is_cpu(row: &Row) -> bool {
    row.metric == Metric::Cpu.to_string()
}

/// CPU time beside a gated latency can find the candidate slower, and keeps no duel waiting: with Node, whose CPU time
/// varies more than its median, a duel of identical servers took two and a half times as many blocks.
fn stand_aside(row: &mut Row) {
    let is_open = matches!(row.verdict, None | Some(Verdict::Inconclusive));
    if is_cpu(row) && row.role == Role::Gated && is_open {
        row.role = Role::Beside;
        row.verdict = None;
    }
}

/// The steps that a metric is one of: each, or the first for the whole load.
fn of_steps<'a>(run: &'a Run, terms: &Terms, metric: &Metric) -> impl Iterator<Item = &'a str> {
    let steps = terms.steps(run);
    let several = if metric.is_of_load() { 1 } else { steps.len() };
    steps.iter().take(several).map(String::as_str)
}

pub(super) fn judge(run: &Run, terms: &Terms) -> Rows {
    let sequential = terms.rule(run);
    let (least, alpha) = (sequential.least_blocks(), 2.0 * sequential.alpha());
    let rule = Rule::Sequential(sequential);
    let comparison = comparison(run, terms, &rule);
    let mut rows = Vec::new();
    let mut missing = Vec::new();
    let mut caveats = Vec::new();
    let mut asked_for: Vec<Metric> = terms.metrics().filter_map(|(_, metric)| metric).collect();
    for found in asked(run, terms, &comparison) {
        match found {
            Err(lacking) => missing.push(lacking),
            Ok(row) => rows.push(row),
        }
    }
    // Where the lab started both servers, the price of a design is beside its latency.
    if !asked_for.contains(&Metric::Cpu)
        && let Some(step) = of_steps(run, terms, &Metric::Cpu).next()
        && comparison.lacking(step, &Metric::Cpu).is_none()
    {
        let rule = Rule::Describe { alpha };
        rows.push(self::comparison(run, terms, &rule).row(step, &Metric::Cpu));
        asked_for.push(Metric::Cpu);
    }
    rows.sort_by_key(|row| row.role != Role::Gated);
    let blocks = comparison.kept();
    if blocks < least {
        caveats.push(format!(
            "{blocks} blocks are too few for a verdict: it takes {least} at least"
        ));
    }
    if let Some(margin) = terms.margin {
        let margin = quantity::share(margin);
        caveats.push(format!(
            "the margin is {margin}: differences below it are no change"
        ));
    }
    caveats.extend(by_cpu_alone(&rows));
    caveats.extend(rows.iter().filter_map(|row| would_decide(run, row)));
    if sequential.when != When::Once {
        let gated = rows.iter().filter(|row| row.role == Role::Gated);
        let longest = gated.max_by_key(|row| row.blocks);
        caveats.extend(noise::told(run, terms, longest));
        caveats.extend(drifted(run, terms, &comparison));
    }
    Rows {
        information: information(run, terms, &asked_for),
        asked_for: rows,
        missing,
        caveats,
        blocks,
    }
}

/// Why it is slower where its median does not say so.
fn by_cpu_alone(rows: &[Row]) -> Option<String> {
    let gated = rows.iter().filter(|row| row.role == Role::Gated);
    let (cpu, others): (Vec<&Row>, Vec<&Row>) = gated.partition(|row| is_cpu(row));
    let is_slower = |row: &&Row| row.verdict == Some(Verdict::Slower);
    let is_open = |row: &&Row| matches!(row.verdict, None | Some(Verdict::Inconclusive));
    let cpu = cpu.into_iter().find(is_slower)?;
    if others.iter().any(is_slower) {
        return None;
    }
    let open = others.into_iter().find(is_open)?;
    let effect = cpu
        .effect
        .map_or(String::new(), |effect| cpu.changed(effect));
    Some(format!(
        "slower because of its CPU time for each request ({effect}); {} is inconclusive",
        open.name()
    ))
}

/// What changed of the first gated latency while it went on.
fn drifted(run: &Run, terms: &Terms, comparison: &Comparison<'_>) -> Vec<String> {
    let metrics = terms.metrics().filter_map(|(_, metric)| metric);
    let Some(metric) = metrics.into_iter().find(|metric| !metric.is_of_load()) else {
        return Vec::new();
    };
    let Some(step) = of_steps(run, terms, &metric).next() else {
        return Vec::new();
    };
    let differences = comparison.differences(step, &metric);
    drift::told(&metric.to_string(), &terms.base, &differences)
}

/// What more time would show of a metric that was left open: `p50: +4.1 % (+2.2 … +6.0 %); about 3m more would decide`.
fn would_decide(run: &Run, row: &Row) -> Option<String> {
    let is_open = row.role == Role::Gated && row.verdict == Some(Verdict::Inconclusive);
    let (effect, at) = row.effect.zip(row.interval).filter(|_| is_open)?;
    let more = row
        .needed
        .checked_sub(row.blocks)
        .filter(|more| *more > 0)?;
    let seconds = run.elapsed_s / row.blocks as f64 * more as f64;
    Some(format!(
        "{}: {} ({}); about {} more would decide",
        row.name(),
        row.changed(effect),
        row.changed_between(at.low, at.high),
        quantity::elapsed(seconds)
    ))
}

/// The sides of a duel under its load.
pub(super) fn comparison<'a>(run: &'a Run, terms: &'a Terms, rule: &'a Rule) -> Comparison<'a> {
    Comparison::of(run, &terms.load, [&terms.base, &terms.head], rule)
}

/// Every other metric that the run holds.
fn information(run: &Run, terms: &Terms, but: &[Metric]) -> Vec<Row> {
    let comparison = comparison(run, terms, &Rule::DESCRIBE);
    let others = Metric::all()
        .filter(|metric| *metric != Metric::Stale)
        .chain(stages(run, terms))
        .filter(|metric| !but.contains(metric));
    let mut rows = Vec::new();
    let mut p_values = Vec::new();
    for metric in others {
        for step in of_steps(run, terms, &metric) {
            let differences = comparison.differences(step, &metric);
            if comparison.lacking(step, &metric).is_none() && !differences.values.is_empty() {
                p_values.push(sign_test(&differences.values));
                rows.push(comparison.row(step, &metric));
            }
        }
    }
    for (row, marked) in rows.iter_mut().zip(rejected(&p_values, FALSE_DISCOVERIES)) {
        row.role = Role::Information { marked };
    }
    rows
}

fn stages(run: &Run, terms: &Terms) -> Vec<Metric> {
    let mut stages: Vec<Metric> = Vec::new();
    for figure in run.merged.iter().filter(|figure| figure.load == terms.load) {
        if let Ok(metric @ Metric::Stage(_)) = figure.metric.parse::<Metric>()
            && !stages.contains(&metric)
        {
            stages.push(metric);
        }
    }
    stages
}

/// Whether a duel that goes on needs no more blocks: every gated metric has its verdict, or none can be gated.
#[must_use]
pub fn is_settled(run: &Run, terms: &Terms) -> bool {
    let rule = Rule::Sequential(terms.rule(run));
    let comparison = comparison(run, terms, &rule);
    let judged = asked(run, terms, &comparison);
    judged
        .iter()
        .flatten()
        .all(|row| row.role != Role::Gated || row.verdict.is_some())
}
