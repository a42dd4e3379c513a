//! `authlab prove exact`: instructions and allocations of whole requests, against the baseline that is committed.

mod tools;

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail};
use authlab_loadtest::output;
use authlab_loadtest::server::Launcher;
use authlab_reports::exact::comparison::Report;
use authlab_reports::exact::{Counts, reading};

/// What was typed.
#[derive(clap::Args)]
pub struct Arguments {
    /// Make what is counted the baseline
    #[arg(long)]
    accept: bool,
    /// The baseline
    #[arg(long, value_name = "FILE", default_value = "bench/exact.json")]
    against: PathBuf,
}

/// Neither the tests' profile, whose code nobody runs, nor the release's, whose link takes a minute a binary.
const PROFILE: [&str; 2] = ["--profile", "exact"];
const PACKAGE: [&str; 2] = ["--package", "authlab-bench"];
const INSTRUCTIONS: &str = "exact";
const ALLOCATIONS: &str = "allocations";

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let path = &arguments.against;
    // What is wrong with it is said before minutes are spent.
    let base = match Counts::read(path) {
        Ok(base) => Some(base),
        Err(_) if arguments.accept => None,
        Err(error) => return Err(error.into()),
    };
    let toolchain = tools::toolchain()?;
    build()?;
    let instructions = said(INSTRUCTIONS, &["--output-format=json"])?;
    let allocations = said(ALLOCATIONS, &[])?;
    let now = Counts::new(toolchain, reading::read(&instructions, &allocations)?);
    if arguments.accept {
        now.write(path)?;
        let against = base.and_then(|base| Report::of(&base, &now).ok());
        if let Some(comparison) = against {
            output::document(&comparison.document());
        }
        let (cases, path) = (now.cases.len(), path.display());
        output::line(format_args!("{path}: {cases} cases are the baseline"));
        return Ok(ExitCode::SUCCESS);
    }
    let base = base.context("there is no baseline")?;
    let comparison = Report::of(&base, &now)?;
    output::document(&comparison.document());
    Ok(ExitCode::from(comparison.outcome().exit_code()))
}

/// Shows what cargo has to say: the first build takes minutes.
fn build() -> anyhow::Result<()> {
    let status = cargo("build", &["--bench", INSTRUCTIONS, "--bench", ALLOCATIONS])?
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("what is counted does not build: cargo ended with {status}");
    }
    Ok(())
}

/// What a counter prints.
fn said(bench: &str, words: &[&str]) -> anyhow::Result<String> {
    let own = ["--quiet", "--bench", bench, "--"];
    let output = cargo("bench", &[&own, words].concat())?
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let error = said.lines().find(|line| line.contains("rror"));
        let error = error.unwrap_or("it said nothing of it").trim();
        bail!("`{bench}` could not count: {error}");
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// cargo, in an environment in which nobody's settings change what is built or how it is counted.
fn cargo(verb: &str, more: &[&str]) -> anyhow::Result<Command> {
    let words = [&["cargo", verb][..], &PROFILE, &PACKAGE, more].concat();
    let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    let launcher = Launcher::anywhere().context("cannot find the authlab binary")?;
    let mut cargo = launcher.command(&words);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let changes = ["GUNGRAUN_", "CARGO_PROFILE_", "VALGRIND_"];
        let builds = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CFLAGS"];
        let settings = changes.iter().any(|start| name.starts_with(start));
        if settings || builds.contains(&&*name) {
            cargo.env_remove(&*name);
        }
    }
    cargo.stdin(Stdio::null());
    Ok(cargo)
}
