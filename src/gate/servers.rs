//! The servers that the gate is calibrated with.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use authlab_loadtest::conductor::{Order, conduct};
use authlab_loadtest::scenario::{Ready, Scenario, Target, Variant};
use authlab_reports::blocks;
use authlab_reports::judge::{LOOKS, lengthen, metric::SAMPLES_OF_A_MEDIAN};
use authlab_reports::order_statistics::median;

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

/// Steps and load of a duel with the reference server.
const TOKEN: &str = r#"
[[step]]
name = "token"
request = "POST /token"
json = { username = "john", password = "password123" }
expect = [200]
save = { token = "json:/access_token" }
[[step]]
name = "items"
request = "GET /items/"
headers = { authorization = "Bearer {token}" }
expect = [200]
"#;
const GET: &str = "[[step]]\nname = \"items\"\nrequest = \"GET /\"\n";

/// The load of a duel's defaults, over the given number of blocks.
fn scenario(name: &str, variants: Vec<Variant>, blocks: usize) -> anyhow::Result<Scenario> {
    let reference = variants
        .iter()
        .any(|variant| matches!(&variant.target, Target::Authlab(_)))
        || name == "layout";
    let (steps, prepare) = if reference {
        (TOKEN, "prepare = [\"token\"]\n")
    } else {
        (GET, "")
    };
    let text = format!(
        "name = \"gate-{name}\"\nquestion = \"?\"\n[[variant]]\nname = \"replaced\"\nflags = {{}}\n{steps}\
         [[load]]\nname = \"closed\"\nusers = 1\n{prepare}journey = [\"items\"]\n\
         profile.quick = {{ blocks = {blocks}, slice = \"100ms\", warm_up = \"2s\", restart_blocks = 10, \
         min_samples = {SAMPLES_OF_A_MEDIAN} }}\n"
    );
    let mut scenario = Scenario::parse("authlab calibrate-gate", &text, "quick")?;
    scenario.variants = variants;
    Ok(scenario)
}

/// As many blocks as a duel takes at the most.
pub(super) fn duel(name: &str, variants: Vec<Variant>) -> anyhow::Result<Scenario> {
    scenario(name, variants, LOOKS[LOOKS.len() - 1] * lengthen::most())
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
    variant(name, Target::Authlab(flags.into()))
}

/// The same design served by another binary.
pub(super) fn reference_of(binary: &str, name: &str) -> Variant {
    let flags = REFERENCE
        .iter()
        .flat_map(|(flag, value)| [format!("--{flag}"), (*value).to_owned()]);
    let words = [binary, "serve", "--listen", "127.0.0.1:{port}"].map(str::to_owned);
    command(name, words.into_iter().chain(flags).collect())
}

fn command(name: &str, words: Vec<String>) -> Variant {
    let target = Target::Command {
        words,
        env: BTreeMap::new(),
        ready: Ready::Answers,
        ready_within: std::time::Duration::from_secs(10),
        host: None,
        protocol: authlab_loadtest::protocol::Protocol::default(),
    };
    variant(name, target)
}

fn variant(name: &str, target: Target) -> Variant {
    Variant {
        name: name.to_owned(),
        label: name.to_owned(),
        target,
        besides: Vec::new(),
        gives_up: Vec::new(),
        holds: None,
        steps: None,
    }
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
        command(name, words.map(str::to_owned).to_vec())
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
