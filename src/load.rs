//! `authlab load`: one server measured without a scenario file, as with the one-line tools people know.

mod file;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use authlab_loadtest::arrivals::MOST_PER_SECOND;
use authlab_loadtest::duration::{self, NotADuration};
use authlab_loadtest::origin::Origin;

use crate::requests::{self, Asked, Requests};
use crate::run::{self, conduct_and_show};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Server, perhaps with the path to ask for: `http://127.0.0.1:8080/items/` or `https://…`
    url: String,
    #[command(flatten)]
    requests: Requests,
    /// PEM file of the authorities that the server's certificate may come from [default: the system's]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// HTTP/2: over TLS by ALPN, in the clear known beforehand
    #[arg(long)]
    http2: bool,
    /// Users: as many requests can be under way [default: 1; with --rate 100]
    #[arg(long)]
    users: Option<usize>,
    /// Requests a second, planned whether or not a user is free [default: closed users]
    #[arg(long, value_parser = rate)]
    rate: Option<f64>,
    /// Spread of planned requests: uniform or poisson
    #[arg(long, requires = "rate")]
    spacing: Option<String>,
    /// Time that a closed user waits after an answer
    #[arg(long, conflicts_with = "rate", value_parser = time)]
    think: Option<String>,
    /// How long
    #[arg(short, long, default_value = "10s", value_parser = time_of_slices)]
    duration: String,
    /// How long before measuring at most
    #[arg(long, default_value = "1s", value_parser = time)]
    warm_up: String,
    /// How long an answer may take: a request that takes longer has failed
    #[arg(long, default_value = "10s", value_parser = time)]
    timeout: String,
    #[command(flatten)]
    common: run::Common,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (origin, asked) = target(arguments)?;
    let text = file::scenario(arguments, &origin, &asked)?;
    let scenario = requests::scenario("authlab load", &text)?;
    conduct_and_show(&scenario, &arguments.common, words::of(arguments))
}

/// Where the requests go. What is checked here is what a scenario would say in words that do not fit
/// a command line.
fn target(arguments: &Arguments) -> anyhow::Result<(Origin, Asked)> {
    let (origin, path) = Origin::parse(&arguments.url)?;
    let asked = arguments.requests.asked(&path)?;
    if arguments.ca.is_some() && !origin.secure {
        bail!("--ca is of TLS: use it with an https:// url");
    }
    Ok((origin, asked))
}

pub(crate) fn time(text: &str) -> Result<String, NotADuration> {
    duration::parse(text).map(|_| text.to_owned())
}

/// Slices that the time is divided into: one block.
pub(crate) const SLICES: u32 = 2;

/// A time that can be divided into [`SLICES`].
fn time_of_slices(text: &str) -> Result<String, String> {
    let time = duration::parse(text).map_err(|error| error.to_string())?;
    if (time / SLICES).as_micros() == 0 {
        return Err(format!(
            "`{text}` is too short: it is divided into {SLICES} slices; write {SLICES}us or more"
        ));
    }
    Ok(text.to_owned())
}

/// A rate that a load can have. What is not a number, endless or rounded to 0 is none.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate| (LEAST_PER_SECOND..=MOST_PER_SECOND).contains(rate))
        .ok_or_else(|| {
            format!("a rate is more than 0, at least {LEAST_PER_SECOND} and at most {MOST_PER_SECOND} requests a second")
        })
}

/// A request a day.
const LEAST_PER_SECOND: f64 = 0.000_01;

/// A share that a verb's exit code depends on.
pub(crate) fn share(text: &str) -> Result<f64, &'static str> {
    text.parse()
        .ok()
        .filter(|share: &f64| share.is_finite() && *share >= 0.0)
        .ok_or("a share is a number from 0, e.g. 0.9")
}
