//! `authlab`: a performance lab for request authorization.
//!
//! One file a verb. Errors are printed once, here, on one line; exit codes are the same everywhere:
//! the table is in `exit.rs`.

#![deny(clippy::print_stdout, clippy::print_stderr)] // They panic when they cannot write: `output` does not.

mod bisect;
mod builtin;
mod calibrate;
mod check;
mod child;
#[cfg(feature = "server")]
mod client;
mod compare;
mod completions;
mod duel;
mod examples;
mod exit;
mod flags;
mod format;
mod lab;
mod load;
mod merge;
mod null;
#[cfg(feature = "server")]
mod predict;
mod refusal;
mod report;
mod requests;
mod run;
#[cfg(feature = "server")]
mod serve;
mod sharing;
mod words;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use authlab_loadtest::{bar, descriptors, interrupt, output};
#[cfg(feature = "server")]
use authlab_workshop::Proof;
use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

/// One allocator for every variant: a difference between two designs is never the allocator's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measure what authorization costs per request, and whether a change made a server slower
#[derive(Parser)]
#[command(version, about, long_about = None, arg_required_else_help = true, after_help = examples::ALL)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Start the reference server, whose design choices are all flags
    #[cfg(feature = "server")]
    #[command(after_help = examples::SERVE)]
    Serve(Box<serve::Arguments>),
    /// Sign in at a reference server, interactively or in a script
    #[cfg(feature = "server")]
    #[command(after_help = examples::CLIENT)]
    Client(client::Arguments),
    /// Run a scenario against its variants and report
    #[command(after_help = builtin::listed_below(examples::RUN))]
    Run(run::Arguments),
    /// Predict capacity and latency of a scenario's variants before they are run
    #[cfg(feature = "server")]
    #[command(after_help = examples::PREDICT)]
    Predict(predict::Arguments),
    /// Run a set of scenarios and write one site of their findings
    #[command(after_help = examples::LAB)]
    Lab(lab::Arguments),
    /// Measure one server without a scenario file
    #[command(after_help = examples::LOAD)]
    Load(Box<load::Arguments>),
    /// Render a run's report again
    #[command(after_help = examples::REPORT)]
    Report(report::Arguments),
    /// Add up the runs of the shards of one load
    #[command(after_help = examples::MERGE)]
    Merge(merge::Arguments),
    /// Compare two variants of a run, or two runs
    #[command(after_help = examples::COMPARE)]
    Compare(compare::Arguments),
    /// Decide whether a candidate server is slower than a baseline: slower, faster, no change or inconclusive
    #[command(after_help = examples::DUEL)]
    Duel(Box<duel::Arguments>),
    /// Find the commit that made a server slower, in the git repository of the current folder
    #[command(after_help = examples::BISECT)]
    Bisect(Box<bisect::Arguments>),
    /// Find out whether an authorization gate keeps its contract: who may do what, and how soon a revocation counts
    #[command(after_help = examples::CHECK)]
    Check(check::Arguments),
    /// Measure what this machine and the load generator can resolve
    #[command(after_help = examples::CALIBRATE)]
    Calibrate(calibrate::Arguments),
    /// Print a shell completion script, or the manual page
    #[command(after_help = examples::COMPLETIONS)]
    Completions(completions::Arguments),
    /// Check authlab itself, in a checkout: benchmarks, instruction counts, other load generators
    #[cfg(feature = "server")]
    #[command(subcommand, hide = true)]
    Prove(Proof),
    /// Answer every request with the same 200
    #[command(hide = true)]
    Null(null::Arguments),
    /// Become a server: pinned, and ended with its parent
    #[command(hide = true)]
    Child(child::Arguments),
}

fn main() -> ExitCode {
    if let Err(error) = survive_file_limit() {
        output::note(format_args!(
            "a file that reaches its size limit (ulimit -f) will end this: {error}"
        ));
    }
    let (arguments, typed) = match parse() {
        Ok(parsed) => parsed,
        Err(error)
            if error.use_stderr()
                && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand =>
        {
            output::error(format_args!("{}", refusal::one_line(error)));
            return ExitCode::from(exit::refused());
        }
        // The help or the version was asked for, or there were no arguments and the help is the answer.
        Err(help) => {
            print(&help);
            let code = u8::try_from(help.exit_code()).unwrap_or(exit::REFUSED);
            return output::finished(ExitCode::from(code));
        }
    };
    if let Err(error) = interrupt::honour_nohup() {
        output::note(format_args!("a hangup will end this: {error}"));
    }
    if !matches!(arguments.verb, Verb::Child(_)) {
        // Each connection takes a descriptor, and a login shell usually allows 1 024 of them.
        descriptors::raise();
    }
    let done = match arguments.verb {
        #[cfg(feature = "server")]
        Verb::Serve(arguments) => serve::run(*arguments),
        #[cfg(feature = "server")]
        Verb::Client(arguments) => client::run(&arguments),
        Verb::Run(arguments) => run::run(&arguments, &typed),
        #[cfg(feature = "server")]
        Verb::Predict(arguments) => predict::run(&arguments),
        Verb::Lab(arguments) => lab::run(&arguments),
        Verb::Load(arguments) => load::run(&arguments, &typed),
        Verb::Report(arguments) => report::run(&arguments),
        Verb::Merge(arguments) => merge::run(&arguments, &typed),
        Verb::Compare(arguments) => compare::run(&arguments),
        Verb::Duel(arguments) => duel::run(*arguments, &typed),
        Verb::Bisect(arguments) => bisect::run(&arguments, &typed),
        Verb::Check(arguments) => check::run(&arguments),
        Verb::Calibrate(arguments) => calibrate::run(&arguments),
        Verb::Completions(arguments) => completions::run(&arguments),
        #[cfg(feature = "server")]
        Verb::Prove(proof) => proof.run(&run::tool()),
        Verb::Null(arguments) => null::run(&arguments),
        Verb::Child(arguments) => child::run(&arguments),
    };
    match done {
        Ok(code) => output::finished(code),
        Err(error) => {
            output::error(format_args!("{}", with_causes(&error)));
            ExitCode::from(if sharing::is_interrupt(&error) {
                exit::NO_VERDICT
            } else {
                exit::refused()
            })
        }
    }
}

/// The help or the version that clap was asked for.
fn print(help: &clap::Error) {
    let printed = help.print();
    if !help.use_stderr() {
        output::printed(printed);
    }
}

/// The arguments, and those of the verb as clap has them.
fn parse() -> Result<(Arguments, ArgMatches), clap::Error> {
    let matches = Arguments::command().try_get_matches()?;
    let arguments = Arguments::from_arg_matches(&matches)?;
    let typed = matches.subcommand().map(|(_, typed)| typed.clone());
    Ok((arguments, typed.unwrap_or_default()))
}

/// Has a write beyond `ulimit -f` fail with EFBIG, which is handled like a full disk. By default SIGXFSZ ends the process.
///
/// A handler is installed rather than the signal ignored: what is ignored stays ignored in every program that this one
/// starts, while a handler becomes the default again when another program is executed (execve(2)). A server under test
/// must not behave differently because this program started it.
fn survive_file_limit() -> std::io::Result<()> {
    // The flag is never read: the error of the write says all there is to know.
    let seen = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, seen).map(|_id| ())
}

/// An error and what caused it, each said once: the text of many errors ends with that of their cause.
fn with_causes(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use anyhow::Context as _;

    #[test]
    fn a_cause_that_an_error_names_itself_is_said_once() {
        let file = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let wrapped = authlab_server::OpenError::Threads {
            threads: 2,
            error: file(),
        };
        let said = super::with_causes(&anyhow::Error::new(wrapped).context("serve"));
        assert_eq!(said, "serve: --hash-threads 2: entity not found");
        let said = super::with_causes(&Err::<(), _>(file()).context("run.json").unwrap_err());
        assert_eq!(said, "run.json: entity not found");
        let typed = "redis://x".parse::<authlab_server::SessionsFrom>().unwrap();
        let sessions = authlab_server::Lab::open(authlab_server::Design {
            sessions: typed,
            ..authlab_server::Design::default()
        });
        let said = super::with_causes(&sessions.unwrap_err().into());
        // Outside of a runtime, as this test is.
        assert_eq!(said.matches("needs a tokio runtime").count(), 1, "{said}");
    }
}
