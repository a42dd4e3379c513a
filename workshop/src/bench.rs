//! `authlab prove bench`: the micro-benchmarks, with a bar while they run and their medians after.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Instant, SystemTime};

use anyhow::{Context, bail};
use authlab_loadtest::server::Launcher;
use authlab_loadtest::{bar, output};
use authlab_reports::micro;

/// What was typed.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only benchmarks whose id contains this
    filter: Option<String>,
    /// How long each benchmark is measured
    #[arg(long, default_value = "quick")]
    profile: Profile,
    /// Print only how much faster a cached decision is
    #[arg(long)]
    brief: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Profile {
    /// Hardly: do they run?
    Smoke,
    /// A third of a second each
    Quick,
    /// Criterion's own: five seconds and a hundred samples each
    Full,
}

impl Profile {
    /// The smoke runs on the tests' build: nobody reads its figures.
    fn of_cargo(self) -> &'static [&'static str] {
        match self {
            Self::Smoke => &["--profile", "dev"],
            Self::Quick | Self::Full => &[],
        }
    }

    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Smoke => &[
                "--warm-up-time",
                "0.01",
                "--measurement-time",
                "0.02",
                "--sample-size",
                "10",
                // The least of which criterion does not warn: its default of 100 000 would take longer than measuring.
                "--nresamples",
                "1001",
            ],
            Self::Quick => &[
                "--warm-up-time",
                "0.1",
                "--measurement-time",
                "0.3",
                "--sample-size",
                "20",
            ],
            Self::Full => &[],
        }
    }
}

/// Through cargo, so that what runs is what the sources say.
const CARGO: [&str; 5] = ["bench", "--quiet", "--workspace", "--bench", "lab"];
const PACKAGE: &str = "bench/Cargo.toml";
const FOLDER: &str = "target/criterion";
const TABLE: &str = "target/criterion/table.txt";
const WORTH: &str = "target/criterion/worth.txt";
const HIT: &str = "authorize-hit/cache-key=route";
const VERIFIED: &str = "authorize-verified/cache=none";

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if !Path::new(PACKAGE).is_file() {
        bail!(
            "{PACKAGE} is not here: the benchmarks are of a checkout of authlab, and run in its folder"
        );
    }
    let listed = listed(arguments)?;
    let planned = listed.len();
    if planned == 0 {
        bail!(
            "no benchmark's id contains `{}`",
            arguments.filter.as_deref().unwrap_or_default()
        );
    }
    // A file system may count its times in coarser steps.
    let since = SystemTime::now() - std::time::Duration::from_secs(1);
    measure(arguments, planned)?;
    let mut benchmarks = micro::read(&PathBuf::from(FOLDER), since)?;
    // Others may have been measured a moment ago.
    benchmarks.retain(|benchmark| listed.contains(&benchmark.title));
    if benchmarks.len() != planned {
        bail!(
            "{} of {planned} benchmarks left a figure under {FOLDER}",
            benchmarks.len()
        );
    }
    let table = micro::table(&benchmarks);
    std::fs::write(TABLE, &table).with_context(|| format!("cannot write {TABLE}"))?;
    if !arguments.brief {
        output::write(&table);
    }
    if let Some(worth) = micro::worth::table(&benchmarks) {
        std::fs::write(WORTH, &worth).with_context(|| format!("cannot write {WORTH}"))?;
        if !arguments.brief {
            output::write(&format!("\n{worth}\n"));
        }
    }
    if let Some(headline) = micro::headline(&benchmarks, HIT, VERIFIED) {
        output::line(format_args!("{headline}"));
    }
    output::line(format_args!("{planned} micro-benchmarks: {TABLE}"));
    Ok(ExitCode::SUCCESS)
}

fn command(arguments: &Arguments) -> anyhow::Result<Command> {
    let words = ["cargo"]
        .iter()
        .chain(&CARGO)
        .chain(arguments.profile.of_cargo())
        .chain(&["--", "--noplot"]);
    let mut words: Vec<String> = words.map(|word| (*word).to_owned()).collect();
    words.extend(arguments.filter.clone());
    let mut command = Launcher::anywhere()?.command(&words);
    command.env("CRITERION_HOME", FOLDER).stdin(Stdio::null());
    if let Ok(folder) = std::env::current_dir() {
        // cargo runs a benchmark in its package's folder.
        command.env("CRITERION_HOME", folder.join(FOLDER));
    }
    Ok(command)
}

/// The titles of the benchmarks that are meant.
fn listed(arguments: &Arguments) -> anyhow::Result<Vec<String>> {
    let output = command(arguments)?
        .arg("--list")
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!(
            "the benchmarks cannot be listed: cargo ended with {}",
            output.status
        );
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .lines()
        .filter_map(|line| line.strip_suffix(": benchmark"))
        .map(ToOwned::to_owned)
        .collect())
}

fn measure(arguments: &Arguments, planned: usize) -> anyhow::Result<()> {
    let mut child = command(arguments)?
        .args(arguments.profile.words())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start cargo")?;
    let bar = bar::new("micro-benchmarks", "benchmarks");
    bar.set_length(planned as u64);
    let began = Instant::now();
    let output = child.stdout.take().context("cargo has no output")?;
    let mut done = 0;
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        // Criterion's line of a result; the id may stand on the line before it.
        if line.contains("time:   [") {
            done += 1;
            bar.set_position(done);
            let left = began
                .elapsed()
                .mul_f64((planned as f64 - done as f64).max(0.0) / done as f64);
            bar.set_message(format!("{} left", bar::clock(left)));
        }
    }
    bar.finish_and_clear();
    let status = child.wait().context("cargo was lost")?;
    if !status.success() {
        bail!("the benchmarks ended with {status}");
    }
    Ok(())
}
