//! `authlab load`: one server measured without a scenario file, as with the one-line tools people know.

mod file;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use authlab_loadtest::duration::{self, NotADuration};
use authlab_loadtest::origin::Origin;
use authlab_loadtest::scenario::{Scenario, ScenarioError};

use crate::run::{self, conduct_and_show};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Server, perhaps with the path to ask for: `http://127.0.0.1:8080/items/` or `https://…`
    url: String,
    /// Path to get, or to send --method and --data to; several are asked for in turn [default: /]
    #[arg(long, value_name = "PATH")]
    get: Vec<String>,
    /// Method [default: GET; with --data POST]
    #[arg(short = 'X', long, value_parser = method)]
    method: Option<String>,
    /// Body of each request, or @FILE to read it from
    #[arg(long, value_name = "TEXT|@FILE")]
    data: Option<String>,
    /// Header, e.g. 'authorization: Bearer …'
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Statuses that count as an answer, e.g. 200,401 [default: any 2xx]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u16).range(100..=599))]
    expect: Vec<u16>,
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
    /// How long to wait for an answer after the end
    #[arg(long, default_value = "10s", value_parser = time)]
    timeout: String,
    #[command(flatten)]
    common: run::Common,
}

/// Where the requests go, and what they carry.
struct Target {
    origin: Origin,
    paths: Vec<String>,
    method: String,
    /// Name and value of each header.
    headers: Vec<(String, String)>,
    body: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let target = target(arguments)?;
    let text = file::scenario(arguments, &target)?;
    let scenario =
        Scenario::parse("authlab load", &text, "quick").map_err(|error| match error {
            // The line is of a file that nobody has written.
            ScenarioError::Refused { what, .. } => anyhow!(what),
            unreadable @ ScenarioError::Unreadable { .. } => unreadable.into(),
        })?;
    conduct_and_show(&scenario, &arguments.common, words::of(arguments))
}

/// What is checked here is what a scenario would say in words that do not fit a command line.
fn target(arguments: &Arguments) -> anyhow::Result<Target> {
    let (origin, path) = Origin::parse(&arguments.url)?;
    let paths = match (path.as_str(), arguments.get.as_slice()) {
        ("/", []) => vec![path],
        ("/", paths) => paths.to_vec(),
        (_, []) => vec![path],
        _ => bail!("the path is in the url or in --get, not both"),
    };
    if let Some(path) = paths.iter().find(|path| !path.starts_with('/')) {
        bail!("--get {path}: a path begins with `/`");
    }
    if arguments.ca.is_some() && !origin.secure {
        bail!("--ca is of TLS: use it with an https:// url");
    }
    let body = arguments.data.as_deref().map(body).transpose()?;
    let default_method = if body.is_some() { "POST" } else { "GET" };
    Ok(Target {
        origin,
        paths,
        method: arguments
            .method
            .clone()
            .unwrap_or_else(|| default_method.to_owned()),
        headers: headers(&arguments.headers)?,
        body,
    })
}

/// Names and values. What is wrong with one may be a secret in the wrong place: it is not repeated.
fn headers(typed: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for header in typed {
        let (name, value) = header
            .split_once(':')
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
            .filter(|(name, _)| is_header_name(name))
            .context("-H: write a header as 'name: value'")?;
        if headers.iter().any(|(known, _)| *known == name) {
            bail!("-H: header `{name}` is there already");
        }
        headers.push((name, value.to_owned()));
    }
    Ok(headers)
}

/// A token (RFC 9110, section 5.6.2).
fn is_header_name(text: &str) -> bool {
    let marks = b"!#$%&'*+-.^_`|~";
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || marks.contains(&b))
}

fn body(data: &str) -> anyhow::Result<String> {
    match data.strip_prefix('@') {
        None => Ok(data.to_owned()),
        Some(file) => std::fs::read_to_string(file).with_context(|| format!("--data @{file}")),
    }
}

fn method(text: &str) -> Result<String, &'static str> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphabetic()) {
        Ok(text.to_ascii_uppercase())
    } else {
        Err("a method is letters, e.g. POST")
    }
}

fn time(text: &str) -> Result<String, NotADuration> {
    duration::parse(text).map(|_| text.to_owned())
}
