//! The servers that the gate is calibrated with.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use authlab_loadtest::conductor::{Order, conduct};
use authlab_loadtest::scenario::tables::{
    LoadTable, ProfileTable, StepTable, Tables, VariantTable,
};
use authlab_loadtest::scenario::{Scenario, Target, Variant};
use authlab_reports::blocks;
use authlab_reports::judge::{SLICE, metric::SAMPLES_OF_A_MEDIAN, most_blocks};
use authlab_reports::run::{BUDGET, Run};

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
/// Blocks that say how long its request takes.
const PILOT_BLOCKS: usize = 10;

/// Two servers, and what is asked of both.
pub(super) struct Pair {
    variants: Vec<Variant>,
    /// The last is measured; those before it prepare a user.
    steps: Vec<StepTable>,
}

impl Pair {
    /// Reference servers: a user signs in once, and every request has the token.
    pub(super) fn reference(variants: [Variant; 2]) -> Self {
        Self {
            variants: variants.into(),
            steps: vec![token(), items()],
        }
    }

    /// Any servers, asked for a path.
    pub(super) fn get(variants: [Variant; 2], path: &str, headers: &[(&str, &str)]) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        let step = StepTable {
            name: "items".into(),
            request: Some(format!("GET {path}").into()),
            headers: headers.collect(),
            ..StepTable::default()
        };
        Self {
            variants: variants.into(),
            steps: vec![step],
        }
    }
}

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
pub(super) fn recording(name: &str, pair: Pair, blocks: usize) -> anyhow::Result<Scenario> {
    let Pair { variants, steps } = pair;
    let prepare = if steps.len() > 1 {
        vec!["token".into()]
    } else {
        Vec::new()
    };
    let tables = Tables {
        name: format!("gate-{name}").into(),
        question: "?".to_owned(),
        variant: vec![VariantTable {
            name: "replaced".into(),
            flags: Some(BTreeMap::new()),
            ..VariantTable::default()
        }],
        step: steps,
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
pub(super) fn duel(name: &str, pair: Pair) -> anyhow::Result<Scenario> {
    recording(name, pair, most_blocks(BUDGET, SLICE))
}

/// The reference server under a name.
pub(super) fn reference(name: &str) -> Variant {
    let flags = REFERENCE.map(|(flag, value)| (flag.to_owned(), value.to_owned()));
    Variant::new(name, Target::reference(flags.into()))
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
        let pilot = Pair {
            variants: vec![injected.variant("pilot", 0)],
            ..Pair::get(injected.variants(0), "/", &[])
        };
        let run = measure(
            &recording("pilot", pilot, PILOT_BLOCKS)?,
            &bench.order,
            bench.keep,
        )?;
        let per_block = blocks::median_latency(&run, &run.scenario.ladder.latency, "pilot");
        // The least: whatever disturbs a block makes it longer.
        let least = per_block.into_values().min_by(f64::total_cmp);
        injected.p50_ns = least.context("the pilot measured nothing")?;
        Ok(injected)
    }

    /// The reference server against itself, or one with a share of its request's time injected against itself without.
    pub(super) fn pair(&self, percent: u8) -> Pair {
        match percent {
            0 => Pair::reference([reference("base"), reference("head")]),
            percent => Pair::get(self.variants(percent), "/", &[]),
        }
    }

    fn variants(&self, percent: u8) -> [Variant; 2] {
        [self.variant("base", 0), self.variant("head", percent)]
    }

    fn variant(&self, name: &str, percent: u8) -> Variant {
        Variant::new(name, Target::command(self.words(percent)))
    }

    /// The command of a server whose request costs so much more.
    pub(super) fn words(&self, percent: u8) -> Vec<String> {
        let work_us = (WORK_NS + f64::from(percent) / 100.0 * self.p50_ns) / 1e3;
        let words = [
            &self.authlab,
            "null",
            "--listen",
            "127.0.0.1:{port}",
            "--work",
            &format!("{work_us:.3}us"),
        ];
        words.map(str::to_owned).into()
    }
}

/// Conducts it, and keeps its folder only when asked.
pub(super) fn measure(scenario: &Scenario, order: &Order, keep: bool) -> anyhow::Result<Run> {
    let finished = conduct(scenario, order, |_| {})?;
    if let Some(error) = finished.error {
        bail!("{error}");
    }
    if !keep {
        let _ = std::fs::remove_dir_all(&finished.path);
    }
    Ok(finished.run)
}
