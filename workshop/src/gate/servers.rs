//! The servers that the gate is calibrated with.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail};
use authlab_loadtest::conductor::{Order, conduct};
use authlab_loadtest::scenario::tables::{
    LoadTable, ProfileTable, StepTable, Tables, VariantTable,
};
use authlab_loadtest::scenario::{Scenario, Target, Variant};
use authlab_reports::blocks;
use authlab_reports::judge::{metric::SAMPLES_OF_A_MEDIAN, most_blocks};
use authlab_reports::order_statistics::median;
use authlab_reports::run::BUDGET;

use super::Bench;

/// The reference server with a cached decision: what people measure with this lab.
const REFERENCE: [(&str, &str); 4] = [
    ("password", "sha256"),
    ("binding", "sha256"),
    ("cache", "decision"),
    ("threads", "1"),
];
/// CPU time of the server that costs are injected into.
const WORK_NS: f64 = 20_000.0;
/// Of a duel.
const SLICE: Duration = Duration::from_millis(100);
/// Blocks that say how long its request takes.
const PILOT_BLOCKS: usize = 10;

/// A sign-in, and a request with its token.
fn token() -> StepTable {
    let body = [("username", "john"), ("password", "password123")];
    let body = body.map(|(key, text)| (key.to_owned(), text.into()));
    StepTable {
        name: "token".into(),
        request: Some("POST /token".into()),
        json: Some(toml::Value::Table(body.into_iter().collect()).into()),
        expect: vec![200],
        save: BTreeMap::from([("token".into(), "json:/access_token".into())]),
        ..StepTable::default()
    }
}

fn items() -> StepTable {
    StepTable {
        name: "items".into(),
        request: Some("GET /items/".into()),
        headers: BTreeMap::from([("authorization".into(), "Bearer {token}".into())]),
        expect: vec![200],
        ..StepTable::default()
    }
}

/// The load of a duel's defaults, over the given number of blocks.
fn scenario(name: &str, variants: Vec<Variant>, blocks: usize) -> anyhow::Result<Scenario> {
    let reference = variants
        .iter()
        .any(|variant| matches!(&variant.target, Target::Authlab(_)))
        || name == "layout";
    let (step, prepare) = if reference {
        (vec![token(), items()], vec!["token".into()])
    } else {
        let get = StepTable {
            name: "items".into(),
            request: Some("GET /".into()),
            ..StepTable::default()
        };
        (vec![get], Vec::new())
    };
    let tables = Tables {
        name: format!("gate-{name}").into(),
        question: "?".to_owned(),
        variant: vec![VariantTable {
            name: "replaced".into(),
            flags: Some(BTreeMap::new()),
            ..VariantTable::default()
        }],
        step,
        load: vec![LoadTable {
            name: "closed".into(),
            users: 1.into(),
            prepare,
            journey: Some(vec!["items".into()].into()),
            profile: ProfileTable {
                blocks: blocks.into(),
                slice: format!("{}ms", SLICE.as_millis()).into(),
                warm_up: Some("2s".into()),
                restart_blocks: 10,
                min_samples: Some(SAMPLES_OF_A_MEDIAN),
                ..ProfileTable::default()
            }
            .only(),
            ..LoadTable::default()
        }],
        ..Tables::default()
    };
    let mut scenario = Scenario::of("authlab prove calibrate-gate", &tables)?;
    scenario.variants = variants;
    Ok(scenario)
}

/// As many blocks as a duel takes at the most.
pub(super) fn duel(name: &str, variants: Vec<Variant>) -> anyhow::Result<Scenario> {
    scenario(name, variants, most_blocks(BUDGET, SLICE))
}

pub(super) fn recording(
    name: &str,
    variants: Vec<Variant>,
    blocks: usize,
) -> anyhow::Result<Scenario> {
    scenario(name, variants, blocks)
}

/// The reference server under a name.
pub(super) fn reference(name: &str) -> Variant {
    let flags = REFERENCE.map(|(flag, value)| (flag.to_owned(), value.to_owned()));
    Variant::new(name, Target::Authlab(flags.into()))
}

/// The same design served by another binary.
pub(super) fn reference_of(binary: &str, name: &str) -> Variant {
    let flags = REFERENCE
        .iter()
        .flat_map(|(flag, value)| [format!("--{flag}"), (*value).to_owned()]);
    let words = [binary, "serve", "--listen", "127.0.0.1:{port}"].map(str::to_owned);
    Variant::new(
        name,
        Target::command(words.into_iter().chain(flags).collect()),
    )
}

/// A server whose request costs a known share more.
pub(super) struct Injected {
    /// Its request without that, nanoseconds at p50.
    pub(super) p50_ns: f64,
    authlab: String,
}

impl Injected {
    /// Measures how long a request takes.
    pub(super) fn measured(bench: &Bench) -> anyhow::Result<Self> {
        let mut injected = Self {
            p50_ns: 0.0,
            authlab: bench.order.authlab.display().to_string(),
        };
        let scenario = recording("pilot", vec![injected.variant("pilot", 0.0)], PILOT_BLOCKS)?;
        let run = measure(&scenario, &bench.order, bench.keep)?.0;
        let per_block = blocks::median_latency(&run, &run.scenario.ladder.latency, "pilot");
        injected.p50_ns =
            median(per_block.into_values().collect()).context("the pilot measured nothing")?;
        Ok(injected)
    }

    /// A server whose request costs `share` of its time more.
    pub(super) fn variant(&self, name: &str, share: f64) -> Variant {
        let work_us = (WORK_NS + share * self.p50_ns) / 1e3;
        let words = [
            &self.authlab,
            "null",
            "--listen",
            "127.0.0.1:{port}",
            "--work",
            &format!("{work_us:.3}us"),
        ];
        Variant::new(name, Target::command(words.map(str::to_owned).to_vec()))
    }
}

/// Conducts it, and keeps its folder only when asked.
pub(super) fn measure(
    scenario: &Scenario,
    order: &Order,
    keep: bool,
) -> anyhow::Result<(authlab_reports::run::Run, Option<std::path::PathBuf>)> {
    let finished = conduct(scenario, order, |_| {})?;
    if let Some(error) = finished.error {
        bail!("{error}");
    }
    if keep {
        return Ok((finished.run, Some(finished.path)));
    }
    let _ = std::fs::remove_dir_all(&finished.path);
    Ok((finished.run, None))
}
