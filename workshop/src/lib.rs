//! The maintainers' workshop: what proves the tool itself, in a checkout of it.
//!
//! - [`bench`]: the micro-benchmarks, with a bar while they run and their medians after.
//! - [`exact`]: instructions and allocations of whole requests, against the baseline that is committed.
//! - [`ceiling`] and [`agree`]: the load generator beside wrk and oha (`beside`).
//! - [`gate`]: the duel's false-positive rate and statistical power on this machine, under noise.
//! - [`figures`]: figures on pages, compared with the published runs that they name.
//!
//! `authlab prove` runs them: the command carries them hidden, so that no second binary is linked.

#![deny(clippy::print_stdout, clippy::print_stderr)] // They panic when they cannot write: `output` does not.

mod agree;
mod bench;
mod beside;
mod ceiling;
mod exact;
mod figures;
mod gate;

use std::process::ExitCode;

use authlab_reports::run::Tool;

/// A proof.
#[derive(clap::Subcommand)]
pub enum Proof {
    /// Run the micro-benchmarks of this workspace
    #[command(after_help = BENCH)]
    Bench(bench::Arguments),
    /// Count instructions and allocations of a request, against the baseline
    #[command(after_help = EXACT)]
    Exact(exact::Arguments),
    /// Measure the load generator beside wrk, on the same server
    #[command(after_help = CEILING)]
    Ceiling(ceiling::Arguments),
    /// Compare the load generator's latencies with those of wrk and oha
    #[command(after_help = AGREE)]
    Agree(agree::Arguments),
    /// Measure the duel's false-positive rate and statistical power under noise; about an hour
    #[command(after_help = CALIBRATE_GATE)]
    CalibrateGate(gate::Arguments),
    /// Measure how often `authlab bisect` names the right commit beside bursts; about ten minutes
    #[command(after_help = BISECT)]
    Bisect(gate::bisect::Arguments),
    /// Make a noise of that calibration
    #[command(hide = true)]
    Noise(gate::noise::maker::Arguments),
    /// Check that figures on pages are those of the published runs that they name
    #[command(after_help = FIGURES)]
    Figures(figures::Arguments),
}

impl Proof {
    /// Runs it; `tool` is the build that measures.
    ///
    /// # Errors
    /// What is missing or wrong, in words for a person.
    pub fn run(&self, tool: &Tool) -> anyhow::Result<ExitCode> {
        match self {
            Self::Bench(arguments) => bench::run(arguments),
            Self::Exact(arguments) => exact::run(arguments),
            Self::Ceiling(arguments) => ceiling::run(arguments, tool),
            Self::Agree(arguments) => agree::run(arguments, tool),
            Self::CalibrateGate(arguments) => gate::run(arguments, tool),
            Self::Bisect(arguments) => gate::bisect::run(arguments, tool),
            Self::Noise(arguments) => gate::noise::maker::run(arguments),
            Self::Figures(arguments) => figures::run(arguments),
        }
    }
}

/// A share that a proof's exit code depends on.
fn share(text: &str) -> Result<f64, &'static str> {
    text.parse()
        .ok()
        .filter(|share: &f64| share.is_finite() && *share >= 0.0)
        .ok_or("a share is a number from 0, e.g. 0.9")
}

const BENCH: &str = "\
Examples, in a checkout:
  authlab prove bench --brief        # how much faster a cached decision is
  authlab prove bench binding        # those whose id contains it
  authlab prove bench worth/         # what a cache saves, by what it spares";

const EXACT: &str = "\
Examples, in a checkout:
  authlab prove exact
  authlab prove exact --accept       # what is counted now is the baseline";

const CEILING: &str = "\
Example:
  authlab prove ceiling --at-least 0.8";

const AGREE: &str = "\
Example:
  authlab prove agree --within 0.1";

const CALIBRATE_GATE: &str = "\
Examples:
  authlab prove calibrate-gate               # an hour
  authlab prove calibrate-gate --resume      # goes on with what it left
  authlab prove calibrate-gate --resume --pause-after 25m
  authlab prove calibrate-gate --judge-only  # judges again what was recorded";

const BISECT: &str = "\
Examples:
  authlab prove bisect                       # 20 bisections
  authlab prove bisect --resume              # goes on with what it left";

const FIGURES: &str = "\
Examples, in a checkout:
  authlab prove figures
  authlab prove figures --write    # the pages get the runs' figures";
