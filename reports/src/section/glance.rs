//! The run at a glance: what a request takes, what it costs the server, how long it still passes after a revoke.

use super::ladder::{Rung, Table, words};
use super::safety::{self, Row, Safety};
use crate::document::{Block, Cell, Section, Tile};
use crate::quantity::NOT_MEASURED;
use crate::run::{Latency, Run};

/// The section; none for a run without variants.
pub(super) fn section(run: &Run, ladder: &Table) -> Option<Section> {
    let safety = Safety::of(run, ladder);
    let tiles: Vec<Tile> = safety::beside(ladder, &safety)
        .enumerate()
        .map(|(place, (rung, row))| tile(ladder.latency, place, rung, row))
        .collect();
    let note = format!(
        "{} of {}; CPU is the server's time for a million requests; stale is the longest that a request still passed after a revoke. \
         {NOT_MEASURED}: not measured.",
        match ladder.latency {
            Latency::Response =>
                "response p50 is of the response time, from the intended start, and service p50 of the service time",
            Latency::Service => "p50 is",
        },
        ladder.heading.load
    );
    (!tiles.is_empty()).then(|| Section {
        id: Some("glance"),
        title: "At a glance".to_owned(),
        blocks: vec![Block::Tiles(tiles), Block::Note(note)],
    })
}

fn tile(latency: Latency, place: usize, rung: &Rung, row: &Row) -> Tile {
    let [_, cpu, _] = safety::costs(rung, row);
    let cpu = if rung.cpu_s_per_million.is_some() {
        format!("{cpu} s")
    } else {
        cpu
    };
    let latencies = words::latencies(latency, rung).into_iter().map(Cell::from);
    Tile {
        place,
        label: rung.variant.label.clone(),
        is_baseline: rung.is_baseline,
        figures: words::latency_columns(latency)
            .iter()
            .copied()
            .zip(latencies)
            .chain([("CPU/million", cpu.into()), ("stale", row.stale_window())])
            .collect(),
    }
}
