//! Runs of duels with known figures: what differs between the sides, and what went wrong.

use std::collections::BTreeMap;

use authlab_reports::{
    duel::Duel,
    run::calibration::{self, Calibration, Ceiling, Floor, Noise as Known},
    run::{Figure, Load, Run, Slice, Status, Terms, Variant},
};

use crate::synthetic::{Noise, planned};

pub(crate) const BASE: &str = "main";
pub(crate) const HEAD: &str = "pr-812";

/// A duel of two servers of 4.10 ms and 0.91 ms CPU a request; a changed field is what it is about.
pub(crate) struct Contest {
    /// Blocks measured.
    pub(crate) blocks: usize,
    /// Of those the first so many were stolen.
    pub(crate) stolen: usize,
    pub(crate) steps: &'static [&'static str],
    pub(crate) gates: &'static [&'static str],
    /// The head's latency beside the base's: 0.07 is 7 % more.
    pub(crate) latency: f64,
    /// The head's CPU time beside the base's.
    pub(crate) cpu: f64,
    /// Requests of each slice that fail, of the base and the head.
    pub(crate) failed: [u64; 2],
    /// Samples of each slice and step.
    pub(crate) samples: u64,
    /// How far slices are from one another, at most: 0.01 is 1 %.
    pub(crate) noise: f64,
}

impl Default for Contest {
    fn default() -> Self {
        Self {
            blocks: 20,
            stolen: 0,
            steps: &["order"],
            gates: &["p50", "errors"],
            latency: 0.0,
            cpu: 0.0,
            failed: [0, 0],
            samples: 640,
            noise: 0.01,
        }
    }
}

impl Contest {
    pub(crate) fn duel(&self) -> Duel {
        judged(&self.run())
    }

    pub(crate) fn run(&self) -> Run {
        let mut run = planned(&[]);
        run.id = "20261121T231500Z-orders".into();
        run.status = Status::Complete;
        run.elapsed_s = 180.0;
        run.command = [
            "authlab",
            "duel",
            "--base",
            "target/main/orders --port {port}",
            "--head",
            "target/pr-812/orders --port {port}",
            "scenarios/orders.toml",
        ]
        .map(Into::into)
        .into();
        run.variants = [BASE, HEAD].map(variant).into();
        run.scenario.name = "orders".into();
        run.scenario.baseline = BASE.into();
        run.scenario.loads = vec![self.load()];
        run.scenario.ladder.latency.load = "one-user".into();
        run.scenario.ladder.latency.step = self.steps[0].into();
        run.scenario.changes = Vec::new();
        run.slices = self.slices();
        run.merged = vec![figure(BASE, self.steps[0], "timer", 24e3, 25_600)];
        run.duel = Some(Terms {
            base: BASE.into(),
            head: HEAD.into(),
            load: "one-user".into(),
            gates: self.gates.iter().map(|gate| (*gate).into()).collect(),
            within_ms: 120_000,
            looks: Vec::new(),
            margin: None,
        });
        run
    }

    fn load(&self) -> Load {
        Load {
            name: "one-user".into(),
            users: 1,
            streams: 1,
            open: false,
            steps: self.steps.iter().map(|step| (*step).into()).collect(),
            first: Vec::new(),
            blocks: self.blocks,
            slice_ms: 100,
            trace: None,
        }
    }

    fn slices(&self) -> Vec<Slice> {
        let mut noise = Noise(7);
        let mut slices: Vec<Slice> = Vec::new();
        for block in 0..self.blocks {
            for side in [0, 1, 1, 0] {
                let start_ns = slices.len() as u64 * 110_000_000;
                slices.push(self.slice(side, block, start_ns, &mut noise));
            }
        }
        slices
    }

    fn slice(&self, side: usize, block: usize, start_ns: u64, noise: &mut Noise) -> Slice {
        let name = [BASE, HEAD][side];
        let mut drift = |more: f64| {
            let effect = if side == 1 { 1.0 + more } else { 1.0 };
            effect * (1.0 + self.noise * noise.next())
        };
        let figures = self.steps.iter().enumerate().map(|(place, step)| {
            let p50 = 4.1e6 * (1.0 + place as f64) * drift(self.latency);
            figure(name, step, "service", p50, self.samples)
        });
        let figures = figures.collect();
        let ok = self.samples * self.steps.len() as u64;
        let failed = match self.failed[side] {
            0 => BTreeMap::new(),
            failed => BTreeMap::from([("status 500".to_owned(), failed)]),
        };
        Slice {
            load: "one-user".into(),
            variant: name.into(),
            block,
            start_ns,
            length_ns: 100_000_000,
            answered_ns: None,
            planned_ns: None,
            figures,
            planned: None,
            ok,
            probed: 0,
            stale: 0,
            statuses: BTreeMap::new(),
            bytes: None,
            retried: 0,
            attacks: BTreeMap::new(),
            cache: None,
            failed,
            cpu_ns: Some((0.91e6 * drift(self.cpu) * ok as f64) as u64),
            beside_cpu_ns: BTreeMap::new(),
            busy: Some(0.61),
            generator_busy: Some(0.5),
            peak_bytes: Some(12_000_000),
            generator_waited: Some(0.0),
            server_waited: Some(0.001),
            others_busy: Some(0.002),
            steal: Some(if block < self.stolen { 0.2 } else { 0.0 }),
            throttled: None,
            resent: None,
            late_ns: None,
            paused_ns: None,
            user_time: None,
            unreached: std::collections::BTreeMap::new(),
            intervals: Vec::new(),
        }
    }
}

/// A run as its own duel.
pub(crate) fn judged(run: &Run) -> Duel {
    Duel::of(run, &Terms::of(run, BASE, HEAD)).unwrap()
}

/// What this machine can tell apart, by `(metric, MAD of a block)`.
pub(crate) fn calibration(run: &Run, noise: &[(&str, f64)]) -> Calibration {
    Calibration {
        format: calibration::FORMAT_VERSION,
        taken: "2026-11-21T20:00:00Z".into(),
        boot: "b007".into(),
        machine: run.machine.clone(),
        tool: run.tool.clone(),
        pacing: Vec::new(),
        floor: Floor {
            service_p50_ns: 11_400,
            service_p99_ns: 19_800,
            epoll_p50_ns: 8_900,
        },
        ceiling: Ceiling {
            closed_per_s: 88_123.4,
            open_per_s: 79_456.7,
        },
        recording_ns: 61.5,
        noise: noise
            .iter()
            .map(|(metric, mad)| Known {
                metric: (*metric).into(),
                slice_ms: 100,
                blocks: 20,
                mad: *mad,
            })
            .collect(),
        stale: None,
    }
}

fn variant(name: &str) -> Variant {
    Variant {
        name: name.into(),
        label: name.into(),
        target: format!("target/{name}/orders --port {{port}}"),
        beside: Vec::new(),
        gives_up: Vec::new(),
    }
}

pub(crate) fn figure(variant: &str, step: &str, metric: &str, p50: f64, count: u64) -> Figure {
    // Those of the first version of the format: a figure may lack later ones.
    let percentiles = [1.0, 1.02, 1.05, 1.3, 2.0, 4.0].map(|times| (p50 * times) as u64);
    Figure {
        variant: variant.into(),
        load: "one-user".into(),
        step: step.into(),
        metric: metric.into(),
        count,
        min: (p50 * 0.9) as u64,
        mean: p50 * 1.03,
        max: (p50 * 5.0) as u64,
        percentiles: percentiles.into(),
        curve: Vec::new(),
        buckets: Vec::new(),
    }
}
