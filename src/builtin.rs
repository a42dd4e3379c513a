//! The scenarios that this binary carries: `authlab run thousandfold` works wherever it is installed, from `scenarios/` as it
//! was when it was built. A file of that name comes first: in a checkout `scenarios/thousandfold.toml` is the one that is meant.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use authlab_loadtest::scenario::Scenario;
use authlab_reports::nearest::did_you_mean;
use clap::builder::{PossibleValue, TypedValueParser};

/// Name and text of each, in the order of their names.
const CARRIED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/scenarios.rs"));

/// Where a checkout has them.
const FOLDER: &str = "scenarios";

/// The names of all.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CARRIED.iter().map(|(name, _)| *name)
}

/// A verb's examples, and what may stand for a file there.
pub(crate) fn listed_below(examples: &str) -> String {
    let names: Vec<_> = names().collect();
    format!(
        "{examples}\n\nScenarios that authlab contains: {}",
        names.join(", ")
    )
}

/// Takes any path; a shell completes the names of those that are carried.
#[derive(Clone)]
pub(crate) struct Named;

impl TypedValueParser for Named {
    type Value = PathBuf;

    fn parse_ref(
        &self,
        _: &clap::Command,
        _: Option<&clap::Arg>,
        typed: &OsStr,
    ) -> Result<PathBuf, clap::Error> {
        Ok(PathBuf::from(typed))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(names().map(PossibleValue::new)))
    }
}

/// Reads what is meant by a file's path or a scenario's name, without the variants that this machine cannot run.
pub(crate) fn read(typed: &Path, profile: &str) -> anyhow::Result<Scenario> {
    let mut scenario = whole(typed, profile)?;
    scenario.leave_out(is_there)?;
    Ok(scenario)
}

/// Whether there is such a program on the search path; of what has a slash, whether there is such a file.
fn is_there(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).exists();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn whole(typed: &Path, profile: &str) -> anyhow::Result<Scenario> {
    if let Some(file) = file(typed) {
        return Ok(Scenario::read(&file, profile)?);
    }
    let wanted = typed.to_string_lossy();
    match CARRIED.iter().find(|(name, _)| *name == wanted) {
        Some((name, text)) => Ok(Scenario::parse(name, text, profile)?),
        // A folder, say: what is wrong with it is the system's to tell.
        None if typed.exists() => Ok(Scenario::read(typed, profile)?),
        None => bail!("{}", not_there(&wanted)),
    }
}

/// Every scenario: those of the folder, or where there is none those that are carried; in the order of their names.
pub(crate) fn all() -> anyhow::Result<Vec<PathBuf>> {
    let folder = Path::new(FOLDER);
    if !folder.is_dir() {
        return Ok(names().map(PathBuf::from).collect());
    }
    let mut files = Vec::new();
    let listed =
        std::fs::read_dir(folder).with_context(|| format!("cannot list {}/", folder.display()))?;
    for entry in listed {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "toml") {
            files.push(path);
        }
    }
    if files.is_empty() {
        bail!("{}/ has no scenario", folder.display());
    }
    files.sort();
    Ok(files)
}

/// The file that is meant, where there is one.
fn file(typed: &Path) -> Option<PathBuf> {
    let is_name = typed.components().count() == 1 && typed.extension().is_none();
    let in_folder = is_name.then(|| Path::new(FOLDER).join(typed).with_extension("toml"));
    let known = std::iter::once(typed.to_owned()).chain(in_folder);
    known.into_iter().find(|path| path.is_file())
}

fn not_there(wanted: &str) -> String {
    let name = Path::new(wanted).file_stem().unwrap_or_default();
    let all: Vec<_> = names().collect();
    format!(
        "{wanted}: no such file, and no scenario of that name; there are: {}{}",
        all.join(", "),
        did_you_mean(&name.to_string_lossy(), names())
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn each_scenario_that_is_carried_needs_no_file_beside_it() {
        assert!(names().any(|name| name == "thousandfold"));
        for (name, text) in CARRIED {
            let profile = "quick";
            assert!(text.contains("profile.quick"), "{name}");
            let scenario = Scenario::parse(name, text, profile).unwrap();
            assert_eq!(scenario.name, *name);
        }
    }

    #[test]
    fn a_file_comes_before_a_name() {
        // Tests run in the checkout.
        let found = file(Path::new("thousandfold")).unwrap();
        assert_eq!(found, Path::new("scenarios/thousandfold.toml"));
        assert_eq!(file(Path::new("thousand")), None);
        assert_eq!(file(Path::new("nowhere/thousandfold")), None);
    }

    #[test]
    fn a_name_that_is_none_is_answered_with_the_nearest() {
        for wanted in ["thousandfuld", "thousand", "scenarios/thousandfod.toml"] {
            let said = not_there(wanted);
            assert!(said.starts_with(&format!("{wanted}: ")), "{said}");
            assert!(said.ends_with("; did you mean `thousandfold`?"), "{said}");
        }
        assert!(!not_there("quite-another").contains("did you mean"));
    }
}
