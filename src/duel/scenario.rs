//! The scenario of a duel: the steps and the load of a file, or of the command line, for two variants.

use std::time::Duration;

use anyhow::bail;
use authlab_loadtest::conductor::blocks_of_shards;
use authlab_loadtest::scenario::tables::{LoadTable, ProfileTable, Tables, VariantTable};
use authlab_loadtest::scenario::{Load, Scenario, Variant};
use authlab_reports::duration;
use authlab_reports::judge::metric::{Metric, SAMPLES_OF_A_MEDIAN};
use authlab_reports::judge::{LONG_SLICE, SLICE, most_blocks};
use clap::ArgMatches;

use super::{Arguments, side};
use crate::builtin;
use crate::requests::{self, Requests};
use crate::words;

/// Short enough that a side which stops answering ends a duel of one user within the time that it announces; with several,
/// each may wait for the others.
const TIMEOUT_OF_A_USER: Duration = Duration::from_secs(2);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn of(arguments: &Arguments, typed: &ArgMatches) -> anyhow::Result<Scenario> {
    let mut scenario = match &arguments.conditions.scenario {
        Some(_) if words::any_of::<Requests>(typed) => bail!(
            "--get, -X, --data, -H, --expect and --template are of a duel without a scenario file: the file has its own steps"
        ),
        Some(file) => builtin::read(file, &arguments.conditions.profile)?,
        None => of_command_line(arguments)?,
    };
    let known = std::mem::take(&mut scenario.variants);
    let known = if arguments.conditions.scenario.is_some() {
        known
    } else {
        Vec::new()
    };
    scenario.variants = sides(arguments, &known)?;
    scenario.baseline = 0;
    scenario.changes.clear();
    if let Some(name) = &arguments.name {
        scenario.name.clone_from(name);
    }
    scenario.question = format!(
        "Is {} slower than {}?",
        arguments.head_name, arguments.base_name
    );
    let judged = scenario.ladder.latency.load.clone();
    scenario.loads.retain(|load| load.name == judged);
    // The ladder's other columns are of loads that a duel does not make.
    scenario.ladder.first = None;
    scenario.ladder.capacity = None;
    let needed = arguments.gate.iter().filter_map(Metric::samples_of_a_slice);
    let needed = needed.max().unwrap_or(SAMPLES_OF_A_MEDIAN);
    for load in &mut scenario.loads {
        shape(arguments, load, needed)?;
    }
    // A side that is typed has nothing beside it.
    scenario.check_places()?;
    Ok(scenario)
}

/// One, or one for each shard.
fn users(arguments: &Arguments) -> usize {
    let share = arguments.sharing.share();
    share.map_or(1, |share| share.of() as usize)
}

/// A scenario with one variant, which its duel replaces.
fn of_command_line(arguments: &Arguments) -> anyhow::Result<Scenario> {
    let steps = arguments.conditions.requests.steps("/")?;
    let load = LoadTable {
        name: "closed".into(),
        users: users(arguments).into(),
        journey: Some(requests::journey(&steps)),
        profile: ProfileTable {
            blocks: 1.into(),
            slice: format!("{}ms", slice(arguments).as_millis()).into(),
            ..ProfileTable::default()
        }
        .only(),
        ..LoadTable::default()
    };
    let tables = Tables {
        name: arguments.name.as_deref().unwrap_or("duel").into(),
        variant: vec![VariantTable {
            name: "replaced".into(),
            url: Some("http://127.0.0.1:1".into()),
            ..VariantTable::default()
        }],
        step: steps,
        load: vec![load],
        ..Tables::default()
    };
    Ok(Scenario::of("authlab duel", &tables)?)
}

fn sides(arguments: &Arguments, known: &[Variant]) -> anyhow::Result<Vec<Variant>> {
    let [base, head] = [&arguments.base, &arguments.head].map(|typed| {
        let typed = typed.as_ref().map(|typed| typed.text.as_str());
        typed.unwrap_or_default()
    });
    let (base_name, head_name) = (
        file_name(&arguments.base_name),
        file_name(&arguments.head_name),
    );
    if base_name == head_name {
        bail!("--base-name and --head-name are both `{base_name}`: call them differently");
    }
    Ok(vec![
        side::variant(arguments, "--base", base, &base_name, known)?,
        side::variant(arguments, "--head", head, &head_name, known)?,
    ])
}

/// A branch's name as a variant's, which becomes a file's: `feature/x` is `feature-x`.
fn file_name(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || ".+-_".contains(c) {
            c
        } else {
            '-'
        }
    };
    name.chars()
        .map(plain)
        .collect::<String>()
        .trim_start_matches('.')
        .to_owned()
}

/// How long it may take.
pub(super) fn within(arguments: &Arguments) -> anyhow::Result<Duration> {
    Ok(duration::parse(&arguments.conditions.within)?)
}

/// How long a slice is, where nothing says it.
fn slice(arguments: &Arguments) -> Duration {
    let mut needed = arguments.gate.iter().filter_map(Metric::samples_of_a_slice);
    let gates_a_tail = needed.any(|samples| samples > SAMPLES_OF_A_MEDIAN);
    if gates_a_tail || arguments.sharing.share().is_some() {
        LONG_SLICE
    } else {
        SLICE
    }
}

/// As a duel needs it: as many blocks as it may take, slices that carry what is gated.
fn shape(arguments: &Arguments, load: &mut Load, needed: u64) -> anyhow::Result<()> {
    if load.capacity.is_some() {
        bail!(
            "load `{}` searches for a rate, and a duel is under the same load on both sides: name another by [ladder]",
            load.name
        );
    }
    if let Some(users) = arguments.conditions.users {
        if users == 0 || users > 10_000 {
            bail!("--users must be 1 to 10000");
        }
        load.users = users;
    }
    if let Some(slice) = &arguments.conditions.slice {
        load.slice = duration::parse(slice)?;
    } else if arguments.conditions.scenario.is_none() {
        load.slice = slice(arguments);
    }
    if let Some(timeout) = &arguments.conditions.timeout {
        load.timeout = duration::parse(timeout)?;
    } else if arguments.conditions.scenario.is_none() {
        let users = u32::try_from(load.users).unwrap_or(u32::MAX);
        load.timeout = TIMEOUT_OF_A_USER.saturating_mul(users).min(LONGEST_TIMEOUT);
    }
    load.warm_up = duration::parse_or_zero(&arguments.conditions.warm_up)?;
    load.restart_blocks = arguments.conditions.restart_blocks;
    // A tail is not waited for: it is advisory where a slice does not carry it.
    load.min_samples = load.min_samples.max(needed.min(SAMPLES_OF_A_MEDIAN));
    let within = within(arguments)?;
    load.blocks = if arguments.sharing.share().is_some() {
        blocks_of_shards(load, within).0
    } else {
        most_blocks(within, load.slice)
    };
    Ok(())
}
