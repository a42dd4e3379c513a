//! `authlab prove bisect`: how often `authlab bisect` names the right commit of a made-up repository, and how long it takes.
//!
//! Each time there is another repository, with the slowdown at another place. The servers are this binary: a commit says how
//! long its server works for each request, so that a build copies a file.

mod repository;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use authlab_loadtest::conductor::Order;
use authlab_loadtest::cores::Cores;
use authlab_loadtest::plan::seed_from_clock;
use authlab_loadtest::server::{Launcher, Supervised};
use authlab_loadtest::{interrupt, machine, output};
use authlab_reports::run::{Machine, Tool};
use authlab_reports::{foreign, quantity};
use serde::{Deserialize, Serialize};

use super::noise::{Making, Noise};
use repository::Repository;

/// What was typed.
#[derive(clap::Args)]
pub struct Arguments {
    /// Commits of a repository
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(3..=1000))]
    commits: u16,
    /// Bisections, each of a repository of its own
    #[arg(long, default_value_t = 20)]
    times: usize,
    /// The slowdown, percent of the time for which a server works
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=100))]
    cost: u8,
    /// How long each duel may take
    #[arg(long, default_value = "2m", value_parser = authlab_reports::duration::typed)]
    within: String,
    /// Metric that is compared
    #[arg(long, default_value = "p50")]
    metric: String,
    /// Without the bursts
    #[arg(long)]
    quiet: bool,
    /// Folder that bisect.json and BISECT.md are written to, after each bisection
    #[arg(long, default_value = "reports/published/bisect")]
    out: PathBuf,
    /// Go on with what is kept in --out, until there are --times of them
    #[arg(long)]
    resume: bool,
    /// Seed of every random choice [default: from the clock]
    #[arg(long)]
    seed: Option<u64>,
}

/// What was found.
#[derive(Serialize, Deserialize)]
struct Proof {
    taken: String,
    tool: Tool,
    machine: Machine,
    commits: u16,
    /// Percent.
    cost: u8,
    within: String,
    metric: String,
    /// Whether each core was busy in bursts meanwhile.
    bursts: bool,
    times: Vec<Bisected>,
}

/// One bisection.
#[derive(Serialize, Deserialize)]
struct Bisected {
    seed: u64,
    /// The subject of the commit that made it slower.
    culprit: String,
    /// What was named: one commit, or those that remained.
    named: Vec<String>,
    exit_code: u8,
    duels: usize,
    seconds: f64,
}

impl Bisected {
    fn is_right(&self) -> bool {
        self.exit_code == 0 && self.named.as_slice() == std::slice::from_ref(&self.culprit)
    }

    /// A single commit, and another one.
    fn is_wrong(&self) -> bool {
        self.exit_code == 0 && !self.is_right()
    }
}

/// Of the JSON that a bisection writes.
#[derive(Deserialize)]
struct Told {
    suspects: Vec<Suspect>,
    steps: Vec<Step>,
    ends: Option<Step>,
    last: Option<Step>,
    exit_code: u8,
}

#[derive(Deserialize)]
struct Suspect {
    subject: String,
}

#[derive(Deserialize)]
struct Step {
    run: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, tool: &Tool) -> anyhow::Result<ExitCode> {
    interrupt::install().context("cannot take SIGINT and SIGTERM")?;
    let cores = Cores::split();
    let mut proof = Proof::begin(arguments, tool, &cores)?;
    let authlab = std::env::current_exe().context("cannot find the authlab binary")?;
    let _noise = if arguments.quiet {
        None
    } else {
        Some(noise(&authlab, cores, tool)?)
    };
    let seed = arguments.seed.unwrap_or_else(seed_from_clock);
    while proof.times.len() < arguments.times {
        let number = proof.times.len() + 1;
        let bisected = bisect(arguments, &authlab, seed.wrapping_add(number as u64))?;
        output::note(format_args!(
            "{number} of {}: {}, {}",
            arguments.times,
            if bisected.is_right() {
                "right"
            } else {
                "not right"
            },
            quantity::elapsed(bisected.seconds)
        ));
        proof.times.push(bisected);
        proof.keep(&arguments.out)?;
    }
    proof.keep(&arguments.out)?;
    output::write(&proof.text());
    Ok(ExitCode::SUCCESS)
}

/// What disturbs the bisections until it is dropped.
fn noise(authlab: &Path, cores: Cores, tool: &Tool) -> anyhow::Result<Making> {
    Noise::Bursts.start(&Order {
        authlab: authlab.to_owned(),
        runs: std::env::temp_dir(),
        command: Vec::new(),
        tool: tool.clone(),
        seed: 0,
        cores,
        calibration: None,
        shard: None,
        duel: None,
        instructions: None,
        awake: false,
        watched: false,
    })
}

/// A repository is made, searched and removed.
fn bisect(arguments: &Arguments, authlab: &Path, seed: u64) -> anyhow::Result<Bisected> {
    let repository = Repository::make(authlab, arguments.commits, arguments.cost, seed)?;
    let json = repository.folder().join("bisect.json");
    let words = [
        authlab.to_str().context("the path of authlab is no text")?,
        "bisect",
        "--good",
        &repository.good,
        "--bad",
        &repository.bad,
        "--build",
        repository::BUILD,
        "--serve",
        repository::SERVE,
        "--within",
        &arguments.within,
        "--metric",
        &arguments.metric,
        "--seed",
        &seed.to_string(),
        "--runs",
        "../runs",
        "--json",
        "../bisect.json",
    ];
    let mut command = Launcher::anywhere()?.command(&words.map(str::to_owned));
    command
        .current_dir(repository.checkout())
        .stdin(Stdio::null());
    let began = Instant::now();
    let mut search = Supervised::spawn(&mut command).context("cannot start the bisection")?;
    let ended = loop {
        if interrupt::requested() {
            bail!("interrupted; what was bisected until then is kept");
        }
        match search.ended() {
            Some(status) => break status,
            None => std::thread::sleep(LOOK_EVERY),
        }
    };
    let seconds = began.elapsed().as_secs_f64();
    let text = foreign::read_text(&json, foreign::MOST_JSON_BYTES)
        .with_context(|| format!("the bisection ended with {ended}"))?;
    let told: Told = serde_json::from_str(&text).context("bisect.json")?;
    let steps = told.steps.iter().chain(&told.ends).chain(&told.last);
    let mut runs: Vec<_> = steps.filter_map(|step| step.run.as_ref()).collect();
    runs.sort();
    runs.dedup();
    Ok(Bisected {
        seed,
        culprit: repository.culprit.clone(),
        named: told.suspects.into_iter().map(|at| at.subject).collect(),
        exit_code: told.exit_code,
        duels: runs.len(),
        seconds,
    })
}

/// How often it is looked whether a bisection has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Proof {
    /// A new one, or the one kept in --out.
    fn begin(arguments: &Arguments, tool: &Tool, cores: &Cores) -> anyhow::Result<Self> {
        let new = Self {
            taken: jiff::Timestamp::now().to_string(),
            tool: tool.clone(),
            machine: machine::describe(cores),
            commits: arguments.commits,
            cost: arguments.cost,
            within: arguments.within.clone(),
            metric: arguments.metric.clone(),
            bursts: !arguments.quiet,
            times: Vec::new(),
        };
        let file = arguments.out.join("bisect.json");
        if !arguments.resume || !file.exists() {
            return Ok(new);
        }
        let text = foreign::read_text(&file, foreign::MOST_JSON_BYTES)
            .with_context(|| file.display().to_string())?;
        let kept: Self = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
        let terms = |of: &Self| {
            let (within, metric) = (of.within.clone(), of.metric.clone());
            (of.commits, of.cost, within, metric, of.bursts)
        };
        if terms(&kept) != terms(&new) || kept.machine.id != new.machine.id {
            bail!(
                "{}: it was made with other terms or on another machine",
                file.display()
            );
        }
        Ok(kept)
    }

    fn keep(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let json = serde_json::to_string_pretty(self)? + "\n";
        for (name, text) in [("bisect.json", json), ("BISECT.md", self.text())] {
            let path = folder.join(name);
            std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }

    /// For people, as Markdown.
    fn text(&self) -> String {
        let count = |is: fn(&Bisected) -> bool| self.times.iter().filter(|of| is(of)).count();
        let mut seconds: Vec<f64> = self.times.iter().map(|of| of.seconds).collect();
        seconds.sort_by(f64::total_cmp);
        let longest = seconds.last().copied().unwrap_or_default();
        let median = seconds.get(seconds.len() / 2).copied().unwrap_or_default();
        let right = count(Bisected::is_right);
        let wrong = count(Bisected::is_wrong);
        let mut text = format!(
            "# Bisections of {} commits\n\nOne commit makes the server {} % slower; the others change nothing, or its time by 2 %. {}\n\
             Each duel compares {} and may take {}. {}, {} cores, authlab {} ({}).\n\n\
             The right commit in **{right} of {}**, a wrong one in {wrong}, no single commit in {}. \
             Median {}, longest {}.\n\n| | right | culprit | named | duels | time |\n|---|---|---|---|---|---|\n",
            self.commits,
            self.cost,
            if self.bursts {
                "A process on the same cores is busy in bursts."
            } else {
                "The machine is quiet."
            },
            self.metric,
            self.within,
            self.machine.cpu,
            self.machine.cores,
            self.tool.version,
            self.tool.commit,
            self.times.len(),
            self.times.len() - right - wrong,
            quantity::elapsed(median),
            quantity::elapsed(longest),
        );
        for (number, of) in self.times.iter().enumerate() {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} |",
                number + 1,
                if of.is_right() { "yes" } else { "no" },
                of.culprit,
                of.named.join(", "),
                of.duels,
                quantity::elapsed(of.seconds)
            );
        }
        text
    }
}
