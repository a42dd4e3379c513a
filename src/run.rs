//! `authlab run`: a scenario against its variants, with its report.

mod show;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use authlab_loadtest::calibrate;
use authlab_loadtest::conductor::{Finished, Order, RunError, conduct};
use authlab_loadtest::cores::Cores;
use authlab_loadtest::interrupt;
use authlab_loadtest::meet::Plan;
use authlab_loadtest::plan::seed_from_clock;
use authlab_loadtest::scenario::Scenario;
use authlab_reports::duration;
use authlab_reports::finding;
use authlab_reports::judge::run_limit::{self, Checked, RunLimit};
use authlab_reports::run::Calibration;
use authlab_reports::run::{Run, Status, Tool, Verdict};
use clap::ArgMatches;

use crate::sharing::{self, Sharing};
use crate::{builtin, exit, flags, output, words};
use show::{Show, Wanted};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Scenario: a file, or the name of one that is carried
    #[arg(value_parser = builtin::Named, hide_possible_values = true)]
    scenario: PathBuf,
    #[command(flatten)]
    size: Size,
    /// How long an answer may take: a request that takes longer has failed [default: that of each load, or 10s]
    #[arg(help_heading = "Load", long, value_parser = authlab_reports::duration::typed)]
    timeout: Option<String>,
    #[command(flatten)]
    common: Common,
}

// Not a doc comment: clap would make it the verb's own.
#[derive(clap::Args)]
struct Size {
    /// Profile of the scenario: how many blocks, how long
    #[arg(help_heading = "Load", long, default_value = "quick", conflicts_with_all = ["quick", "full"])]
    profile: String,
    /// The same as --profile quick
    #[arg(help_heading = "Load", long, conflicts_with = "full")]
    quick: bool,
    /// The same as --profile full
    #[arg(help_heading = "Load", long)]
    full: bool,
}

impl Size {
    /// The one that is meant: `quick` is also what no word means.
    fn profile(&self) -> &str {
        match (self.full, self.quick) {
            (true, _) => "full",
            (_, true) => "quick",
            _ => &self.profile,
        }
    }
}

// What every verb that measures takes. Not a doc comment: clap would make it the verb's own.
#[derive(clap::Args)]
pub(crate) struct Common {
    /// Folder that run folders are made in
    #[arg(help_heading = "Result", long, default_value = "reports/runs")]
    runs: PathBuf,
    /// Seed of every random choice [default: from the clock]
    #[arg(help_heading = "Load", long)]
    seed: Option<u64>,
    #[command(flatten, next_help_heading = "Result")]
    wanted: Wanted,
    /// Exit with 1 beyond these limits, e.g. 'p95 > 50ms, rate < 900, errors > 0.1%'
    #[arg(help_heading = "Verdict", long, value_name = "LIMITS")]
    fail_over: Vec<String>,
    /// Exit with 3 when the run is not valid, instead of a warning and 0
    #[arg(help_heading = "Verdict", long)]
    strict: bool,
    #[command(flatten)]
    sharing: Sharing,
}

impl Common {
    fn limits(&self) -> anyhow::Result<Vec<RunLimit>> {
        let read = self.fail_over.iter();
        let read = read.map(|text| RunLimit::parse_all(text).context("--fail-over"));
        Ok(read.collect::<anyhow::Result<Vec<_>>>()?.concat())
    }
}

pub(crate) fn run(arguments: &Arguments, typed: &ArgMatches) -> anyhow::Result<ExitCode> {
    let profile = arguments.size.profile();
    let mut scenario = builtin::read(&arguments.scenario, profile)?;
    if let Some(timeout) = &arguments.timeout {
        let within = duration::parse(timeout)?;
        for load in &mut scenario.loads {
            load.timeout = within;
        }
    }
    let without = [words::ids::<Common>(), words::ids::<Size>()].concat();
    let mut words = words::of::<Arguments>("run", typed, &without);
    words.extend(["--profile".to_owned(), profile.to_owned()]);
    conduct_and_show(&scenario, &arguments.common, words)
}

impl Common {
    /// What is meant where nothing is typed but the folder.
    pub(crate) fn in_folder(runs: PathBuf) -> Self {
        Self {
            runs,
            seed: None,
            wanted: Wanted::default(),
            fail_over: Vec::new(),
            strict: false,
            sharing: Sharing::default(),
        }
    }
}

/// Runs a scenario and shows it; `words` repeat it but for its seed.
pub(crate) fn conduct_and_show(
    scenario: &Scenario,
    common: &Common,
    words: Vec<String>,
) -> anyhow::Result<ExitCode> {
    let (finished, limits) = conduct_shown(scenario, common, words)?;
    Ok(match &finished.error {
        Some(error) => {
            match &finished.run.status {
                // It says how much was measured.
                Status::Partial(because) if matches!(error, RunError::Interrupted) => {
                    output::error(format_args!("{because}; the run is marked partial"));
                }
                _ => output::error(format_args!("{error}")),
            }
            ExitCode::from(code_of(error))
        }
        None if finished.run.validity.verdict == Verdict::Empty => {
            ExitCode::from(exit::TARGET_FAILED)
        }
        None if limits.iter().any(|limit| limit.broken) => ExitCode::from(exit::BROKEN),
        None => exit_code(&finished.run, common.strict),
    })
}

/// How a run ends that did not come to its end.
pub(crate) fn code_of(error: &RunError) -> u8 {
    match error {
        RunError::Interrupted => exit::NO_VERDICT,
        RunError::Server { cause, .. } if cause.is_of_its_words() => exit::REFUSED,
        RunError::Server { .. } | RunError::Prepare { .. } | RunError::Silent(_) => {
            exit::TARGET_FAILED
        }
        _ => exit::REFUSED,
    }
}

/// The same, for whoever goes on with the run.
pub(crate) fn conduct_shown(
    scenario: &Scenario,
    common: &Common,
    mut words: Vec<String>,
) -> anyhow::Result<(Finished, Vec<Checked>)> {
    flags::check(scenario)?;
    let limits = common.limits()?;
    interrupt::install().context("cannot take SIGINT and SIGTERM")?;
    let seed = common.seed.unwrap_or_else(seed_from_clock);
    words.extend(["--seed".to_owned(), seed.to_string()]);
    let cores = Cores::split();
    let plan = Plan::of(scenario, seed, None, &tool());
    let shard = common.sharing.shard(scenario, &plan)?;
    words.extend(shard.iter().flat_map(sharing::words));
    let calibration = calibration(&common.runs, &cores)?;
    for note in scenario.notes() {
        output::note(format_args!("{note}"));
    }
    // What is said before stands above: a view takes the whole terminal.
    let shown = Show::new(scenario, common.wanted);
    let order = Order {
        authlab: std::env::current_exe().context("cannot find the authlab binary")?,
        runs: common.runs.clone(),
        command: words,
        tool: tool(),
        seed,
        calibration,
        cores,
        shard,
        duel: None,
        instructions: None,
        awake: false,
        watched: shown.watched(),
    };
    let finished = conduct(scenario, &order, |progress| shown.progress(progress))?;
    let limits = run_limit::check(&finished.run, &limits);
    shown.end(&finished, &limits);
    Ok((finished, limits))
}

/// Whether run folders can be made in a folder, as far as it shows before a run: it is one, or is still to be made.
pub(crate) fn check_runs(runs: &Path) -> anyhow::Result<()> {
    let shown = runs.display();
    match std::fs::metadata(runs) {
        Ok(about) if !about.is_dir() => {
            bail!("--runs {shown}: it is not a folder; name the one that run folders are made in")
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            bail!("--runs {shown}: {error}; name the folder that run folders are made in")
        }
        _ => Ok(()),
    }
}

/// The calibration kept beside the runs; said when it does not hold.
pub(crate) fn calibration(runs: &Path, cores: &Cores) -> anyhow::Result<Option<Calibration>> {
    check_runs(runs)?;
    Ok(calibrate::found(runs, cores)?)
}

/// The ladder, and where the report is.
pub(crate) fn show(run: &Run, folder: &Path) {
    output::document(&finding::document(run));
    output::line(format_args!(
        "report: {}",
        folder.join("index.html").display()
    ));
}

/// How a complete run ends.
pub(crate) fn exit_code(run: &Run, strict: bool) -> ExitCode {
    let unanswered = run.capacities.iter().any(|search| search.rate.is_none());
    match run.validity.verdict {
        Verdict::Empty => ExitCode::from(exit::TARGET_FAILED),
        // A search that found no rate has no answer.
        _ if unanswered => ExitCode::from(exit::NO_VERDICT),
        Verdict::Valid => ExitCode::SUCCESS,
        _ if strict => ExitCode::from(exit::NO_VERDICT),
        // The reasons are printed as warnings.
        _ => ExitCode::SUCCESS,
    }
}

/// This binary.
pub(crate) fn tool() -> Tool {
    Tool {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: env!("AUTHLAB_COMMIT").to_owned(),
        profile: env!("AUTHLAB_PROFILE").to_owned(),
    }
}
