//! `authlab prove calibrate-gate`: how often the duel raises a false alarm under noise, and what it finds.
//!
//! It is measured in pieces: under each noise blocks are recorded, which are judged in windows by the duel and by what
//! people use instead, and duels are fought. Each piece is kept as soon as it is there.

pub(crate) mod bisect;
mod concurrent;
mod live;
pub(crate) mod noise;
mod others;
mod piece;
mod recorded;
mod rivals;
mod servers;
mod table;
mod windows;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use authlab_loadtest::conductor::Order;
use authlab_loadtest::cores::Cores;
use authlab_loadtest::plan::seed_from_clock;
use authlab_loadtest::{calibrate, interrupt, machine, output};
use authlab_reports::duration;
use authlab_reports::run::Tool;
use clap::ValueEnum;

use noise::Noise;
use piece::{Found, Gate, Part, Piece};
use servers::Injected;

/// Costs that are injected, percent of a request's time.
const COSTS: [u8; 2] = [10, 5];
/// The one that live duels are fought against.
const LIVE_COST: u8 = 10;

/// What was typed.
#[derive(clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct Arguments {
    /// Noises to measure under: quiet, bursts, hog, memory, disk, quota, periodic, or all
    #[arg(long, value_delimiter = ',', default_value = "all", value_parser = chosen)]
    noise: Vec<Chosen>,
    /// Blocks that are recorded of the same server, under each noise
    #[arg(long, default_value_t = 800)]
    blocks: usize,
    /// Blocks that are recorded of each injected cost [default: as many as --blocks]
    #[arg(long)]
    power_blocks: Option<usize>,
    /// Live duels of the same server, under each noise
    #[arg(long, default_value_t = 12)]
    live: usize,
    /// Live duels against an injected cost of 10 %, under each noise
    #[arg(long, default_value_t = 12)]
    power: usize,
    /// Also record so many blocks' time with both servers loaded at once, for duet's method
    #[arg(long, default_value_t = 0)]
    concurrent: usize,
    /// Also fight so many duels of each pair of nginx, uvicorn and Node, under bursts
    #[arg(long, value_name = "DUELS", num_args = 0..=1, default_value_t = 0, default_missing_value = "3")]
    others: usize,
    /// Other builds of this binary: each is fought against the first, without noise (bench/layouts.sh links them)
    #[arg(long, value_name = "BINARY", num_args = 2..)]
    layouts: Vec<PathBuf>,
    /// Go on with the pieces kept in --out; those that are there are not measured again
    #[arg(long)]
    resume: bool,
    /// With --resume: measure pieces again that are there, under the noises of --noise
    #[arg(long, requires = "resume")]
    again: bool,
    /// Begin no further piece after this time, e.g. 25m; --resume goes on
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pause_after: Option<Duration>,
    /// Measure nothing: judge the pieces in --out, and write GATE.md
    #[arg(long, conflicts_with_all = ["again", "pause_after"])]
    judge_only: bool,
    /// Folder for gate.json and GATE.md
    #[arg(long, default_value = "reports/published/gate")]
    out: PathBuf,
    /// Folder in which run folders are created, and removed from
    #[arg(long, default_value = "reports/runs")]
    runs: PathBuf,
    /// Keep the run folders
    #[arg(long)]
    keep: bool,
    /// Seed of every random choice [default: from the clock]
    #[arg(long)]
    seed: Option<u64>,
}

/// Noises, as they are typed.
#[derive(Debug, Clone, Copy)]
enum Chosen {
    All,
    One(Noise),
}

fn chosen(text: &str) -> Result<Chosen, String> {
    if text == "all" {
        return Ok(Chosen::All);
    }
    Noise::from_str(text, false).map(Chosen::One).map_err(|_| {
        let names: Vec<&str> = Noise::ALL.iter().map(|noise| noise.name()).collect();
        format!("no such noise; there are all, {}", names.join(", "))
    })
}

/// What every piece needs.
struct Bench {
    order: Order,
    keep: bool,
}

pub(crate) fn run(arguments: &Arguments, tool: &Tool) -> anyhow::Result<ExitCode> {
    interrupt::install().context("cannot take SIGINT and SIGTERM")?;
    let resume = arguments.resume || arguments.judge_only;
    let mut gate = Gate::open(&arguments.out, resume)?;
    let left = if arguments.judge_only {
        0
    } else {
        measure(arguments, tool, &mut gate)?
    };
    if gate.pieces.is_empty() {
        bail!("{} has no pieces to judge", arguments.out.display());
    }
    let text = table::render(&gate);
    piece::replace(&arguments.out, "GATE.md", &text)?;
    output::write(&text);
    output::line(format_args!(
        "kept: {}",
        arguments.out.join("GATE.md").display()
    ));
    if left > 0 {
        output::note(format_args!("{left} pieces are left; --resume goes on"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures what is not there, and says how many pieces are left.
fn measure(arguments: &Arguments, tool: &Tool, gate: &mut Gate) -> anyhow::Result<usize> {
    let began = Instant::now();
    let plan: Vec<(Noise, Part)> = plan(arguments)
        .into_iter()
        .filter(|(noise, part)| arguments.again || gate.find(*noise, *part).is_none())
        .collect();
    let cores = Cores::split();
    let seed = arguments.seed.unwrap_or_else(seed_from_clock);
    let calibration = calibrate::found(&arguments.runs, &cores)?;
    let authlab = std::env::current_exe().context("cannot find the authlab binary")?;
    let mut pilot = None;
    for (number, &(noise, part)) in plan.iter().enumerate() {
        let is_over = arguments
            .pause_after
            .is_some_and(|most| began.elapsed() >= most);
        if is_over {
            return Ok(plan.len() - number);
        }
        output::note(format_args!(
            "piece {} of {}: {}, {}",
            number + 1,
            plan.len(),
            noise.name(),
            part.words()
        ));
        let bench = Bench {
            order: Order {
                authlab: authlab.clone(),
                runs: arguments.runs.clone(),
                command: ["authlab", "prove", "calibrate-gate"]
                    .map(str::to_owned)
                    .to_vec(),
                tool: tool.clone(),
                // Each piece has an order of slices of its own.
                seed: seed.wrapping_add(1_000 * number as u64),
                calibration: calibration.clone(),
                cores: cores.clone(),
                shard: None,
                // Within a quota the threads that keep cores awake would use it up, and a duel starts none.
                awake: noise != Noise::Quota,
                duel: None,
                instructions: None,
                watched: false,
            },
            keep: arguments.keep,
        };
        let piece = measured(arguments, &bench, noise, part, &mut pilot)
            .with_context(|| format!("{}, {}", noise.name(), part.words()))?;
        gate.put(piece);
        gate.keep(&arguments.out)?;
    }
    Ok(0)
}

/// The pieces that were asked for, in the order in which they are measured.
fn plan(arguments: &Arguments) -> Vec<(Noise, Part)> {
    let is_chosen = |noise: Noise| {
        let mut chosen = arguments.noise.iter();
        chosen.any(|chosen| match chosen {
            Chosen::All => true,
            Chosen::One(one) => *one == noise,
        })
    };
    let mut plan = Vec::new();
    for noise in Noise::ALL.into_iter().filter(|noise| is_chosen(*noise)) {
        let costs = || [0].into_iter().chain(COSTS);
        let recorded = costs().filter(|percent| blocks(arguments, *percent) > 0);
        plan.extend(recorded.map(|percent| (noise, Part::Recorded(percent))));
        if arguments.live > 0 {
            plan.push((noise, Part::Live(0)));
        }
        if arguments.power > 0 {
            plan.push((noise, Part::Live(LIVE_COST)));
        }
        if arguments.concurrent > 0 {
            plan.extend(costs().map(|percent| (noise, Part::Concurrent(percent))));
        }
        if noise == Noise::Bursts && arguments.others > 0 {
            plan.push((noise, Part::Others));
        }
        if noise == Noise::Quiet && !arguments.layouts.is_empty() {
            plan.push((noise, Part::Layouts));
        }
    }
    plan
}

/// Blocks to record of a cost.
fn blocks(arguments: &Arguments, percent: u8) -> usize {
    match percent {
        0 => arguments.blocks,
        _ => arguments.power_blocks.unwrap_or(arguments.blocks),
    }
}

fn measured(
    arguments: &Arguments,
    bench: &Bench,
    noise: Noise,
    part: Part,
    pilot: &mut Option<Injected>,
) -> anyhow::Result<Piece> {
    let taken = format!("{:.0}", jiff::Timestamp::now());
    let began = Instant::now();
    let mut machine = machine::describe(&bench.order.cores);
    // Before the noise: one that has the core for long would be taken for what a request takes.
    let injected = match pilot {
        Some(injected) => &*injected,
        None => pilot.insert(Injected::measured(bench)?),
    };
    let making = noise.start(&bench.order)?;
    let found = match part {
        Part::Recorded(percent) => {
            let blocks = blocks(arguments, percent);
            Found::Recorded(recorded::record(bench, injected, percent, blocks)?)
        }
        Part::Concurrent(percent) => {
            let recorded = concurrent::record(bench, injected, percent, arguments.concurrent)?;
            Found::Concurrent(recorded)
        }
        Part::Live(0) => Found::Live(live::fight_all(bench, injected, 0, arguments.live)?),
        Part::Live(percent) => {
            Found::Live(live::fight_all(bench, injected, percent, arguments.power)?)
        }
        Part::Layouts => Found::Layouts(live::layouts(bench, &arguments.layouts)?),
        Part::Others => Found::Others(others::fight_all(bench, arguments.others)?),
    };
    let how = making.how.clone();
    making.end()?;
    machine.load_after = Some(machine::load_average());
    Ok(Piece {
        noise,
        how,
        taken,
        seconds: began.elapsed().as_secs_f64(),
        seed: bench.order.seed,
        tool: bench.order.tool.clone(),
        machine,
        request_ns: injected.p50_ns,
        found,
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn planned(words: &[&str]) -> Vec<(Noise, Part)> {
        plan(&Typed::parse_from([&["gate"], words].concat()).arguments)
    }

    #[test]
    fn all_noises_have_the_same_pieces_and_one_can_be_chosen() {
        // Three recordings and two sets of duels.
        assert_eq!(planned(&[]).len(), 7 * 5);
        let one = planned(&["--noise", "hog", "--blocks", "0", "--power", "0"]);
        assert_eq!(one, [(Noise::Hog, Part::Live(0))]);
        let same = planned(&[
            "--noise",
            "hog",
            "--power-blocks",
            "0",
            "--live",
            "0",
            "--power",
            "0",
        ]);
        assert_eq!(same, [(Noise::Hog, Part::Recorded(0))]);
        let more = planned(&[
            "--noise",
            "quiet,bursts",
            "--blocks",
            "0",
            "--live",
            "0",
            "--power",
            "0",
            "--others",
            "--layouts",
            "a",
            "b",
        ]);
        let expected = [(Noise::Quiet, Part::Layouts), (Noise::Bursts, Part::Others)];
        assert_eq!(more, expected);
        assert!(chosen("loud").unwrap_err().contains("all, quiet, bursts"));
    }
}
