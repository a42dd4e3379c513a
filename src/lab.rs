//! `authlab lab`: a set of scenarios, each run once, and one site of what they found. Cut short, the same command goes on with
//! those that have no run yet.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use authlab_loadtest::interrupt;
use authlab_loadtest::scenario::Scenario;
use authlab_reports::finding::Finding;
use authlab_reports::folder;
use authlab_reports::page::site::{self, Entry};
#[cfg(feature = "server")]
use authlab_reports::prediction::FILE_NAME;
use authlab_reports::prediction::{self, Prediction};
use authlab_reports::run::{Run, Status};

#[cfg(feature = "server")]
use crate::predict::Predictor;
use crate::run::{Common, code_of, conduct_shown, tool};
#[cfg(feature = "server")]
use crate::sharing;
use crate::{builtin, exit, flags, output};

#[derive(clap::Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a word that is typed or not"
)]
pub(crate) struct Arguments {
    /// Scenarios, by name or file [default: the nine questions of the lab]
    #[arg(value_parser = builtin::Named, hide_possible_values = true)]
    scenarios: Vec<PathBuf>,
    /// All scenarios that authlab contains
    #[arg(long, conflicts_with = "scenarios")]
    all: bool,
    /// Use the profile `quick`, 20 minutes on 2 cores (default)
    #[arg(long, conflicts_with_all = ["full", "profile"])]
    quick: bool,
    /// Use the profile `full`, which takes a night
    #[arg(long, conflicts_with = "profile")]
    full: bool,
    /// Profile of the scenarios
    #[arg(long, default_value = "quick")]
    profile: String,
    /// Also accept existing runs of another build, instead of making them again
    #[arg(long)]
    any_build: bool,
    /// Predict each scenario before it runs, and show the errors: 20 s a scenario, and more where pools are filled
    #[cfg(feature = "server")]
    #[arg(long)]
    predict: bool,
    /// Exit with 3 when a finding is in doubt, instead of a warning and 0
    #[arg(long)]
    strict: bool,
    /// Folder of the site and its runs
    #[arg(long, default_value = "reports/lab")]
    into: PathBuf,
}

/// What somebody asks who is to choose how to authorize requests, in the order in which the answers are read.
const QUESTIONS: [&str; 9] = [
    "thousandfold",
    "hash-choice",
    "token-kinds",
    "revocation",
    "invalid-flood",
    "login-storm",
    "popularity",
    "cold-start",
    "devices",
];

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let profile = match (arguments.quick, arguments.full) {
        (true, _) => "quick",
        (_, true) => "full",
        _ => &arguments.profile,
    };
    let typed = typed(arguments)?;
    // All are read before any is run: a mistake in the last shows at once.
    let scenarios = typed
        .iter()
        .map(|typed| builtin::read(typed, profile))
        .collect::<anyhow::Result<Vec<_>>>()?;
    scenarios.iter().try_for_each(flags::check)?;
    std::fs::create_dir_all(&arguments.into)
        .with_context(|| format!("cannot make {}", arguments.into.display()))?;
    let mut kept = kept(&arguments.into, profile, arguments.any_build)?;
    let mut failed = None;
    #[cfg(feature = "server")]
    let mut predictor = arguments.predict.then(|| Predictor::new(None));
    for (typed, scenario) in typed.iter().zip(&scenarios) {
        if kept
            .iter()
            .any(|(run, _)| run.scenario.name == scenario.name)
        {
            output::note(format_args!("{}: has its run", scenario.name));
            continue;
        }
        output::note(format_args!("{}: {}", scenario.name, scenario.question));
        let words = [
            "authlab",
            "run",
            &typed.display().to_string(),
            "--profile",
            profile,
        ];
        let common = Common::in_folder(arguments.into.clone());
        // Before the run, of which it may know nothing.
        #[cfg(feature = "server")]
        let prediction = predicted(predictor.as_mut(), scenario)?;
        let (finished, _) = conduct_shown(scenario, &common, words.map(str::to_owned).to_vec())?;
        match finished.error {
            None => {
                #[cfg(feature = "server")]
                keep(prediction.as_ref(), &finished.path)?;
                kept.push((finished.run, finished.path));
            }
            // The others do not depend on it.
            Some(error) => {
                failed = failed.max(Some(code_of(&error)));
                output::error(format_args!("{}: {error}", scenario.name));
            }
        }
        write_site(arguments, profile, &scenarios, &kept)?;
        if interrupt::requested() {
            output::error(format_args!("interrupted; the same command goes on"));
            return Ok(ExitCode::from(exit::NO_VERDICT));
        }
    }
    let page = write_site(arguments, profile, &scenarios, &kept)?;
    output::line(format_args!("lab: {}", page.display()));
    let doubted = kept.iter().any(|(run, _)| Finding::of(run).doubt.is_some());
    Ok(match failed {
        Some(code) => ExitCode::from(code),
        None if doubted && arguments.strict => ExitCode::from(exit::NO_VERDICT),
        // The page says which findings are in doubt.
        None => ExitCode::SUCCESS,
    })
}

/// What the model says of a scenario. A prediction that fails does not keep its run from being made.
#[cfg(feature = "server")]
fn predicted(
    predictor: Option<&mut Predictor>,
    scenario: &Scenario,
) -> anyhow::Result<Option<Prediction>> {
    let Some(predictor) = predictor else {
        return Ok(None);
    };
    match predictor.predict(scenario) {
        Ok(prediction) => Ok(Some(prediction)),
        Err(error) if sharing::is_interrupt(&error) => Err(error),
        Err(error) => {
            output::error(format_args!(
                "{}: it has no prediction: {error:#}",
                scenario.name
            ));
            Ok(None)
        }
    }
}

/// Keeps a prediction with its run.
#[cfg(feature = "server")]
fn keep(prediction: Option<&Prediction>, folder: &Path) -> anyhow::Result<()> {
    let Some(prediction) = prediction else {
        return Ok(());
    };
    let path = folder.join(FILE_NAME);
    std::fs::write(&path, prediction.json()? + "\n")
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The scenarios that are meant, by name or file.
fn typed(arguments: &Arguments) -> anyhow::Result<Vec<PathBuf>> {
    if !arguments.scenarios.is_empty() {
        return Ok(arguments.scenarios.clone());
    }
    if arguments.all {
        return builtin::all();
    }
    Ok(QUESTIONS.map(PathBuf::from).to_vec())
}

/// The complete runs of this profile, and of this build unless any will do, that are there, the latest of each scenario.
fn kept(into: &Path, profile: &str, any_build: bool) -> anyhow::Result<Vec<(Run, PathBuf)>> {
    let mut runs: Vec<(Run, PathBuf)> = Vec::new();
    let tool = tool();
    let listed =
        std::fs::read_dir(into).with_context(|| format!("cannot list {}", into.display()))?;
    for entry in listed {
        let folder = entry?.path();
        // Whatever else lies there is none of ours.
        let Ok(run) = folder::read(&folder) else {
            continue;
        };
        let whole = run.status == Status::Complete && run.scenario.profile == profile;
        // A run of another build answers for that one.
        if !whole || run.tool != tool && !any_build {
            continue;
        }
        let known = runs
            .iter_mut()
            .find(|(known, _)| known.scenario.name == run.scenario.name);
        match known {
            Some(known) if known.0.started < run.started => *known = (run, folder),
            Some(_) => {}
            None => runs.push((run, folder)),
        }
    }
    Ok(runs)
}

/// The site's page, in the order of the scenarios.
fn write_site(
    arguments: &Arguments,
    profile: &str,
    scenarios: &[Scenario],
    runs: &[(Run, PathBuf)],
) -> anyhow::Result<PathBuf> {
    let of = |scenario: &Scenario| {
        runs.iter()
            .find(|(run, _)| run.scenario.name == scenario.name)
    };
    let entries: Vec<Entry> = scenarios
        .iter()
        .filter_map(|scenario| {
            let (run, folder) = of(scenario)?;
            let page = format!("{}/index.html", folder.file_name()?.to_str()?);
            Some(Entry::of(run, page))
        })
        .collect();
    let missing: Vec<String> = scenarios
        .iter()
        .filter(|scenario| of(scenario).is_none())
        .map(|scenario| scenario.name.clone())
        .collect();
    let mut words = vec!["authlab lab".to_owned()];
    words.extend(arguments.all.then(|| "--all".to_owned()));
    words.extend(
        arguments
            .scenarios
            .iter()
            .map(|file| file.display().to_string()),
    );
    words.push(format!(
        "--profile {profile} --into {}",
        arguments.into.display()
    ));
    let command = words.join(" ");
    // Other runs may lie in the folder, of other machines.
    let ran: Vec<_> = scenarios
        .iter()
        .filter_map(|scenario| Some((scenario.name.as_str(), &of(scenario)?.0.machine)))
        .collect();
    let mut predicted = Vec::new();
    for (run, folder) in scenarios.iter().filter_map(of) {
        predicted.extend(Prediction::read(folder)?.map(|prediction| (prediction, run)));
    }
    let prediction = prediction::section(&predicted);
    let html = site::render(&entries, &missing, &ran, prediction.as_ref(), &command);
    let page = arguments.into.join("index.html");
    std::fs::write(&page, html).with_context(|| format!("cannot write {}", page.display()))?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::path::Path;
    use std::time::Duration;

    use super::*;

    /// 20 minutes, less what starting servers, filling pools and waiting for slow hashes add to it.
    const QUICK: Duration = Duration::from_mins(14);

    /// Fewer have no verdict where two steps are judged.
    const LEAST_BLOCKS: usize = 10;

    /// How long the slices and the warm-ups of a scenario are planned to take.
    fn planned(scenario: &Scenario) -> Duration {
        let loads = scenario.loads.iter().map(|load| {
            let slices = 2 * u32::try_from(load.blocks).unwrap();
            let starts = match load.restart_blocks {
                0 => 1,
                blocks => load.blocks.div_ceil(blocks),
            };
            load.slice * slices + load.warm_up * u32::try_from(starts).unwrap()
        });
        loads.sum::<Duration>() * u32::try_from(scenario.variants.len()).unwrap()
    }

    #[test]
    fn the_questions_are_carried_in_three_sizes_and_the_quick_one_is_twenty_minutes() {
        let mut quick = Duration::ZERO;
        for name in QUESTIONS {
            for profile in ["smoke", "quick", "full"] {
                let scenario = builtin::read(Path::new(name), profile).unwrap();
                assert_eq!(scenario.name, name);
                let takes = planned(&scenario);
                println!("{name} {profile}: {takes:?}");
                if profile == "quick" {
                    let ladder = &scenario.ladder.latency.load;
                    let load = scenario
                        .loads
                        .iter()
                        .find(|load| load.name == *ladder)
                        .unwrap();
                    // What passes after a revoke is counted, and has no interval.
                    let counts = scenario.steps.iter().any(|step| step.probe.is_some());
                    assert!(
                        counts || load.blocks >= LEAST_BLOCKS,
                        "{name}: {}",
                        load.blocks
                    );
                    quick += takes;
                }
            }
        }
        assert!(quick < QUICK, "{quick:?}");
    }
}
