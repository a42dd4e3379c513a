//! `authlab null`, hidden: a server that does nothing, for calibrations and as a control.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use authlab_loadtest::null::{self, Takes};
use authlab_reports::duration;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Address to listen on
    #[arg(long)]
    listen: SocketAddr,
    /// CPU time before each answer, e.g. 1ms [default: none]
    #[arg(long, value_parser = duration::parse)]
    work: Option<Duration>,
    /// Time before each answer that many requests pass at once, e.g. 5ms [default: none]
    #[arg(long, value_parser = duration::parse)]
    delay: Option<Duration>,
    /// Be a busy neighbour meanwhile: bursts of CPU time of about this length, and as long quiet
    #[arg(long, value_parser = duration::parse)]
    burst: Option<Duration>,
    /// Answer `GET /items/` by a bare axum handler, on this many worker threads
    #[cfg(feature = "server")]
    #[arg(long, value_name = "THREADS", conflicts_with_all = ["work", "delay", "burst"])]
    axum: Option<std::num::NonZeroUsize>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    #[cfg(feature = "server")]
    if let Some(threads) = arguments.axum {
        authlab_server::bare::run(arguments.listen, threads)?;
        return Ok(ExitCode::SUCCESS);
    }
    let takes = Takes {
        work: arguments.work.unwrap_or_default(),
        delay: arguments.delay.unwrap_or_default(),
    };
    if let Some(burst) = arguments.burst {
        std::thread::spawn(move || null::disturb(burst));
    }
    null::serve(arguments.listen, takes)
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    Ok(ExitCode::SUCCESS)
}
