//! `authlab duel --bench`: two criterion benchmark binaries in alternation, each benchmark judged.
//!
//! A slice is one run of one binary over every benchmark that has no verdict yet, so that what a
//! binary takes to start is paid once a slice. A block is four of them, A B B A or its mirror, as the
//! seed has it.

mod binary;
mod matched;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use authlab_loadtest::cores::Cores;
use authlab_loadtest::interrupt;
use authlab_loadtest::plan::block_order;
use authlab_loadtest::plan::seed_from_clock;
use authlab_loadtest::server::Launcher;
use authlab_reports::judge::{LEAST_BLOCKS, Sequential};
use authlab_reports::micro::duel::{Block, Course, Duel, Measured, Terms, rule};
use authlab_reports::micro::sample::Samples;
use authlab_reports::quantity;
use authlab_reports::run::BUDGET;
use indicatif::ProgressBar;

use self::binary::Binary;
use super::Inconclusive;
use crate::exit;
use crate::format::Format;
use crate::{bar, output};

/// What was typed, in the duel's own arguments.
pub(crate) struct Arguments {
    /// Criterion benchmark binary that is compared with, e.g. `target/release/deps/lab-0123456789abcdef`.
    pub(crate) base: PathBuf,
    /// The one that is judged.
    pub(crate) head: PathBuf,
    /// Only benchmarks whose id matches this regular expression.
    pub(crate) filter: Option<String>,
    /// On every core, and not on those that servers have.
    pub(crate) all_cores: bool,
    /// Of the order within each block; from the clock where none was typed.
    pub(crate) seed: Option<u64>,
    /// How long it may take, after the first blocks without which there is no verdict.
    pub(crate) within: Duration,
    /// Form of the verdict.
    pub(crate) format: Format,
    /// What an inconclusive end is for a script.
    pub(crate) inconclusive: Option<Inconclusive>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    interrupt::install().context("cannot take SIGINT and SIGTERM")?;
    let Cores { server, generator } = Cores::split();
    let launcher = Launcher {
        authlab: std::env::current_exe().context("cannot find the authlab binary")?,
        cores: if arguments.all_cores {
            [server, generator].concat()
        } else {
            server
        },
    };
    let binaries = [
        Binary::open("base", &arguments.base, &launcher)?,
        Binary::open("head", &arguments.head, &launcher)?,
    ];
    let bar = bar::new("duel of benchmarks", "blocks");
    bar.set_message("listing");
    let benchmarks = matched::by_both(&binaries, arguments.filter.as_deref())?;
    let seed = arguments.seed.unwrap_or_else(seed_from_clock);
    let mut contest = Contest {
        rule: rule(benchmarks.len(), false),
        measured: benchmarks.iter().map(|id| Measured::none_of(id)).collect(),
        binaries,
        seed,
        within: arguments.within,
        began: Instant::now(),
    };
    let interrupted = !contest.measure(&bar)?;
    bar.finish_and_clear();
    let course = Course {
        elapsed_s: contest.began.elapsed().as_secs_f64(),
        interrupted,
    };
    if contest.measured.iter().any(|at| !at.blocks.is_empty()) {
        let inconclusive = arguments.inconclusive.map(Inconclusive::exit_code);
        let duel = Duel::of(terms(arguments, seed), &contest.measured, course)
            .with_inconclusive_as(inconclusive);
        arguments.format.print(&duel.document(), duel.json())?;
        if !interrupted {
            return Ok(ExitCode::from(duel.exit_code));
        }
    }
    output::error(format_args!(
        "interrupted before every benchmark had its verdict"
    ));
    Ok(ExitCode::from(exit::NO_VERDICT))
}

/// Two binaries and what is measured of them so far.
struct Contest<'a> {
    binaries: [Binary<'a>; 2],
    measured: Vec<Measured>,
    rule: Sequential,
    seed: u64,
    within: Duration,
    began: Instant,
}

impl Contest<'_> {
    /// Block after block, until every benchmark has its verdict or time is over; false when somebody ended it before.
    fn measure(&mut self, bar: &ProgressBar) -> anyhow::Result<bool> {
        for number in 0_u32.. {
            let open = self.measured.iter().enumerate();
            let open = open.filter_map(|(place, at)| Some((place, at.needs(&self.rule)?)));
            let (open, needed): (Vec<usize>, Vec<usize>) = open.unzip();
            let Some(blocks) = needed.into_iter().max() else {
                return Ok(true);
            };
            let elapsed = self.began.elapsed();
            let with_another = elapsed + elapsed.div_f64(f64::from(number.max(1)));
            if number as usize >= LEAST_BLOCKS && with_another > self.within {
                return Ok(true);
            }
            bar.set_length(blocks as u64);
            bar.set_message(format!("{} of {} open", open.len(), self.measured.len()));
            let began = Instant::now();
            if !self.block(number as usize, &open)? {
                return Ok(false);
            }
            bar.inc(1);
            if number == 0 {
                self.tell(began.elapsed().as_secs_f64());
            }
        }
        Ok(true)
    }

    /// One block of the benchmarks at these places; whether it became whole.
    fn block(&mut self, number: usize, open: &[usize]) -> anyhow::Result<bool> {
        let names: Vec<&str> = open
            .iter()
            .map(|place| self.measured[*place].benchmark.as_str())
            .collect();
        let mut slices: [Vec<Samples>; 2] = [Vec::new(), Vec::new()];
        for side in block_order(self.seed, 0, number, 2) {
            if interrupt::requested() {
                return Ok(false);
            }
            slices[side].push(self.binaries[side].slice(&names)?);
        }
        for place in open {
            let measured = &mut self.measured[*place];
            // Titles that are cut short do not say which benchmark of one side is which of the other: full ids do.
            measured.benchmark = slices[0][0].name(&measured.benchmark).to_owned();
            let of = |side: usize| {
                let name = &measured.benchmark;
                let both = slices[side][0].get(name).zip(slices[side][1].get(name));
                let both =
                    both.with_context(|| format!("{}: no benchmark {name}", self.binaries[side]))?;
                anyhow::Ok([both.0, both.1])
            };
            let (base, head) = (of(0)?, of(1)?);
            measured.blocks.push(Block { base, head });
        }
        Ok(true)
    }

    /// How long it may take, once it is known.
    fn tell(&self, block_s: f64) {
        let least_s = block_s * LEAST_BLOCKS as f64;
        let within_s = self.within.as_secs_f64();
        output::note(format_args!(
            "benchmarks: {}; a verdict takes {LEAST_BLOCKS} blocks or more, {} to {}; seed {}",
            self.measured.len(),
            quantity::elapsed(least_s),
            quantity::elapsed(within_s.max(least_s)),
            self.seed
        ));
    }
}

fn terms(arguments: &Arguments, seed: u64) -> Terms {
    let [base, head] = [&arguments.base, &arguments.head].map(|path| path.display().to_string());
    let mut repeat = vec![
        "authlab".to_owned(),
        "duel".to_owned(),
        "--bench".to_owned(),
        base.clone(),
        head.clone(),
    ];
    repeat.extend(arguments.filter.clone());
    if arguments.all_cores {
        repeat.push("--all-cores".to_owned());
    }
    if arguments.within != BUDGET {
        let within = format!("{}ms", arguments.within.as_millis());
        repeat.extend(["--within".to_owned(), within]);
    }
    repeat.extend(["--seed".to_owned(), seed.to_string()]);
    Terms { base, head, repeat }
}
