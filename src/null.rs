//! `authlab null`, hidden: a server that does nothing, for calibrations.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Address to listen on
    #[arg(long)]
    listen: SocketAddr,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    authlab_loadtest::null::serve(arguments.listen)
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    Ok(ExitCode::SUCCESS)
}
