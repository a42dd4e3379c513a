//! `authlab serve`: the reference server, every design choice a flag.

use std::process::ExitCode;

use crate::output;
use authlab_server::setup::{Preset, Setup};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    setup: Setup,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.setup.list_presets {
        output::write(&Preset::list());
        return Ok(ExitCode::SUCCESS);
    }
    authlab_server::run(arguments.setup.resolve()?)?;
    Ok(ExitCode::SUCCESS)
}
