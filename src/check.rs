//! `authlab check`: whether an authorization gate keeps its contract.

use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use authlab_check::contract::Contract;
use authlab_check::{Bounds, Options, Outcome, check, report};
use authlab_loadtest::interrupt;
use authlab_loadtest::plan::seed_from_clock;
use authlab_reports::duration;

use crate::output;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Contract of the gate, a TOML file
    #[arg(value_name = "CONTRACT")]
    contract: PathBuf,
    /// How long it may take
    #[arg(help_heading = "Bounds", long = "for", value_name = "TIME", default_value = "1m", value_parser = duration::parse)]
    time: Duration,
    /// Most requests a second
    #[arg(help_heading = "Bounds", long, value_name = "RATE", default_value_t = 200.0, value_parser = rate)]
    rate: f64,
    /// Most requests
    #[arg(
        help_heading = "Bounds",
        long,
        value_name = "COUNT",
        default_value_t = 10_000
    )]
    requests: u64,
    /// Go on after the first violation, until the bounds or ten violations
    #[arg(help_heading = "Bounds", long)]
    keep_going: bool,
    /// Seed of the histories [default: from the clock]
    #[arg(help_heading = "Bounds", long)]
    seed: Option<u64>,
    /// File for the result as JSON
    #[arg(help_heading = "Result", long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// File for the result as `JUnit` XML
    #[arg(help_heading = "Result", long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// File for the result as SARIF, for code scanning
    #[arg(help_heading = "Result", long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Beginning of the names of files that replay the violations: NAME-1.toml
    #[arg(help_heading = "Result", long, value_name = "NAME")]
    replay: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    interrupt::install().context("cannot take SIGINT and SIGTERM")?;
    let contract = Contract::read(&arguments.contract)?;
    let options = Options {
        seed: arguments.seed.unwrap_or_else(seed_from_clock),
        bounds: Bounds {
            rate: arguments.rate,
            requests: arguments.requests,
            time: arguments.time,
        },
        keeps_going: arguments.keep_going,
    };
    if std::io::stderr().is_terminal() {
        output::note(format_args!(
            "checking {} for at most {:?} and {} requests, seed {}",
            contract.base, arguments.time, arguments.requests, options.seed
        ));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(check(&contract, options))?;
    written(arguments, &contract, &outcome)?;
    output::write(&report::text(&outcome));
    Ok(ExitCode::from(outcome.exit_code))
}

/// Writes the files that were asked for.
fn written(arguments: &Arguments, contract: &Contract, outcome: &Outcome) -> anyhow::Result<()> {
    if let Some(file) = &arguments.json {
        write(file, &report::json(outcome)?)?;
    }
    if let Some(file) = &arguments.junit {
        write(file, &report::junit(outcome)?)?;
    }
    if let Some(file) = &arguments.sarif {
        write(file, &report::sarif(outcome)?)?;
    }
    if let Some(beginning) = &arguments.replay {
        for (number, violation) in outcome.violations.iter().enumerate() {
            let file = format!("{}-{}.toml", beginning.display(), number + 1);
            write(Path::new(&file), &report::replay(&contract.text, violation))?;
        }
    }
    Ok(())
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// A rate of more than none.
fn rate(text: &str) -> Result<f64, String> {
    let rate = text
        .parse()
        .ok()
        .filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| format!("`{text}` is not a rate; use requests a second, e.g. 50"))
}
