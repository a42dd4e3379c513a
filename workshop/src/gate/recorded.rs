//! Blocks recorded once, to be judged in windows, by the duel and by what people use instead.

use anyhow::{Context, bail};
use authlab_loadtest::conductor::{Finished, conduct};
use authlab_reports::folder::Recordings;
use authlab_reports::judge::aside::SetAside;

use super::Bench;
use super::piece::{Block, Recorded, Slice};
use super::servers::{self, Injected};

/// A server with a share of a request's time injected, against itself without; for nothing the reference server.
pub(super) fn record(
    bench: &Bench,
    injected: &Injected,
    percent: u8,
    blocks: usize,
) -> anyhow::Result<Recorded> {
    let scenario = servers::recording("recorded", injected.pair(percent), blocks)?;
    let finished = conduct(&scenario, &bench.order, |_| {})?;
    if let Some(error) = finished.error {
        bail!("{error}");
    }
    let recorded = read(&finished, percent);
    if !bench.keep {
        let _ = std::fs::remove_dir_all(&finished.path);
    }
    recorded
}

fn read(finished: &Finished, percent: u8) -> anyhow::Result<Recorded> {
    let run = &finished.run;
    let load = &run.scenario.ladder.latency.load;
    let aside = SetAside::of(run, load);
    let slices = slices(finished)?;
    let mut blocks: Vec<Block> = Vec::new();
    for (of, slice) in run.slices.iter().zip(slices) {
        if blocks.len() <= of.block {
            blocks.resize_with(of.block + 1, Block::default);
        }
        let [base, head] = &mut blocks[of.block];
        let side = if of.variant == run.variants[0].name {
            base
        } else {
            head
        };
        side.push(slice);
    }
    let kept = blocks.into_iter().enumerate().filter(|(block, sides)| {
        !aside.has(*block) && sides.iter().all(|slices| !slices.is_empty())
    });
    Ok(Recorded {
        percent,
        seconds: run.elapsed_s,
        excluded: aside.count(),
        failed: run.slices.iter().flat_map(|of| of.failed.values()).sum(),
        blocks: kept.map(|(_, sides)| sides).collect(),
    })
}

/// What is kept of each slice of a run.
fn slices(finished: &Finished) -> anyhow::Result<Vec<Slice>> {
    let run = &finished.run;
    let mut recordings = Recordings::open(&finished.path, run)?;
    run.slices
        .iter()
        .map(|slice| {
            let recorded = recordings.of(slice)?;
            let service = recorded.iter().find(|part| part.metric == "service");
            Ok(Slice::of(
                &service.context("a slice has no answers")?.histogram,
            ))
        })
        .collect()
}
