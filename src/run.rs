//! `authlab run`: a scenario against its variants, with its report.

mod show;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use authlab_loadtest::calibrate;
use authlab_loadtest::conductor::{Finished, Order, RunError, conduct};
use authlab_loadtest::cores::Cores;
use authlab_loadtest::interrupt;
use authlab_loadtest::plan::seed_from_clock;
use authlab_loadtest::scenario::Scenario;
use authlab_loadtest::shard::{Shard, ShardError, Share, start_at};
use authlab_reports::duration;
use authlab_reports::ladder;
use authlab_reports::render;
use authlab_reports::run::Calibration;
use authlab_reports::run::{Run, Tool, Verdict};
use clap::ArgMatches;
use jiff::Timestamp;

use crate::{builtin, flags, output, words};
use show::{Show, Wanted};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Scenario: a file, or the name of one that is carried
    #[arg(value_parser = builtin::Named, hide_possible_values = true)]
    scenario: PathBuf,
    #[command(flatten)]
    size: Size,
    /// How long an answer may take: a request that takes longer has failed [default: that of each load, or 10s]
    #[arg(long, value_parser = authlab_reports::duration::typed)]
    timeout: Option<String>,
    #[command(flatten)]
    common: Common,
}

// Not a doc comment: clap would make it the verb's own.
#[derive(clap::Args)]
struct Size {
    /// Profile of the scenario: how many blocks, how long
    #[arg(long, default_value = "quick", conflicts_with_all = ["quick", "full"])]
    profile: String,
    /// The same as --profile quick
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// The same as --profile full
    #[arg(long)]
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
    #[arg(long, default_value = "reports/runs")]
    runs: PathBuf,
    /// Seed of every random choice [default: from the clock]
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    wanted: Wanted,
    /// Make one share of the load, from 0: 0/3, 1/3 and 2/3 are the whole; then `authlab merge`
    #[arg(long, value_name = "I/N", requires_all = ["start_at", "seed"])]
    shard: Option<Share>,
    /// When all shards begin: RFC 3339, or epoch seconds
    #[arg(long, value_name = "TIME", value_parser = start_at, requires = "shard")]
    start_at: Option<Timestamp>,
}

impl Common {
    fn shard(&self) -> Result<Option<Shard>, ShardError> {
        let typed = self.shard.zip(self.start_at);
        typed
            .map(|(share, start_at)| Shard::new(share, start_at, Timestamp::now()))
            .transpose()
    }
}

/// The run was measured, but not all of it, or not well enough.
pub(crate) const EXIT_INVALID: u8 = 3;
const EXIT_REFUSED: u8 = 2;

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
            shard: None,
            start_at: None,
        }
    }
}

/// Runs a scenario and shows it; `words` repeat it but for its seed.
pub(crate) fn conduct_and_show(
    scenario: &Scenario,
    common: &Common,
    words: Vec<String>,
) -> anyhow::Result<ExitCode> {
    let finished = conduct_shown(scenario, common, words)?;
    Ok(match finished.error {
        Some(RunError::Interrupted) => {
            output::error(format_args!("interrupted; the run is marked partial"));
            ExitCode::from(EXIT_INVALID)
        }
        Some(error) => {
            output::error(format_args!("{error}"));
            ExitCode::from(EXIT_REFUSED)
        }
        None => exit_code(finished.run.validity.verdict),
    })
}

/// The same, for whoever goes on with the run.
pub(crate) fn conduct_shown(
    scenario: &Scenario,
    common: &Common,
    mut words: Vec<String>,
) -> anyhow::Result<Finished> {
    flags::check(scenario)?;
    interrupt::install().context("cannot take SIGINT and SIGTERM")?;
    let seed = common.seed.unwrap_or_else(seed_from_clock);
    words.extend(["--seed".to_owned(), seed.to_string()]);
    let cores = Cores::split();
    let shard = common.shard()?;
    if let Some(Shard { share, start_at }) = shard {
        words.extend(["--shard".to_owned(), share.to_string()]);
        words.extend(["--start-at".to_owned(), start_at.to_string()]);
        output::note(format_args!("shard {share} begins at {start_at}"));
    }
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
    shown.end(&finished);
    Ok(finished)
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

/// How wide standard output is: 80 columns where it is no terminal.
pub(crate) fn columns() -> usize {
    let terminal = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
    let columns = terminal.map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { 80 } else { columns }
}

/// The ladder, and where the report is.
pub(crate) fn show(run: &Run, folder: &Path) {
    output::write(&render::text(&ladder::document_in(run, columns())));
    output::line(format_args!(
        "report: {}",
        folder.join("index.html").display()
    ));
}

/// How a complete run ends.
pub(crate) fn exit_code(verdict: Verdict) -> ExitCode {
    match verdict {
        Verdict::Valid => ExitCode::SUCCESS,
        // Not a matter of a busy machine: the scenario or its server is wrong.
        Verdict::Empty => ExitCode::from(EXIT_REFUSED),
        _ => ExitCode::from(EXIT_INVALID),
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
