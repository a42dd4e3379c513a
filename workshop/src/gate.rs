//! `authlab prove calibrate-gate`: how often the duel cries wolf on this machine, and what it finds.
//!
//! Blocks recorded once are judged in windows as duels, beside what people use instead; then real
//! duels are fought, on a quiet machine and beside a busy neighbour. What it found is kept as it goes.

pub(crate) mod bisect;
mod live;
mod neighbour;
mod recorded;
mod report;
mod rivals;
mod servers;
mod windows;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use authlab_loadtest::conductor::Order;
use authlab_loadtest::cores::Cores;
use authlab_loadtest::plan::seed_from_clock;
use authlab_loadtest::{calibrate, interrupt, output};
use authlab_reports::quantity;
use authlab_reports::run::Tool;

use report::{Gate, Live};
use servers::Injected;

/// What was typed.
#[derive(clap::Args)]
pub struct Arguments {
    /// Blocks of the reference server against itself that are recorded and judged in windows
    #[arg(long, default_value_t = 1500)]
    blocks: usize,
    /// Blocks with an injected cost of 10 % that are recorded and judged in windows, and a third as many
    /// of each other cost
    #[arg(long, default_value_t = 1500)]
    power_blocks: usize,
    /// Costs to inject, percent of a request's time
    #[arg(long, value_name = "PERCENT", value_delimiter = ',', default_value = "3,5,10",
        value_parser = clap::value_parser!(u8).range(1..=100))]
    costs: Vec<u8>,
    /// Live duels of the reference server against itself
    #[arg(long, default_value_t = 59)]
    live: usize,
    /// The same beside another process that is busy in bursts
    #[arg(long, default_value_t = 30)]
    disturbed: usize,
    /// Live duels against each injected cost but 3 %
    #[arg(long, default_value_t = 20)]
    power: usize,
    /// Other builds of this binary: each is fought against this one (`make calibrate-gate` links ten of another layout)
    #[arg(long, value_name = "BINARY", num_args = 1..)]
    layouts: Vec<PathBuf>,
    /// Folder that gate.json and GATE.md are written to
    #[arg(long, default_value = "reports/published/gate")]
    out: PathBuf,
    /// Folder that run folders are made in, and removed from
    #[arg(long, default_value = "reports/runs")]
    runs: PathBuf,
    /// Go on with the calibration kept in --out: what is measured now takes the place of what was
    /// recorded there, live duels are added to those that were fought
    #[arg(long)]
    resume: bool,
    /// Keep the recorded runs
    #[arg(long)]
    keep: bool,
    /// Seed of every random choice [default: from the clock]
    #[arg(long)]
    seed: Option<u64>,
}

/// What every phase needs.
struct Bench {
    order: Order,
    keep: bool,
}

pub(crate) fn run(arguments: &Arguments, tool: &Tool) -> anyhow::Result<ExitCode> {
    interrupt::install().context("cannot take SIGINT and SIGTERM")?;
    let cores = Cores::split();
    let bench = Bench {
        order: Order {
            authlab: std::env::current_exe().context("cannot find the authlab binary")?,
            runs: arguments.runs.clone(),
            command: ["authlab", "prove", "calibrate-gate"]
                .map(str::to_owned)
                .to_vec(),
            tool: tool.clone(),
            seed: arguments.seed.unwrap_or_else(seed_from_clock),
            calibration: calibrate::found(&arguments.runs, &cores)?,
            cores,
            shard: None,
            awake: true,
            duel: None,
            instructions: None,
            watched: false,
        },
        keep: arguments.keep,
    };
    let mut gate = if arguments.resume {
        Gate::resume(&bench.order, &arguments.out)?
    } else {
        Gate::begin(&bench.order)
    };
    if arguments.blocks > 0 {
        output::note(format_args!(
            "recording {} blocks of the same server twice",
            arguments.blocks
        ));
        gate.same = Some(recorded::same(&bench, arguments.blocks)?);
        gate.keep(&arguments.out)?;
    }
    let injected = if arguments.power_blocks > 0 || arguments.power > 0 {
        let injected = Injected::measured(&bench)?;
        output::note(format_args!(
            "a request takes {}; injecting shares of it",
            quantity::duration(injected.p50_ns)
        ));
        Some(injected)
    } else {
        None
    };
    for &cost in &arguments.costs {
        let Some(injected) = injected.as_ref().filter(|_| arguments.power_blocks > 0) else {
            break;
        };
        let blocks = match cost {
            10 => arguments.power_blocks,
            _ => arguments.power_blocks.div_ceil(3),
        };
        output::note(format_args!(
            "recording {blocks} blocks with {cost} % injected"
        ));
        gate.recorded_against(recorded::injected(&bench, injected, share(cost), blocks)?);
        gate.keep(&arguments.out)?;
    }
    fight(arguments, &bench, injected.as_ref(), &mut gate)?;
    gate.end();
    gate.keep(&arguments.out)?;
    output::write(&gate.text());
    output::line(format_args!(
        "kept: {}",
        arguments.out.join("GATE.md").display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// The live duels, each kept as soon as it is fought.
fn fight(
    arguments: &Arguments,
    bench: &Bench,
    injected: Option<&Injected>,
    gate: &mut Gate,
) -> anyhow::Result<()> {
    if arguments.live > 0 {
        output::note(format_args!(
            "{} live duels of the same server",
            arguments.live
        ));
    }
    for number in 0..arguments.live {
        Live::add(&mut gate.live, live::same(bench, number)?);
        gate.keep(&arguments.out)?;
    }
    if arguments.disturbed > 0 {
        output::note(format_args!(
            "{} live duels beside a busy neighbour",
            arguments.disturbed
        ));
        let _neighbour = neighbour::Neighbour::start(&bench.order)?;
        for number in 0..arguments.disturbed {
            Live::add(&mut gate.disturbed, live::same(bench, number)?);
            gate.keep(&arguments.out)?;
        }
    }
    if let [first, others @ ..] = arguments.layouts.as_slice() {
        output::note(format_args!("{} other layouts", others.len()));
        for (number, other) in others.iter().enumerate() {
            let fought = live::layout(bench, [first, other], number)?;
            Live::add(&mut gate.layouts, fought);
            gate.keep(&arguments.out)?;
        }
    }
    for &cost in arguments.costs.iter().rev().filter(|&&cost| cost != 3) {
        let Some(injected) = injected.filter(|_| arguments.power > 0) else {
            break;
        };
        output::note(format_args!(
            "{} live duels against {cost} %",
            arguments.power
        ));
        for number in 0..arguments.power {
            let fought = live::injected(bench, injected, share(cost), number)?;
            gate.fought_against(share(cost), fought);
            gate.keep(&arguments.out)?;
        }
    }
    Ok(())
}

fn share(percent: u8) -> f64 {
    f64::from(percent) / 100.0
}
