//! A scenario as typed: TOML tables, then the checks that turn them into a [`Scenario`].

mod arrivals;
mod besides;
mod capacity;
mod forms;
mod journeys;
mod known;
mod ladder;
mod loads;
mod pools;
mod protocol;
mod sequences;
mod source;
mod steps;
mod trace;
mod variants;

use std::collections::BTreeMap;

use authlab_reports::run::Change;
use serde::Deserialize;
use toml::Spanned;

use self::besides::BesideTable;
use self::capacity::CapacityTable;
use self::source::Source;
use super::{Scenario, ScenarioError};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    question: String,
    baseline: Option<Spanned<String>>,
    #[serde(default)]
    flags: BTreeMap<String, toml::Value>,
    #[serde(default)]
    beside: Vec<BesideTable>,
    variant: Vec<VariantTable>,
    step: Vec<StepTable>,
    #[serde(default)]
    pool: Vec<PoolTable>,
    load: Vec<LoadTable>,
    ladder: Option<LadderTable>,
    #[serde(default)]
    change: Vec<ChangeTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VariantTable {
    name: Spanned<String>,
    label: Option<String>,
    flags: Option<BTreeMap<String, toml::Value>>,
    command: Option<Spanned<Vec<String>>>,
    url: Option<Spanned<String>>,
    tls: Option<Spanned<bool>>,
    ca: Option<Spanned<String>>,
    http: Option<Spanned<String>>,
    host: Option<Spanned<String>>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    ready: Option<Spanned<String>>,
    ready_within: Option<Spanned<String>>,
    #[serde(default)]
    beside: Vec<Spanned<String>>,
    #[serde(default)]
    gives_up: Vec<String>,
    holds: Option<Spanned<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepTable {
    name: Spanned<String>,
    #[serde(default)]
    variants: Vec<Spanned<String>>,
    at: Option<Spanned<String>>,
    #[serde(default)]
    set: BTreeMap<Spanned<String>, String>,
    request: Option<Spanned<String>>,
    submit: Option<Spanned<BTreeMap<String, String>>>,
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, Spanned<String>>,
    basic: Option<Spanned<Vec<String>>>,
    bearer: Option<Spanned<String>>,
    #[serde(default)]
    dpop: bool,
    json: Option<Spanned<toml::Value>>,
    body: Option<Spanned<String>>,
    form: Option<Spanned<BTreeMap<String, String>>>,
    follow: Option<Spanned<u32>>,
    #[serde(default)]
    expect: Vec<u16>,
    #[serde(default)]
    contains: String,
    #[serde(default)]
    save: BTreeMap<Spanned<String>, Spanned<String>>,
    revoke: Option<Spanned<String>>,
    probe: Option<Spanned<String>>,
    attack: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PoolTable {
    name: Spanned<String>,
    size: Option<Spanned<usize>>,
    csv: Option<Spanned<String>>,
    popularity: Option<Spanned<String>>,
    #[serde(default)]
    fill: Vec<Spanned<String>>,
    probe_for: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoadTable {
    name: Spanned<String>,
    users: Spanned<usize>,
    #[serde(default)]
    prepare: Vec<Spanned<String>>,
    #[serde(default)]
    once: Vec<Spanned<String>>,
    journey: Option<Spanned<Vec<Spanned<String>>>>,
    journeys: Option<Spanned<Vec<JourneyTable>>>,
    #[serde(default)]
    pools: Vec<Spanned<String>>,
    cookies: Option<Spanned<String>>,
    rate: Option<Spanned<toml::Value>>,
    spacing: Option<Spanned<String>>,
    think: Option<Spanned<String>>,
    think_spread: Option<Spanned<String>>,
    capacity: Option<CapacityTable>,
    trace: Option<TraceTable>,
    #[serde(default)]
    fresh: bool,
    #[serde(default)]
    flags: BTreeMap<String, toml::Value>,
    profile: Spanned<BTreeMap<String, ProfileTable>>,
    timeout: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TraceTable {
    file: Spanned<String>,
    format: Option<Spanned<String>>,
    subject: Option<Spanned<String>>,
    methods: Option<Spanned<Vec<Spanned<String>>>>,
    from: Option<Spanned<String>>,
    speed: Option<Spanned<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JourneyTable {
    weight: Spanned<u32>,
    steps: Spanned<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileTable {
    blocks: Spanned<usize>,
    slice: Spanned<String>,
    min_samples: Option<u64>,
    warm_up: Option<Spanned<String>>,
    #[serde(default)]
    restart_blocks: usize,
    #[serde(default)]
    restart_slices: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LadderTable {
    latency: Spanned<String>,
    first: Option<Spanned<String>>,
    capacity: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeTable {
    name: String,
    from: Spanned<String>,
    to: Spanned<String>,
}

/// Parses and checks `text`.
pub(super) fn parse(path: &str, text: &str, profile: &str) -> Result<Scenario, ScenarioError> {
    let source = Source { path, text };
    let file: File = toml::from_str(text).map_err(|error| source.syntax(&error))?;

    for (what, empty) in [
        ("variant", file.variant.is_empty()),
        ("step", file.step.is_empty()),
        ("load", file.load.is_empty()),
    ] {
        if empty {
            return Err(source.refuse(
                &file.name,
                format!("the scenario needs at least one {what}"),
            ));
        }
    }
    let besides = source.besides(&file)?;
    source.pool_names(&file)?;
    let mut variants = source.variants(&file, &besides)?;
    let forms = source.forms(&file)?;
    let mut steps = source.steps(&file, &forms[0])?;
    let pools = source.pools(&file, &mut steps)?;
    for (variant, form) in variants.iter_mut().zip(&forms) {
        variant.steps = source.own_steps(&file, form, &forms[0], &pools, profile)?;
    }
    let loads = source.loads(&file, &mut steps, &pools, profile)?;
    let baseline = match &file.baseline {
        None => 0,
        Some(name) => source.position("variant", name, variants.iter().map(|v| &v.name))?,
    };
    let ladder = source.ladder(&file, &steps, &loads)?;
    let mut changes = Vec::new();
    for change in &file.change {
        for end in [&change.from, &change.to] {
            source.position("variant", end, variants.iter().map(|v| &v.name))?;
        }
        changes.push(Change {
            name: change.name.clone(),
            from: change.from.get_ref().clone(),
            to: change.to.get_ref().clone(),
        });
    }
    let scenario = Scenario {
        path: path.to_owned(),
        name: source.name(&file.name)?,
        question: file.question.clone(),
        profile: profile.to_owned(),
        baseline,
        variants,
        steps,
        loads,
        ladder,
        changes,
    };
    source.reached(&file, &scenario)?;
    Ok(scenario)
}
