//! `authlab merge`: the shards of one load, added up into one run.

use std::path::PathBuf;
use std::process::ExitCode;

use authlab_reports::merge::merge;
use authlab_reports::run::Status;
use clap::ArgMatches;

use crate::duel;
use crate::exit;
use crate::run::{check_runs, exit_code, show};
use crate::words;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folders of the runs that were made with --shard
    #[arg(required = true, value_name = "RUN")]
    shards: Vec<PathBuf>,
    /// Folder in which the new run is created
    #[arg(long, default_value = "reports/runs")]
    runs: PathBuf,
    /// Merge although shards or slices are missing
    #[arg(long)]
    partial: bool,
}

pub(crate) fn run(arguments: &Arguments, typed: &ArgMatches) -> anyhow::Result<ExitCode> {
    check_runs(&arguments.runs)?;
    let merged = merge(
        &arguments.shards,
        &arguments.runs,
        words::of::<Arguments>("merge", typed, &["runs".to_owned()]),
        arguments.partial,
    )?;
    if let Some(terms) = &merged.run.duel {
        return duel::of_sum(&merged.run, &merged.path, terms);
    }
    show(&merged.run, &merged.path);
    Ok(match merged.run.status {
        Status::Complete => exit_code(&merged.run, false),
        Status::Partial(_) => ExitCode::from(exit::NO_VERDICT),
    })
}
