//! `authlab calibrate-gate`: how often the duel cries wolf on this machine, and what it finds.
//!
//! Blocks recorded once are judged in windows as duels, beside what people use instead; then real
//! duels are fought, on a quiet machine and beside a busy neighbour. What it found is kept as it goes.

mod binaries;
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
use authlab_loadtest::interrupt;
use authlab_reports::quantity;

use crate::output;
use crate::run::{calibration, seed_from_clock, tool};
use report::Gate;
use servers::Injected;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Blocks of the reference server against itself that are recorded and judged in windows
    #[arg(long, default_value_t = 1500)]
    blocks: usize,
    /// Blocks with injected costs of 3, 5 and 10 % that are recorded and judged in windows
    #[arg(long, default_value_t = 700)]
    power_blocks: usize,
    /// Live duels of the reference server against itself
    #[arg(long, default_value_t = 59)]
    live: usize,
    /// The same beside another process that is busy in bursts
    #[arg(long, default_value_t = 30)]
    disturbed: usize,
    /// Live duels against an injected cost of 10 %, and as many of 5 %
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

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    interrupt::install().context("cannot take SIGINT and SIGTERM")?;
    let cores = Cores::split();
    let bench = Bench {
        order: Order {
            authlab: std::env::current_exe().context("cannot find the authlab binary")?,
            runs: arguments.runs.clone(),
            command: vec!["authlab".to_owned(), "calibrate-gate".to_owned()],
            tool: tool(),
            seed: arguments.seed.unwrap_or_else(seed_from_clock),
            calibration: calibration(&arguments.runs, &cores)?,
            cores,
            shard: None,
            duel: None,
            instructions: None,
            watched: false,
        },
        keep: arguments.keep,
    };
    let mut gate = Gate::begin(&bench.order);
    let kept = |gate: &Gate| gate.keep(&arguments.out);
    if arguments.blocks > 0 {
        output::note(format_args!(
            "recording {} blocks of the same server twice",
            arguments.blocks
        ));
        gate.same = Some(recorded::same(&bench, arguments.blocks)?);
        kept(&gate)?;
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
    if let Some(injected) = injected.as_ref().filter(|_| arguments.power_blocks > 0) {
        output::note(format_args!(
            "recording {} blocks with injected costs",
            arguments.power_blocks
        ));
        gate.injected = recorded::injected(&bench, injected, arguments.power_blocks)?;
        kept(&gate)?;
    }
    if arguments.live > 0 {
        output::note(format_args!(
            "{} live duels of the same server",
            arguments.live
        ));
        gate.live = Some(live::same(&bench, arguments.live)?);
        kept(&gate)?;
    }
    if arguments.disturbed > 0 {
        output::note(format_args!(
            "{} live duels beside a busy neighbour",
            arguments.disturbed
        ));
        let neighbour = neighbour::Neighbour::start(&bench.order)?;
        gate.disturbed = Some(live::same(&bench, arguments.disturbed)?);
        drop(neighbour);
        kept(&gate)?;
    }
    if !arguments.layouts.is_empty() {
        output::note(format_args!("{} layouts", arguments.layouts.len()));
        gate.layouts = Some(binaries::fight(&bench, &arguments.layouts)?);
        kept(&gate)?;
    }
    for share in [0.10, 0.05] {
        let Some(injected) = injected.as_ref().filter(|_| arguments.power > 0) else {
            break;
        };
        output::note(format_args!(
            "{} live duels against {}",
            arguments.power,
            quantity::share(share)
        ));
        gate.live_injected
            .push(live::injected(&bench, injected, share, arguments.power)?);
        kept(&gate)?;
    }
    gate.end();
    kept(&gate)?;
    output::write(&gate.text());
    output::line(format_args!(
        "kept: {}",
        arguments.out.join("GATE.md").display()
    ));
    Ok(ExitCode::SUCCESS)
}
