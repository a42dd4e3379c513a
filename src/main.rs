//! `authlab`: a performance lab for request authorization.
//!
//! One file a verb. Errors are printed once, here, on one line; exit codes are the same everywhere:
//! 0 ok, 1 slower or a limit broken, 2 bad input, 3 inconclusive or invalid.

mod bar;
mod bench;
mod ceiling;
mod child;
mod compare;
mod report;
mod run;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// One allocator for every variant: a difference between two designs is never the allocator's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What does authorizing a request cost, and did this change make it slower?
#[derive(Parser)]
#[command(version, about, long_about = None, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Start the reference server: every design choice is a flag
    Serve(Box<serve::Arguments>),
    /// Run a scenario against its variants and report
    Run(run::Arguments),
    /// Render a run's report again
    Report(report::Arguments),
    /// Compare two variants of a run, or two runs
    Compare(compare::Arguments),
    /// Run the micro-benchmarks of this workspace
    Bench(bench::Arguments),
    /// Measure the load generator beside wrk, on the same server
    Ceiling(ceiling::Arguments),
    /// Become a server: pinned, and ended with its parent
    #[command(hide = true)]
    Child(child::Arguments),
}

/// Exit code for bad input and for what the lab cannot do.
const EXIT_REFUSED: u8 = 2;

fn main() -> ExitCode {
    let done = match Arguments::parse().verb {
        Verb::Serve(arguments) => serve::run(*arguments),
        Verb::Run(arguments) => run::run(arguments),
        Verb::Report(arguments) => report::run(&arguments),
        Verb::Compare(arguments) => compare::run(&arguments),
        Verb::Bench(arguments) => bench::run(&arguments),
        Verb::Ceiling(arguments) => ceiling::run(&arguments),
        Verb::Child(arguments) => child::run(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("authlab: {error:#}");
        ExitCode::from(EXIT_REFUSED)
    })
}
