//! `authlab load`: one server measured without a scenario file, as with the one-line tools people know.

mod file;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
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
    #[arg(long)]
    rate: Option<f64>,
    /// Spread of planned requests: uniform or poisson
    #[arg(long, requires = "rate")]
    spacing: Option<String>,
    /// Time that a closed user waits after an answer
    #[arg(long, conflicts_with = "rate", value_parser = time)]
    think: Option<String>,
    /// How long
    #[arg(short, long, default_value = "10s", value_parser = time)]
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
