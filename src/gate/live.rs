//! Duels as they are fought: servers started, slices loaded, stopped when certain.

use std::time::Instant;

use anyhow::Context;
use authlab_loadtest::conductor::Order;
use authlab_loadtest::interrupt;
use authlab_loadtest::scenario::Variant;
use authlab_reports::duel::{Duel, Terms};
use authlab_reports::judge::LOOKS;
use authlab_reports::outcome::Outcome;

use super::Bench;
use super::report::{Fought, Live};
use super::servers::{self, Injected, measure};

/// The reference server against itself.
pub(super) fn same(bench: &Bench, duels: usize) -> anyhow::Result<Live> {
    let variants = || vec![servers::reference("base"), servers::reference("head")];
    fight_all(
        bench,
        0.0,
        (0..duels).map(|_| ("same".to_owned(), variants())),
    )
}

/// A server against itself with an injected cost.
pub(super) fn injected(
    bench: &Bench,
    injected: &Injected,
    share: f64,
    duels: usize,
) -> anyhow::Result<Live> {
    let variants = || {
        vec![
            injected.variant("base", 0.0),
            injected.variant("head", share),
        ]
    };
    fight_all(
        bench,
        share,
        (0..duels).map(|_| ("injected".to_owned(), variants())),
    )
}

/// Each pair once.
pub(super) fn fight_all(
    bench: &Bench,
    intended: f64,
    pairs: impl Iterator<Item = (String, Vec<Variant>)>,
) -> anyhow::Result<Live> {
    let mut live = Live {
        intended,
        duels: Vec::new(),
    };
    for (number, (name, variants)) in pairs.enumerate() {
        if interrupt::requested() {
            anyhow::bail!("interrupted");
        }
        live.duels
            .push(fight(bench, number as u64, &name, variants)?);
    }
    Ok(live)
}

fn fight(bench: &Bench, number: u64, name: &str, variants: Vec<Variant>) -> anyhow::Result<Fought> {
    let scenario = servers::duel(name, variants)?;
    let order = Order {
        seed: bench.order.seed.wrapping_add(number),
        duel: Some(Terms {
            base: scenario.variants[0].name.clone(),
            head: scenario.variants[1].name.clone(),
            load: scenario.ladder.latency.load.clone(),
            gates: vec!["p50".to_owned(), "errors".to_owned()],
            looks: LOOKS.into(),
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
