//! `authlab prove ceiling`: how many requests a second the generator sends from one core, all recording
//! on, closed and open, beside wrk on the same core, in turn, against the same server.

use std::process::ExitCode;

use anyhow::{Context, bail};
use authlab_loadtest::{interrupt, output};
use authlab_reports::order_statistics::Estimate;
use authlab_reports::quantity;
use authlab_reports::run::Tool;

use crate::beside::{Asked, Bench, Measure};

/// What was typed.
#[derive(clap::Args)]
pub struct Arguments {
    /// Rounds; in each all are measured once, in turning order
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Connections of each
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    connections: u32,
    /// Seconds a measurement
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Exit 1 when a median ratio is lower
    #[arg(long, value_parser = crate::share)]
    at_least: Option<f64>,
}

/// Two-sided.
const ALPHA: f64 = 0.05;
const EXIT_BELOW: u8 = 1;
/// More than any core sends.
const FLOOD_PER_S: f64 = 1e6;

pub(crate) fn run(arguments: &Arguments, tool: &Tool) -> anyhow::Result<ExitCode> {
    interrupt::install().context("cannot take SIGINT and SIGTERM")?;
    let [closed, open] = measure(arguments, tool)?;
    let mut below = false;
    for (name, ratios) in [("closed", closed), ("open", open)] {
        let Some(ratio) = Estimate::of(&ratios, ALPHA) else {
            bail!("no round was measured");
        };
        output::line(format_args!(
            "{name}: median ratio {:.3}{}",
            ratio.median,
            interval(&ratio)
        ));
        below |= arguments.at_least.is_some_and(|least| ratio.median < least);
    }
    Ok(if below {
        ExitCode::from(EXIT_BELOW)
    } else {
        ExitCode::SUCCESS
    })
}

/// Ratios to wrk, closed and open, by round.
fn measure(arguments: &Arguments, tool: &Tool) -> anyhow::Result<[Vec<f64>; 2]> {
    let bench = Bench::allow_all(tool)?;
    output::line(format_args!(
        "allow-all on cores {:?}, generator on {:?}, {} connections, {} s each",
        bench.cores.server, bench.cores.generator, arguments.connections, arguments.seconds
    ));
    output::line(format_args!(
        "round    closed/s     open/s      wrk/s   closed    open"
    ));
    let mut ratios = [Vec::new(), Vec::new()];
    for round in 1..=arguments.rounds {
        let asked = |asked| Measure {
            path: "/items/",
            connections: arguments.connections,
            seconds: arguments.seconds,
            asked,
        };
        let mut rates = [0.0; 3];
        for turn in 0..3 {
            let which = (turn + round as usize) % 3;
            rates[which] = match which {
                0 => bench.ours(asked(Asked::Closed))?,
                1 => bench.ours(asked(Asked::Open(FLOOD_PER_S)))?,
                _ => bench.wrk(asked(Asked::Closed))?,
            }
            .per_second;
        }
        let [closed, open, wrk] = rates;
        let shown = |rate: f64| quantity::grouped(rate.round() as u64);
        output::line(format_args!(
            "{round:>5}  {:>10} {:>10} {:>10}    {:.3}   {:.3}",
            shown(closed),
            shown(open),
            shown(wrk),
            closed / wrk,
            open / wrk
        ));
        ratios[0].push(closed / wrk);
        ratios[1].push(open / wrk);
    }
    Ok(ratios)
}

fn interval(estimate: &Estimate) -> String {
    match &estimate.interval {
        Some(interval) => format!(
            ", interval {:.3} … {:.3} ({:.1} % of such intervals hold the true median)",
            interval.low,
            interval.high,
            interval.coverage * 100.0
        ),
        None => String::new(),
    }
}
