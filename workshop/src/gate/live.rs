//! Duels as they are fought: servers started, slices loaded, stopped when certain.

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use authlab_loadtest::conductor::Order;
use authlab_loadtest::interrupt;
use authlab_loadtest::scenario::Variant;
use authlab_reports::duel::Duel;
use authlab_reports::outcome::Outcome;
use authlab_reports::run::BUDGET;
use authlab_reports::run::Terms;

use super::Bench;
use super::report::Fought;
use super::servers::{self, Injected, measure};

/// The reference server against itself; `number` gives it an order of slices of its own.
pub(super) fn same(bench: &Bench, number: usize) -> anyhow::Result<Fought> {
    let variants = vec![servers::reference("base"), servers::reference("head")];
    fight(bench, number, "same", variants)
}

/// A server against itself with an injected cost.
pub(super) fn injected(
    bench: &Bench,
    injected: &Injected,
    share: f64,
    number: usize,
) -> anyhow::Result<Fought> {
    let variants = vec![
        injected.variant("base", 0.0),
        injected.variant("head", share),
    ];
    fight(bench, number, "injected", variants)
}

/// Another build of the reference server against one.
pub(super) fn layout(
    bench: &Bench,
    [base, head]: [&Path; 2],
    number: usize,
) -> anyhow::Result<Fought> {
    let of = |binary: &Path, name| servers::reference_of(&binary.display().to_string(), name);
    fight(
        bench,
        number,
        "layout",
        vec![of(base, "base"), of(head, "head")],
    )
}

fn fight(
    bench: &Bench,
    number: usize,
    name: &str,
    variants: Vec<Variant>,
) -> anyhow::Result<Fought> {
    if interrupt::requested() {
        anyhow::bail!("interrupted; what was fought until then is kept");
    }
    let scenario = servers::duel(name, variants)?;
    let order = Order {
        seed: bench.order.seed.wrapping_add(number as u64),
        duel: Some(Terms {
            base: scenario.variants[0].name.clone(),
            head: scenario.variants[1].name.clone(),
            load: scenario.ladder.latency.load.clone(),
            gates: vec!["p50".to_owned(), "errors".to_owned()],
            within_ms: BUDGET.as_millis() as u64,
            looks: Vec::new(),
            margin: None,
        }),
        ..bench.order.clone()
    };
    let began = Instant::now();
    let (run, _) = measure(&scenario, &order, bench.keep)?;
    let seconds = began.elapsed().as_secs_f64();
    let terms = run.duel.clone().context("the run lost its terms")?;
    let duel = Duel::of(&run, &terms)?;
    let p50 = duel.rows.iter().find(|row| row.metric == "p50");
    Ok(Fought {
        outcome: duel.outcome,
        alarm: duel.outcome == Outcome::LimitBroken,
        verdict: p50.and_then(|row| row.verdict),
        effect: p50.and_then(|row| row.effect),
        blocks: duel.blocks.kept,
        set_aside: duel.blocks.set_aside,
        seconds,
        steal: duel.quality.steal,
    })
}
