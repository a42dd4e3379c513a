//! The checks that turn a scenario's tables into a [`Scenario`], one file a section.

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

use authlab_reports::run::Change;

pub use self::source::Source;
use super::tables::{ProfileTable, Tables};
use super::{Scenario, ScenarioError};

/// Reads the tables in `text`, and checks them.
pub(super) fn parse(path: &str, text: &str, profile: &str) -> Result<Scenario, ScenarioError> {
    let source = Source {
        path,
        text: Some(text),
    };
    let tables = toml::from_str(text).map_err(|error| source.syntax(&error))?;
    scenario(&source, &tables, profile)
}

/// Checks tables that no file holds.
pub(super) fn check(path: &str, tables: &Tables) -> Result<Scenario, ScenarioError> {
    scenario(&Source { path, text: None }, tables, ProfileTable::ONLY)
}

fn scenario(source: &Source<'_>, file: &Tables, profile: &str) -> Result<Scenario, ScenarioError> {
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
    let besides = source.besides(file)?;
    source.pool_names(file)?;
    let mut variants = source.variants(file, &besides)?;
    let forms = source.forms(file)?;
    let mut steps = source.steps(file, &forms[0])?;
    let pools = source.pools(file, &mut steps)?;
    for (variant, form) in variants.iter_mut().zip(&forms) {
        variant.steps = source.own_steps(file, form, &forms[0], &pools, profile)?;
    }
    let loads = source.loads(file, &mut steps, &pools, profile)?;
    let baseline = match &file.baseline {
        None => 0,
        Some(name) => source.position("variant", name, variants.iter().map(|v| &v.name))?,
    };
    let ladder = source.ladder(file, &steps, &loads)?;
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
        path: source.path.to_owned(),
        name: source.name(&file.name)?,
        question: file.question.clone(),
        profile: profile.to_owned(),
        baseline,
        variants,
        steps,
        loads,
        ladder,
        changes,
        left_out: Vec::new(),
    };
    source.reached(file, &scenario)?;
    Ok(scenario)
}
