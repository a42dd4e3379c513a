//! `authlab null`, hidden: a server that does nothing, for calibrations.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use authlab_loadtest::duration;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Address to listen on
    #[arg(long)]
    listen: SocketAddr,
    /// CPU time before each answer, e.g. 1ms [default: none]
    #[arg(long, value_parser = duration::parse)]
    work: Option<Duration>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    authlab_loadtest::null::serve(arguments.listen, arguments.work.unwrap_or_default())
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    Ok(ExitCode::SUCCESS)
}
