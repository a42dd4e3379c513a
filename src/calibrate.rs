//! `authlab calibrate`: what this machine and the generator can tell apart, now.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use authlab_loadtest::calibrate::{self, Length};
use authlab_loadtest::conductor::Order;
use authlab_loadtest::cores::Cores;
use authlab_loadtest::interrupt;
use authlab_reports::run::calibration::FILE_NAME;
use authlab_reports::section;

use crate::output;
use crate::run::{check_runs, tool};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folder of runs; later runs there include the calibration
    #[arg(long, default_value = "reports/runs")]
    runs: PathBuf,
    /// Take a second instead of a minute and save nothing, as a test
    #[arg(long)]
    smoke: bool,
}

/// Kept, and disturbed.
const EXIT_DISTURBED: u8 = 3;

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    check_runs(&arguments.runs)?;
    interrupt::install().context("cannot take SIGINT and SIGTERM")?;
    let order = Order {
        authlab: std::env::current_exe().context("cannot find the authlab binary")?,
        runs: arguments.runs.clone(),
        command: vec!["authlab".to_owned(), "calibrate".to_owned()],
        tool: tool(),
        seed: 0,
        cores: Cores::split(),
        calibration: None,
        shard: None,
        awake: false,
        duel: None,
        instructions: None,
        watched: false,
    };
    let length = if arguments.smoke {
        Length::Smoke
    } else {
        output::note(format_args!("calibrating: about a minute"));
        Length::Full
    };
    let calibration = calibrate::calibrate(&order, length, |_, _| {})?;
    output::document(&section::calibration::document(&calibration));
    if !arguments.smoke {
        calibrate::keep(&calibration, &arguments.runs)?;
        output::line(format_args!(
            "kept: {}",
            arguments.runs.join(FILE_NAME).display()
        ));
    }
    Ok(match calibration.stale {
        None => ExitCode::SUCCESS,
        Some(_) => ExitCode::from(EXIT_DISTURBED),
    })
}
