//! Blocks recorded once, judged in windows as duels, and by what people use instead.

use anyhow::Context;
use authlab_loadtest::conductor::conduct;
use authlab_loadtest::scenario::Scenario;
use authlab_reports::folder::Recordings;
use authlab_reports::judge::aside::SetAside;
use authlab_reports::run::Run;

use super::Bench;
use super::report::Recorded;
use super::rivals::{self, Sample};
use super::servers::{self, Injected};
use super::windows;

/// The reference server against itself.
pub(super) fn same(bench: &Bench, blocks: usize) -> anyhow::Result<Recorded> {
    let variants = vec![servers::reference("a"), servers::reference("b")];
    let scenario = servers::recording("same", variants, blocks)?;
    let recorded = Recording::made(bench, &scenario)?;
    recorded.judged("a", "b", 0.0)
}

/// A server with a share of a request's time injected, against itself without.
pub(super) fn injected(
    bench: &Bench,
    injected: &Injected,
    share: f64,
    blocks: usize,
) -> anyhow::Result<Recorded> {
    let variants = vec![
        injected.variant("base", 0.0),
        injected.variant("head", share),
    ];
    let scenario = servers::recording("injected", variants, blocks)?;
    let recorded = Recording::made(bench, &scenario)?;
    recorded.judged("base", "head", share)
}

/// A run, with the requests of each of its slices.
struct Recording {
    run: Run,
    /// In the order of the run's slices.
    samples: Vec<Sample>,
}

impl Recording {
    fn made(bench: &Bench, scenario: &Scenario) -> anyhow::Result<Self> {
        let finished = conduct(scenario, &bench.order, |_| {})?;
        if let Some(error) = finished.error {
            anyhow::bail!("{error}");
        }
        let run = finished.run;
        let mut recordings = Recordings::open(&finished.path, &run)?;
        let samples = run
            .slices
            .iter()
            .map(|slice| {
                let recorded = recordings.of(slice)?;
                let service = recorded.iter().find(|part| part.metric == "service");
                Ok(Sample::of(
                    &service.context("a slice has no answers")?.histogram,
                ))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        if !bench.keep {
            let _ = std::fs::remove_dir_all(&finished.path);
        }
        Ok(Self { run, samples })
    }

    fn judged(&self, base: &str, head: &str, intended: f64) -> anyhow::Result<Recorded> {
        let of = |variant: &str| {
            let slices = self.run.slices.iter().zip(&self.samples);
            let mut blocks: Vec<Vec<&Sample>> = Vec::new();
            for (slice, sample) in slices.filter(|(slice, _)| slice.variant == variant) {
                if blocks.len() <= slice.block {
                    blocks.resize_with(slice.block + 1, Vec::new);
                }
                blocks[slice.block].push(sample);
            }
            blocks
        };
        let differences = windows::differences(&self.run, base, head);
        let measured = windows::effect(&differences).with_context(|| {
            let aside = SetAside::of(&self.run, &self.run.scenario.ladder.latency.load);
            format!(
                "every block was set aside: {}",
                aside.mostly().unwrap_or_default()
            )
        })?;
        Ok(Recorded {
            intended,
            measured: measured.0,
            interval: measured.1,
            blocks: self.run.scenario.loads[0].blocks,
            set_aside: self.run.scenario.loads[0].blocks - differences.values.len(),
            noise_mad: windows::mad(&differences),
            steal: windows::steal(&self.run),
            windows: windows::one_after_another(&differences),
            starts: windows::from_every_block(&differences),
            rivals: rivals::all(&of(base), &of(head)),
        })
    }
}
