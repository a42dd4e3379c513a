//! `authlab load`: one server measured without a scenario file, as with the one-line tools people know.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::bail;
use authlab_loadtest::duration;
use authlab_loadtest::scenario::Scenario;

use crate::run::{self, conduct_and_show};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Server: `http://127.0.0.1:8080`
    url: String,
    /// Path to get; several are asked for in turn
    #[arg(long, default_value = "/")]
    get: Vec<String>,
    /// Header, e.g. 'authorization: Bearer …'
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// Users: as many requests can be under way [default: 1; with --rate 100]
    #[arg(long)]
    users: Option<usize>,
    /// Requests a second, planned whether or not a user is free [default: closed users]
    #[arg(long)]
    rate: Option<f64>,
    /// Spread of planned requests: uniform or poisson
    #[arg(long, requires = "rate")]
    spacing: Option<String>,
    /// How long
    #[arg(short, long, default_value = "10s")]
    duration: String,
    #[command(flatten)]
    common: run::Common,
}

/// In flight at once, when nothing else is said: what a rate needs is not known before.
const OPEN_USERS: usize = 100;

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let scenario = Scenario::parse("authlab load", &scenario(arguments)?, "quick")?;
    conduct_and_show(&scenario, &arguments.common, words(arguments))
}

/// The scenario that a file would hold.
fn scenario(arguments: &Arguments) -> anyhow::Result<String> {
    let mut text = format!(
        "name = \"load\"\nquestion = {question}\n\
         [[variant]]\nname = \"server\"\nlabel = {label}\nurl = {url}\n",
        label = quoted(&arguments.url),
        question = quoted(&format!("How does {} answer?", arguments.url)),
        url = quoted(&arguments.url),
    );
    let mut headers = String::new();
    for header in &arguments.headers {
        let Some((name, value)) = header.split_once(':') else {
            bail!("-H {header}: write a header as 'name: value'");
        };
        let _ = write!(
            headers,
            "{} = {}, ",
            quoted(name.trim()),
            quoted(value.trim())
        );
    }
    let mut journey = Vec::new();
    for (number, path) in arguments.get.iter().enumerate() {
        let name = format!("get-{}", number + 1);
        let _ = write!(
            text,
            "[[step]]\nname = \"{name}\"\nrequest = {}\nheaders = {{ {} }}\n",
            quoted(&format!("GET {path}")),
            headers.trim_end_matches(", ")
        );
        journey.push(format!("\"{name}\""));
    }
    let arrivals = match arguments.rate {
        Some(rate) => format!("rate = {rate:?}\n"),
        None => String::new(),
    };
    let spacing = match &arguments.spacing {
        Some(spacing) => format!("spacing = {}\n", quoted(spacing)),
        None => String::new(),
    };
    let users = arguments.users.unwrap_or(if arguments.rate.is_some() {
        OPEN_USERS
    } else {
        1
    });
    // A block is two slices.
    let slice = duration::parse(&arguments.duration)? / 2;
    let _ = write!(
        text,
        "[[load]]\nname = \"load\"\nusers = {users}\n{arrivals}{spacing}journey = [{}]\n\
         profile.quick = {{ blocks = 1, slice = \"{}us\", warm_up = \"1s\" }}\n",
        journey.join(", "),
        slice.as_micros()
    );
    Ok(text)
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The words that repeat it; a header may hold a secret, so its value stays out.
fn words(arguments: &Arguments) -> Vec<String> {
    let mut words = vec![
        "authlab".to_owned(),
        "load".to_owned(),
        arguments.url.clone(),
    ];
    for path in &arguments.get {
        words.extend(["--get".to_owned(), path.clone()]);
    }
    for header in &arguments.headers {
        let name = header.split(':').next().unwrap_or_default();
        words.extend(["-H".to_owned(), format!("{name}: …")]);
    }
    let options = [
        ("--users", arguments.users.map(|users| users.to_string())),
        ("--rate", arguments.rate.map(|rate| rate.to_string())),
        ("--spacing", arguments.spacing.clone()),
        ("--duration", Some(arguments.duration.clone())),
    ];
    for (option, value) in options {
        if let Some(value) = value {
            words.extend([option.to_owned(), value]);
        }
    }
    words
}
