//! Duels as they are fought: servers started, slices loaded, stopped when certain.

use std::path::Path;

use anyhow::Context;
use authlab_loadtest::conductor::Order;
use authlab_loadtest::interrupt;
use authlab_loadtest::scenario::{Scenario, Variant};
use authlab_reports::duel::Duel;
use authlab_reports::judge::aside::SetAside;
use authlab_reports::judge::differences::Differences;
use authlab_reports::judge::metric::Metric;
use authlab_reports::order_statistics::mad;
use authlab_reports::run::{BUDGET, Run, Terms};

use super::Bench;
use super::piece::{Fought, Live};
use super::servers::{self, Injected, measure};

/// Duels of a server with a share of a request's time injected, against itself without; for nothing of the reference
/// server.
pub(super) fn fight_all(
    bench: &Bench,
    injected: &Injected,
    percent: u8,
    duels: usize,
) -> anyhow::Result<Live> {
    let duels = (0..duels).map(|number| {
        let scenario = servers::duel("live", injected.pair(percent))?;
        fight(bench, number, &scenario)
    });
    Ok(Live {
        percent,
        duels: duels.collect::<anyhow::Result<_>>()?,
    })
}

/// Other builds of the reference server against the first.
pub(super) fn layouts(bench: &Bench, binaries: &[impl AsRef<Path>]) -> anyhow::Result<Live> {
    let variant = |binary: &Path, name| -> Variant {
        servers::reference_of(&binary.display().to_string(), name)
    };
    let others = binaries.iter().skip(1).enumerate();
    let duels = others.map(|(number, other)| {
        let pair = [
            variant(binaries[0].as_ref(), "base"),
            variant(other.as_ref(), "head"),
        ];
        let scenario = servers::duel("layout", servers::Pair::reference(pair))?;
        fight(bench, number, &scenario)
    });
    Ok(Live {
        percent: 0,
        duels: duels.collect::<anyhow::Result<_>>()?,
    })
}

/// One duel; `number` gives it an order of slices of its own.
pub(super) fn fight(bench: &Bench, number: usize, scenario: &Scenario) -> anyhow::Result<Fought> {
    if interrupt::requested() {
        anyhow::bail!("interrupted; the pieces before this one are kept");
    }
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
    let run = measure(scenario, &order, bench.keep)?;
    let terms = run.duel.clone().context("the run lost its terms")?;
    let duel = Duel::of(&run, &terms)?;
    let p50 = duel.rows.iter().find(|row| row.metric == "p50");
    Ok(Fought {
        outcome: duel.outcome,
        verdict: p50.and_then(|row| row.verdict),
        effect: p50.and_then(|row| row.effect),
        mad: mad(&differences(&run, &terms).values).unwrap_or_default(),
        blocks: duel.blocks.kept,
        excluded: duel.blocks.set_aside,
        seconds: run.elapsed_s,
    })
}

fn differences(run: &Run, terms: &Terms) -> Differences {
    let aside = SetAside::of(run, &terms.load);
    let step = terms.steps(run).first().map_or("", String::as_str);
    Differences::of(
        run,
        (&terms.load, step),
        [&terms.base, &terms.head],
        &Metric::P50,
        &aside,
    )
}
