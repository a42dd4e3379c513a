//! `authlab report`: renders a run again from its `run.json`.

use std::path::PathBuf;
use std::process::ExitCode;

use authlab_reports::{folder, ladder, render};

use crate::output;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folder of the run
    run: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let run = folder::read(&arguments.run)?;
    let folder = folder::render(&arguments.run)?;
    output::write(&render::text(&ladder::document(&run)));
    output::line(format_args!(
        "report: {}",
        folder.join("index.html").display()
    ));
    Ok(ExitCode::SUCCESS)
}
