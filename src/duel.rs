//! `authlab duel`: two servers under the same load in alternating slices, until the verdict is certain.

mod bench;
mod outset;
mod scenario;
mod share;
mod side;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use authlab_loadtest::conductor::{Finished, Order, RunError, conduct};
use authlab_loadtest::cores::Cores;
use authlab_loadtest::instructions::{self, Amount, Counter};
use authlab_loadtest::interrupt;
use authlab_loadtest::meet::Plan;
use authlab_loadtest::plan::seed_from_clock;
use authlab_loadtest::progress::Progress;
use authlab_loadtest::scenario::{Scenario, Target, Variant};
use authlab_loadtest::server::Launcher;
use authlab_reports::duel::Duel;
use authlab_reports::folder;
use authlab_reports::judge::metric::Metric;
use authlab_reports::run::{Instructions, Run, Terms};
use clap::{ArgMatches, Args as _, Command, FromArgMatches as _};

use crate::format::{Format, Written};
use crate::requests::Requests;
use crate::run::{calibration, tool};
use crate::sharing::{self, Sharing};
use crate::words::{self, Confidential};
use crate::{exit, flags, output};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Baseline: a command (`{port}` becomes a free port), a URL or host:port, or a variant of SCENARIO
    #[arg(help_heading = "Servers", long, value_name = "CMD|URL", required_unless_present_any = ["replay", "bench"], value_parser = Confidential::command)]
    base: Option<Confidential>,
    /// Candidate: a command, a URL or host:port, or a variant of SCENARIO
    #[arg(help_heading = "Servers", long, value_name = "CMD|URL", required_unless_present_any = ["replay", "bench"], value_parser = Confidential::command)]
    head: Option<Confidential>,
    /// Name of the baseline in reports, e.g. main
    #[arg(
        help_heading = "Servers",
        long,
        value_name = "NAME",
        default_value = "base"
    )]
    base_name: String,
    /// Name of the candidate in reports, e.g. pr-812
    #[arg(
        help_heading = "Servers",
        long,
        value_name = "NAME",
        default_value = "head"
    )]
    head_name: String,
    /// Name of the duel [default: that of SCENARIO, or duel]
    #[arg(long)]
    name: Option<String>,
    /// Metrics that decide: p50, errors, cpu, p90, p99, p99.9, capacity, stale, memory, stage-NAME [default: p50,errors, and cpu
    /// where authlab starts both servers]
    #[arg(help_heading = "Verdict", long, value_delimiter = ',')]
    gate: Vec<Metric>,
    /// Differences below this are no change, for example 5% [default: 3%]
    #[arg(help_heading = "Verdict", long, value_name = "PERCENT", value_parser = margin)]
    margin: Option<f64>,
    #[command(flatten)]
    conditions: Conditions,
    /// Also count user-space instructions per request, in a separate pass with perf or valgrind
    #[arg(help_heading = "Verdict", long, conflicts_with = "shard")]
    pub(crate) instructions: bool,
    #[command(flatten)]
    sharing: Sharing,
    #[command(flatten, next_help_heading = "Result")]
    end: End,
    /// Seed of every random choice [default: from the clock]
    #[arg(help_heading = "Load", long)]
    seed: Option<u64>,
    /// Repeat the duel of this run (run.json or its folder)
    #[arg(
        long,
        value_name = "RUN",
        conflicts_with_all = ["scenario", "seed", "shard"]
    )]
    replay: Option<PathBuf>,
    /// Compare two criterion benchmark binaries; FILTER is a regular expression of the benchmarks
    #[arg(help_heading = "Benchmarks instead of servers", 
        long,
        value_names = ["BASE", "HEAD", "FILTER"],
        num_args = 2..=3,
        conflicts_with_all = ["base", "head", "scenario", "replay", "out", "gate", "margin", "instructions", "timeout", "shard"]
    )]
    bench: Vec<String>,
    /// Run benchmarks on all cores, as multi-threaded ones need, instead of on those of the servers
    #[arg(
        help_heading = "Benchmarks instead of servers",
        long,
        requires = "bench"
    )]
    all_cores: bool,
}

// What both sides are under. Not a doc comment: clap would make it the verb's own.
#[derive(clap::Args)]
pub(crate) struct Conditions {
    /// Scenario file whose steps and load are used; --base and --head may name its variants
    #[arg(value_name = "SCENARIO")]
    scenario: Option<PathBuf>,
    #[command(flatten, next_help_heading = "Requests")]
    requests: Requests,
    /// How long it may take, servers' starts among it; it ends as soon as the verdict is certain, and not before 20 blocks
    #[arg(help_heading = "Verdict", long, value_name = "TIME", default_value = "2m", value_parser = authlab_reports::duration::typed)]
    within: String,
    /// Users of a closed model [default: 1, or those of SCENARIO]
    #[arg(help_heading = "Load", long)]
    users: Option<usize>,
    /// Length of a slice [default: 10ms; 100ms to gate a percentile beyond the median, and with --shard; or that of SCENARIO]
    #[arg(help_heading = "Load", long, value_parser = authlab_reports::duration::typed)]
    slice: Option<String>,
    /// Longest warm-up after each start of a server; 0s leaves it out
    #[arg(help_heading = "Load", long, default_value = "2s", value_parser = authlab_reports::duration::typed_or_zero)]
    warm_up: String,
    /// A request that takes longer has failed [default: 2s for each user, at most 10s; or that of SCENARIO]
    #[arg(help_heading = "Load", long, value_parser = authlab_reports::duration::typed)]
    timeout: Option<String>,
    /// Restart the servers after so many blocks, and the first time after 10; 0 for never
    #[arg(help_heading = "Load", long, default_value_t = 20)]
    restart_blocks: usize,
    /// Path that answers 2xx when the server of a command is ready [default: any answer on / counts]
    #[arg(help_heading = "Servers", long, value_name = "PATH", value_parser = Confidential::url)]
    ready: Option<Confidential>,
    /// How long the server of a command may take to be ready
    #[arg(help_heading = "Servers", long, default_value = "10s", value_parser = authlab_reports::duration::typed)]
    ready_within: String,
    /// Use HTTP/2
    #[arg(help_heading = "Servers", long)]
    http2: bool,
    /// Profile of SCENARIO
    #[arg(help_heading = "Load", long, default_value = "quick")]
    profile: String,
}

impl Conditions {
    /// How long a duel may take, as typed.
    pub(crate) fn within(&self) -> &str {
        &self.within
    }
}

// What becomes of the verdict. A repeated duel takes none of it from its run. Not a doc comment: clap would make it the verb's own.
#[derive(clap::Args)]
struct End {
    /// Exit code of an inconclusive duel: pass (0) or fail (1) [default: 3]
    #[arg(long, value_name = "END")]
    inconclusive: Option<Inconclusive>,
    /// End with the codes of `git bisect run`: 0 good (faster, no change), 1 bad (slower), 125 skip (inconclusive, not valid, the
    /// candidate does not start or answer), 128 abort (bad input, the baseline does not start)
    #[arg(long, conflicts_with_all = ["inconclusive", "bench", "shard"])]
    bisect: bool,
    /// Format of the result on standard output
    #[arg(long, default_value = "text", value_parser = Format::of_duels())]
    format: Format,
    /// Folder for all formats: duel.md, duel.xml, duel.json, benchmark.json, duel.txt
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Folder in which run folders are created
    #[arg(long, default_value = "reports/runs")]
    runs: PathBuf,
}

impl End {
    fn code(&self, code: u8) -> ExitCode {
        ExitCode::from(if self.bisect {
            exit::for_bisect(code)
        } else {
            code
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Inconclusive {
    Pass,
    Fail,
}

impl Inconclusive {
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
        }
    }
}

/// `5%` as a share.
fn margin(text: &str) -> Result<f64, &'static str> {
    let percent = text.strip_suffix('%').unwrap_or(text).trim().parse();
    percent
        .ok()
        .filter(|percent: &f64| (0.1..=1000.0).contains(percent))
        .map(|percent| percent / 100.0)
        .ok_or("a margin is 0.1% to 1000%, for example 5%")
}

pub(crate) fn run(arguments: Arguments, typed: &ArgMatches) -> anyhow::Result<ExitCode> {
    if let [base, head, filter @ ..] = arguments.bench.as_slice() {
        return bench::run(&bench::Arguments {
            base: base.into(),
            head: head.into(),
            filter: filter.first().cloned(),
            all_cores: arguments.all_cores,
            seed: arguments.seed,
            within: scenario::within(&arguments)?,
            format: arguments.end.format.of_benchmarks()?,
            inconclusive: arguments.end.inconclusive,
        });
    }
    let (arguments, typed) = match &arguments.replay {
        Some(run) => {
            let (repeated, words) = replayed(run, typed)?;
            let end = arguments.end;
            let whole = Arguments {
                end,
                // What a shard's run repeats is the duel, made by one process.
                sharing: Sharing::default(),
                ..repeated
            };
            (whole, words)
        }
        None => (arguments, typed.clone()),
    };
    let finished = fight(&arguments, &typed, true)?;
    match finished.run.shard {
        Some(_) => Ok(share::end(&finished)),
        None => end(&arguments, finished),
    }
}

/// A duel of another verb, by the words that would be typed, without a word on its way. Its judgement is kept beside its run,
/// where there is anything to judge.
pub(crate) fn between(words: &[String]) -> anyhow::Result<(Finished, Option<Duel>)> {
    let command = Arguments::augment_args(Command::new("duel").no_binary_name(true));
    let typed = command.try_get_matches_from(words)?;
    let finished = fight(&Arguments::from_arg_matches(&typed)?, &typed, false)?;
    let is_measured = !finished.run.slices.is_empty() || finished.run.silent.is_some();
    let terms = finished.run.duel.as_ref().filter(|_| is_measured);
    let duel = terms
        .map(|terms| Duel::of(&finished.run, terms))
        .transpose()?;
    if let Some(duel) = &duel {
        Written::of(duel, &finished.path)?.keep(&finished.path)?;
    }
    Ok((finished, duel))
}

/// Fights it to its end; how it stands is told where somebody waits for this duel alone.
fn fight(arguments: &Arguments, typed: &ArgMatches, is_told: bool) -> anyhow::Result<Finished> {
    interrupt::install().context("cannot take SIGINT and SIGTERM")?;
    let scenario = scenario::of(arguments, typed)?;
    flags::check(&scenario)?;
    let without = [words::ids::<End>(), words::ids::<Sharing>()].concat();
    let mut words = words::of::<Arguments>("duel", typed, &without);
    let seed = arguments.seed.unwrap_or_else(seed_from_clock);
    if arguments.seed.is_none() {
        words.extend(["--seed".to_owned(), seed.to_string()]);
    }
    let terms = Terms {
        base: scenario.variants[0].name.clone(),
        head: scenario.variants[1].name.clone(),
        load: scenario.ladder.latency.load.clone(),
        gates: gates(arguments, &scenario),
        within_ms: u64::try_from(scenario::within(arguments)?.as_millis())?,
        looks: Vec::new(),
        margin: arguments.margin,
    };
    let plan = Plan::of(&scenario, seed, Some(&terms), &tool());
    let shard = arguments.sharing.shard(&scenario, &plan)?;
    words.extend(shard.iter().flat_map(sharing::words));
    let cores = Cores::split();
    let mut order = Order {
        authlab: std::env::current_exe().context("cannot find the authlab binary")?,
        runs: arguments.end.runs.clone(),
        command: words,
        tool: tool(),
        seed,
        calibration: calibration(&arguments.end.runs, &cores)?,
        cores,
        shard,
        awake: true,
        duel: Some(terms),
        instructions: None,
        watched: false,
    };
    match (order.shard, is_told) {
        (Some(shard), _) => share::tell(&scenario, &shard, scenario::within(arguments)?),
        (None, true) => outset::tell(&scenario, &order),
        (None, false) => {}
    }
    if arguments.instructions {
        // In a pass of its own: what is counted is slowed down by it.
        order.instructions = Some(counted(&scenario, &order)?);
    }
    let finished = conduct(&scenario, &order, |progress| match progress {
        Progress::Slice { run, .. } if run.shard.is_some() => share::told(run),
        Progress::Slice { run, .. } if is_told => outset::told(run),
        _ => {}
    })?;
    Ok(finished)
}

/// The metrics that decide. CPU time can be read of servers that are started here, and noise hardly moves it.
fn gates(arguments: &Arguments, scenario: &Scenario) -> Vec<String> {
    let usual: &[Metric] = if scenario.variants.iter().all(is_started_here) {
        &[Metric::P50, Metric::Errors, Metric::Cpu]
    } else {
        &[Metric::P50, Metric::Errors]
    };
    let gates = match arguments.gate.as_slice() {
        [] => usual,
        chosen => chosen,
    };
    gates.iter().map(Metric::to_string).collect()
}

fn is_started_here(variant: &Variant) -> bool {
    match variant.target {
        Target::Command { .. } | Target::Authlab { .. } => true,
        Target::Url { .. } => false,
    }
}

/// Whether it is the candidate.
fn is_head(run: &Run, variant: &str) -> bool {
    run.duel.as_ref().is_some_and(|terms| terms.head == variant)
}

/// The arguments of the duel that a run holds.
fn replayed(run: &Path, again: &ArgMatches) -> anyhow::Result<(Arguments, ArgMatches)> {
    let run = folder::read(run)?;
    match run.command.as_slice() {
        [authlab, verb, words @ ..] if authlab == "authlab" && verb == "duel" => {
            words::read(words, again)
        }
        _ => bail!(
            "run {} is no duel: it was made by `{}`",
            run.id,
            run.command.join(" ")
        ),
    }
}

/// User-space instructions of a request of both sides.
fn counted(scenario: &Scenario, order: &Order) -> anyhow::Result<Instructions> {
    let launcher = Launcher {
        authlab: order.authlab.clone(),
        cores: order.cores.server.clone(),
    };
    let told = |pass: instructions::Pass<'_>| {
        output::note(format_args!(
            "counting instructions: {}, pass {} of {}",
            pass.variant,
            pass.number + 1,
            pass.of
        ));
    };
    let counter = Counter::find()?;
    let amount = Amount::default();
    Ok(instructions::count(
        scenario,
        [0, 1],
        &launcher,
        counter,
        amount,
        told,
    )?)
}

/// The verdict on the sum of a duel's shards, in every form, and the exit code.
pub(crate) fn of_sum(run: &Run, folder: &Path, terms: &Terms) -> anyhow::Result<ExitCode> {
    let duel = Duel::of(run, terms)?;
    let written = Written::of(&duel, folder)?;
    written.keep(folder)?;
    written.print(Format::usual());
    Ok(ExitCode::from(duel.exit_code))
}

/// The verdict, in every form, and the exit code.
fn end(arguments: &Arguments, finished: Finished) -> anyhow::Result<ExitCode> {
    let Finished { run, path, error } = finished;
    // A side that answers nothing is judged for that, without any figure.
    let measured = !run.slices.is_empty() || run.silent.is_some();
    if let Some(error) = error.as_ref().filter(|_| !measured) {
        // Nothing was measured: there is nothing to judge.
        output::error(format_args!("{error}"));
        return Ok(arguments.end.code(match error {
            // `git bisect run` is to stop when a person stops a duel.
            RunError::Interrupted if !arguments.end.bisect => exit::NO_VERDICT,
            RunError::Server { variant, .. } if arguments.end.bisect && is_head(&run, variant) => {
                exit::TARGET_FAILED
            }
            _ => exit::REFUSED,
        }));
    }
    let terms = run.duel.clone().context("the run lost its terms")?;
    let inconclusive = arguments.end.inconclusive.map(Inconclusive::exit_code);
    let duel = Duel::of(&run, &terms)?.with_inconclusive_as(inconclusive);
    let written = Written::of(&duel, &path)?;
    written.keep(&path)?;
    if let Some(folder) = &arguments.end.out {
        written.keep(folder)?;
    }
    written.print(arguments.end.format);
    match error {
        Some(RunError::Interrupted) => {
            output::error(format_args!("interrupted; the run is marked partial"));
            Ok(arguments.end.code(if arguments.end.bisect {
                exit::REFUSED
            } else {
                exit::NO_VERDICT
            }))
        }
        Some(RunError::Silent(silent))
            if arguments.end.bisect && is_head(&run, &silent.variant) =>
        {
            output::error(format_args!("{}", RunError::Silent(silent)));
            Ok(arguments.end.code(exit::TARGET_FAILED))
        }
        Some(error @ RunError::Silent(_)) => {
            output::error(format_args!("{error}"));
            Ok(arguments.end.code(duel.exit_code))
        }
        Some(RunError::Server { variant, cause })
            if arguments.end.bisect && is_head(&run, &variant) =>
        {
            output::error(format_args!("variant `{variant}`: {cause}"));
            Ok(arguments.end.code(exit::TARGET_FAILED))
        }
        Some(error) => {
            output::error(format_args!("{error}"));
            Ok(arguments.end.code(exit::REFUSED))
        }
        None => Ok(arguments.end.code(duel.exit_code)),
    }
}
