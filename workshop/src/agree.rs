//! `authlab prove agree`: `service` at p50 and p99 beside wrk (closed, the same connections) and oha
//! (open, the same rate), on the same server, in turn.

use std::process::ExitCode;

use anyhow::Context;
use authlab_loadtest::arrivals::per_second;
use authlab_loadtest::{interrupt, output};
use authlab_reports::duration;
use authlab_reports::order_statistics::median;
use authlab_reports::quantity;
use authlab_reports::run::Tool;

use crate::beside::{Asked, Bench, Measure, Said};

/// What was typed.
#[derive(clap::Args)]
pub struct Arguments {
    /// Rounds; in each all are measured once, in turning order
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Connections of each
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    connections: u32,
    /// Requests a second, beside oha
    #[arg(long, default_value_t = 500.0, value_parser = per_second)]
    rate: f64,
    /// Time that the server takes for an answer
    #[arg(long, default_value = "5ms")]
    delay: String,
    /// Seconds a measurement
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Exit 1 when a median on the server that takes its time differs by a greater share
    #[arg(long, value_parser = crate::share)]
    within: Option<f64>,
}

const EXIT_BEYOND: u8 = 1;

pub(crate) fn run(arguments: &Arguments, tool: &Tool) -> anyhow::Result<ExitCode> {
    interrupt::install().context("cannot take SIGINT and SIGTERM")?;
    duration::parse(&arguments.delay)?;
    output::line(format_args!(
        "medians of {} rounds of {} s, in turn            authlab      other   ratio  (rounds)",
        arguments.rounds, arguments.seconds
    ));
    // Here the server's time is what there is to tell.
    let delayed = Bench::taking("--delay", &arguments.delay, tool)?;
    let heading = format!("{} delay", arguments.delay);
    let worst = table(arguments, &heading, &delayed, "/")?;
    drop(delayed);
    // Shown, not judged. Requests that wait for one another tell how a tool spreads them; against
    // a fast server a good part of the time is each tool's own.
    table(
        arguments,
        "1ms work",
        &Bench::taking("--work", "1ms", tool)?,
        "/",
    )?;
    table(arguments, "allow-all", &Bench::allow_all(tool)?, "/items/")?;
    let beyond = arguments.within.is_some_and(|most| worst > most);
    Ok(if beyond {
        ExitCode::from(EXIT_BEYOND)
    } else {
        ExitCode::SUCCESS
    })
}

/// Beside wrk and oha on one server; the greatest share by which a median differs.
fn table(arguments: &Arguments, server: &str, bench: &Bench, path: &str) -> anyhow::Result<f64> {
    let closed = Measure {
        path,
        connections: arguments.connections,
        seconds: arguments.seconds,
        asked: Asked::Closed,
    };
    let open = Measure {
        asked: Asked::Open(arguments.rate),
        // As many as it takes for none to wait.
        connections: OPEN_CONNECTIONS,
        ..closed
    };
    let beside_wrk = rounds(arguments, || bench.ours(closed), || bench.wrk(closed))?;
    let heading = format!("{server}, {} connections, wrk", arguments.connections);
    let worst = show(&heading, &beside_wrk);
    let beside_oha = rounds(arguments, || bench.ours(open), || bench.oha(open))?;
    let heading = format!("{server}, {}/s, oha", arguments.rate);
    Ok(worst.max(show(&heading, &beside_oha)))
}

const OPEN_CONNECTIONS: u32 = 16;

/// Ours and the other's, by round, each first in turn.
fn rounds(
    arguments: &Arguments,
    ours: impl Fn() -> anyhow::Result<Said>,
    other: impl Fn() -> anyhow::Result<Said>,
) -> anyhow::Result<Vec<(Said, Said)>> {
    (0..arguments.rounds)
        .map(|round| {
            if round % 2 == 0 {
                let ours = ours()?;
                Ok((ours, other()?))
            } else {
                let other = other()?;
                Ok((ours()?, other))
            }
        })
        .collect()
}

/// Prints the medians; gives the greatest share by which they differ.
fn show(heading: &str, said: &[(Said, Said)]) -> f64 {
    let mut worst: f64 = 0.0;
    for name in ["p50", "p99"] {
        let of = |said: &Said| match name {
            "p50" => said.p50_ns,
            _ => said.p99_ns,
        };
        let ours = median(said.iter().map(|(ours, _)| of(ours)).collect()).unwrap_or_default();
        let other = median(said.iter().map(|(_, other)| of(other)).collect()).unwrap_or_default();
        let each: Vec<String> = said
            .iter()
            .map(|(ours, other)| format!("{:.2}", of(ours) / of(other)))
            .collect();
        output::line(format_args!(
            "{heading:<34} {name}  {:>9}  {:>9}   {:.3}  ({})",
            quantity::duration(ours),
            quantity::duration(other),
            ours / other,
            each.join(" ")
        ));
        worst = worst.max((ours / other - 1.0).abs());
    }
    worst
}
