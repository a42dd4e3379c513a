//! `authlab load`: one server measured without a scenario file, as with the one-line tools people know.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use authlab_loadtest::arrivals::per_second;
use authlab_loadtest::origin::Origin;
use authlab_loadtest::protocol::Trust;
use authlab_loadtest::scenario::tables::{LoadTable, ProfileTable, Tables, Typed, VariantTable};
use authlab_loadtest::scenario::{Scenario, Target};
use authlab_reports::duration;
use clap::ArgMatches;

use crate::output;
use crate::requests::{self, Requests};
use crate::run::{self, conduct_and_show};
use crate::words::{self, Confidential};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Server, perhaps with the path to ask for: `http://127.0.0.1:8080/items/`, `https://…` or `host:port`
    #[arg(value_parser = Confidential::url)]
    url: Confidential,
    #[command(flatten, next_help_heading = "Requests")]
    sent: Requests,
    /// PEM file of the authorities that the server's certificate may come from [default: the system's]
    #[arg(help_heading = "Connection", long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Do not verify the server's certificate; the report says so
    #[arg(help_heading = "Connection", short = 'k', long, conflicts_with = "ca")]
    insecure: bool,
    /// HTTP/2: over TLS by ALPN, without TLS from the first byte
    #[arg(help_heading = "Connection", long)]
    http2: bool,
    /// Users who share one connection: as many requests are under way on it [default: 1]
    #[arg(
        help_heading = "Connection",
        long,
        requires = "http2",
        value_name = "USERS"
    )]
    streams: Option<usize>,
    /// Users: as many requests can be under way [default: 1, or 100 with --rate]
    #[arg(
        help_heading = "Load",
        short = 'c',
        long,
        visible_alias = "connections"
    )]
    users: Option<usize>,
    /// Requests a second, scheduled whether or not a user is free; each goes to one of the paths, at random [default: a
    /// closed model]
    #[arg(help_heading = "Load", long, value_parser = per_second)]
    rate: Option<f64>,
    /// Spread of planned requests: uniform or poisson [default: uniform]
    #[arg(help_heading = "Load", long, requires = "rate")]
    spacing: Option<String>,
    /// Time that a closed user waits after an answer
    #[arg(help_heading = "Load", long, conflicts_with = "rate", value_parser = duration::typed)]
    think: Option<String>,
    /// How long, in seconds where no unit is given [default: 10s; with --requests until they are made]
    #[arg(help_heading = "Load", short, long, value_parser = duration::typed_or_seconds)]
    duration: Option<String>,
    /// Stop after so many requests
    #[arg(help_heading = "Load", short = 'n', long, conflicts_with = "rate", value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,
    /// How long before measuring at most; 0s leaves it out
    #[arg(help_heading = "Load", long, default_value = "1s", value_parser = duration::typed_or_zero)]
    warm_up: String,
    /// How long an answer may take: a request that takes longer has failed
    #[arg(help_heading = "Load", long, default_value = "10s", value_parser = duration::typed)]
    timeout: String,
    #[command(flatten)]
    common: run::Common,
}

pub(crate) fn run(arguments: &Arguments, typed: &ArgMatches) -> anyhow::Result<ExitCode> {
    let scenario = scenario(arguments)?;
    let words = words::of::<Arguments>("load", typed, &words::ids::<run::Common>());
    conduct_and_show(&scenario, &arguments.common, words)
}

/// One variant and one load.
fn scenario(arguments: &Arguments) -> anyhow::Result<Scenario> {
    let (origin, path) = Origin::parse(&requests::with_scheme(&arguments.url.text))?;
    let steps = arguments.sent.steps(&path)?;
    // A scenario would say this in words that do not fit a command line.
    if arguments.ca.is_some() && !origin.secure {
        bail!("--ca is of TLS: use it with an https:// url");
    }
    if arguments.insecure && !origin.secure {
        bail!("--insecure is of TLS: use it with an https:// url");
    }
    let ca = arguments.ca.as_deref().map(|ca| {
        let ca = ca.to_str().context("--ca: the file's name is not text");
        ca.map(Typed::from)
    });
    let url = origin.to_string();
    let variant = VariantTable {
        name: "server".into(),
        label: Some(url.clone()),
        url: Some(url.as_str().into()),
        http: arguments.http2.then(|| "2".into()),
        ca: ca.transpose()?,
        ..VariantTable::default()
    };
    let duration = match (&arguments.duration, arguments.requests) {
        (Some(duration), _) => duration,
        (None, Some(_)) => LONGEST,
        (None, None) => DURATION,
    };
    // A closed user goes from path to path; an arrival is one request.
    let (journey, journeys) = match arguments.rate {
        Some(_) if steps.len() > 1 => (None, Some(requests::journeys(&steps))),
        _ => (Some(requests::journey(&steps)), None),
    };
    let load = LoadTable {
        name: "load".into(),
        users: match (arguments.users, arguments.rate) {
            (Some(users), _) => users,
            (None, Some(_)) => OPEN_USERS,
            (None, None) => 1,
        }
        .into(),
        streams: arguments.streams.map(Typed::from),
        rate: arguments.rate.map(Typed::from),
        spacing: arguments.spacing.clone().map(Typed::from),
        think: arguments.think.clone().map(Typed::from),
        timeout: Some(arguments.timeout.as_str().into()),
        journey,
        journeys,
        profile: ProfileTable {
            blocks: 1.into(),
            slice: duration.into(),
            warm_up: Some(arguments.warm_up.as_str().into()),
            ..ProfileTable::default()
        }
        .only(),
        ..LoadTable::default()
    };
    let tables = Tables {
        name: "load".into(),
        question: format!("How does {url} answer?"),
        variant: vec![variant],
        step: steps,
        load: vec![load],
        ..Tables::default()
    };
    let mut scenario = Scenario::of("authlab load", &tables)?;
    for load in &mut scenario.loads {
        load.continuous = true;
        load.requests = arguments.requests;
    }
    if arguments.insecure {
        for variant in &mut scenario.variants {
            if let Target::Url { protocol, .. } = &mut variant.target {
                protocol.tls = Some(Trust::Any);
                variant.gives_up.push(UNVERIFIED.to_owned());
            }
        }
        output::note(format_args!("warning: {UNVERIFIED}"));
    }
    Ok(scenario)
}

/// What a run with `--insecure` says.
const UNVERIFIED: &str = "the server's certificate is not verified (--insecure)";

/// How long, when nothing else is said.
const DURATION: &str = "10s";
/// How long at most, where requests are counted: a day.
const LONGEST: &str = "1440m";

/// In flight at once, when nothing else is said: what a rate needs is not known before.
const OPEN_USERS: usize = 100;
