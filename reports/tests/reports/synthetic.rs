//! Runs with known figures, written through [`RunFolder`] as the load generator writes them.

use std::{collections::BTreeMap, path::Path};

use authlab_reports::{
    folder::{Recorded, RunFolder},
    run::{
        Change, FORMAT_VERSION, Ladder, Load, LoadStep, Machine, Run, Scenario, Slice, Status,
        Tool, Validity, Variant, Verdict,
    },
};
use hdrhistogram::Histogram;

/// A design: name, label, median of a request and of the first, CPU of a request (ns), what it gives up.
pub(crate) struct Design(
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) f64,
    pub(crate) f64,
    pub(crate) f64,
    pub(crate) &'static [&'static str],
);

pub(crate) const DESIGNS: [Design; 6] = [
    Design("bcrypt-12", "bcrypt-12, no cache", 402e6, 404e6, 401e6, &[]),
    Design(
        "md5",
        "md5, no cache",
        58.2e3,
        61.4e3,
        38.3e3,
        &["md5 is broken as a hash"],
    ),
    Design(
        "md5-article",
        "md5 + article key",
        55.3e3,
        62.0e3,
        35.1e3,
        &["a stolen token passes"],
    ),
    Design("sha256", "sha256, no cache", 57.9e3, 61.0e3, 38.0e3, &[]),
    Design(
        "sha256-route",
        "sha256 + route key, epoch",
        55.1e3,
        61.9e3,
        34.6e3,
        &[],
    ),
    Design(
        "allow-all",
        "allow-all (control)",
        54.7e3,
        54.9e3,
        34.4e3,
        &["authorization is skipped"],
    ),
];

/// A run without slices.
pub(crate) fn planned(designs: &[Design]) -> Run {
    Run {
        format: FORMAT_VERSION,
        id: "20261121T231500Z-thousandfold".into(),
        status: Status::Partial("still running".into()),
        scenario: scenario(),
        command: [
            "authlab",
            "run",
            "scenarios/thousandfold.toml",
            "--profile",
            "quick",
            "--seed",
            "7",
        ]
        .map(Into::into)
        .into(),
        seed: 7,
        started: "2026-11-21T23:15:00Z".into(),
        elapsed_s: 0.0,
        tool: Tool {
            version: "0.1.0".into(),
            commit: "7d90b02".into(),
            profile: "release".into(),
        },
        machine: Machine {
            cpu: "AMD EPYC 7763 64-Core Processor".into(),
            cores: 2,
            memory_bytes: 8 << 30,
            kernel: "Linux 6.1.0".into(),
            id: "5e1f".into(),
            server_cores: vec![0],
            generator_cores: vec![1],
            load_before: 0.12,
            load_after: None,
        },
        validity: Validity {
            verdict: Verdict::Valid,
            reasons: Vec::new(),
        },
        variants: designs.iter().map(variant).collect(),
        slices: Vec::new(),
        merged: Vec::new(),
        capacities: Vec::new(),
        calibration: None,
        shard: None,
        awake: false,
        merged_from: Vec::new(),
        duel: None,
        instructions: None,
        silent: None,
    }
}

/// A run of `blocks` blocks, written to `<parent>/<id>/` and finished.
pub(crate) fn written(parent: &Path, designs: &[Design], blocks: usize) -> (RunFolder, Run) {
    let mut run = planned(designs);
    let mut folder = RunFolder::create(parent, &run).unwrap();
    let mut noise = Noise(7);
    for block in 0..blocks {
        for load in ["one-user", "capacity"] {
            for design in designs {
                let (slice, recorded) = slice(&run, design, load, block, &mut noise);
                folder.append(&mut run, slice, recorded).unwrap();
            }
        }
    }
    run.status = Status::Complete;
    run.elapsed_s = 250.0;
    run.machine.load_after = Some(1.9);
    folder.finish(&mut run).unwrap();
    (folder, run)
}

/// One slice of a design under a load, a tenth of a second long.
pub(crate) fn slice(
    run: &Run,
    design: &Design,
    load: &str,
    block: usize,
    noise: &mut Noise,
) -> (Slice, Vec<Recorded>) {
    let Design(name, _, p50, first, cpu, _) = *design;
    let drift = 1.0 + 0.01 * noise.next();
    let samples = (1e8 / p50).clamp(3.0, 600.0) as u64;
    let mut recorded = Vec::new();
    if load == "one-user" {
        recorded.push(recording("items", "service", p50 * drift, samples, noise));
        recorded.push(recording(
            "items",
            "response",
            p50 * drift * 1.02,
            samples,
            noise,
        ));
        recorded.push(recording("first", "service", first * drift, 3, noise));
        for (stage, share) in [
            ("cache", 0.002),
            ("verify", 0.03),
            ("binding", 0.9),
            ("policy", 0.001),
            ("total", 0.94),
        ] {
            recorded.push(recording(
                "items",
                &format!("stage-{stage}"),
                (p50 - 50e3).max(90.0) * share + 20.0,
                samples,
                noise,
            ));
        }
    } else {
        recorded.push(recording(
            "items",
            "service",
            p50 * 3.0 * drift,
            samples,
            noise,
        ));
    }
    let slice = Slice {
        load: load.into(),
        variant: name.into(),
        block,
        start_ns: run.slices.len() as u64 * 110_000_000,
        length_ns: 100_000_000,
        answered_ns: None,
        planned_ns: None,
        figures: Vec::new(),
        planned: None,
        ok: samples,
        probed: 0,
        stale: 0,
        statuses: BTreeMap::new(),
        bytes: None,
        retried: 0,
        attacks: BTreeMap::new(),
        cache: None,
        failed: BTreeMap::new(),
        cpu_ns: Some((cpu * drift * samples as f64) as u64),
        beside_cpu_ns: BTreeMap::new(),
        busy: Some(if name == "bcrypt-12" { 0.99 } else { 0.61 }),
        peak_bytes: Some(12_000_000),
        generator_waited: Some(0.0),
        server_waited: Some(0.001),
        others_busy: Some(0.002),
        steal: Some(0.0),
        generator_busy: Some(0.5),
        throttled: None,
        resent: None,
        late_ns: None,
        paused_ns: None,
        user_time: None,
        unreached: std::collections::BTreeMap::new(),
        intervals: Vec::new(),
    };
    (slice, recorded)
}

/// Values around a median, with a tail, as latencies have one.
pub(crate) fn recording(
    step: &str,
    metric: &str,
    median: f64,
    samples: u64,
    noise: &mut Noise,
) -> Recorded {
    let mut histogram = Histogram::new(3).unwrap();
    for _ in 0..samples {
        let tail = if noise.next() > 0.98 {
            1.0 + 9.0 * noise.next().abs()
        } else {
            1.0
        };
        histogram
            .record((median * tail * (1.0 + 0.05 * noise.next())) as u64)
            .unwrap();
    }
    Recorded {
        step: step.into(),
        metric: metric.into(),
        histogram,
    }
}

/// Numbers between −1 and 1, the same each time: an xorshift.
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

pub(crate) fn at(load: &str, step: &str) -> LoadStep {
    LoadStep {
        load: load.into(),
        step: step.into(),
    }
}

fn scenario() -> Scenario {
    let load = |name: &str, users, steps: &[&str]| Load {
        name: name.into(),
        users,
        streams: 1,
        open: false,
        steps: steps.iter().map(|&step| step.into()).collect(),
        blocks: 12,
        first: Vec::new(),
        slice_ms: 100,
        trace: None,
    };
    let change = |name: &str, from: &str, to: &str| Change {
        name: name.into(),
        from: from.into(),
        to: to.into(),
    };
    Scenario {
        name: "thousandfold".into(),
        question: "How much of a request is authorization, and which change made it a thousand times faster?".into(),
        profile: "quick".into(),
        file: "scenarios/thousandfold.toml".into(),
        baseline: "bcrypt-12".into(),
        loads: vec![load("one-user", 1, &["first", "items"]), load("capacity", 32, &["items"])],
        ladder: Ladder {
            latency: at("one-user", "items"),
            first: Some(at("one-user", "first")),
            capacity: Some(at("capacity", "items")),
        },
        changes: vec![change("hashing", "bcrypt-12", "md5"), change("the cache", "md5", "md5-article")],
    }
}

fn variant(Design(name, label, _, _, _, gives_up): &Design) -> Variant {
    Variant {
        name: (*name).into(),
        label: (*label).into(),
        target: format!("authlab serve --listen 127.0.0.1:0 --binding {name}"),
        beside: Vec::new(),
        gives_up: gives_up.iter().map(|&given| given.into()).collect(),
    }
}
