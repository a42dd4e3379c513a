//! `authlab report`: renders a run again from its `run.json`.

use std::path::PathBuf;
use std::process::ExitCode;

use authlab_reports::{folder, ladder};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folder of a run
    run: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let run = folder::read(&arguments.run)?;
    folder::render(&arguments.run)?;
    print!("{}", ladder::text::render(&ladder::Table::of(&run)));
    println!("report: {}", arguments.run.join("index.html").display());
    Ok(ExitCode::SUCCESS)
}
