//! `authlab child`, hidden: supervises a program that this tool starts. A second process of the same verb pins itself and
//! becomes that program.

use std::num::NonZeroI32;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use authlab_loadtest::{descriptors, supervisor};
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use rustix::thread::{CpuSet, sched_setaffinity};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Process that this one must not outlive
    #[arg(long)]
    parent: i32,
    /// Cores to stay on
    #[arg(long, value_delimiter = ',')]
    cores: Vec<usize>,
    /// Soft limit of open descriptors; without it the inherited one stays
    #[arg(long)]
    descriptors: Option<u64>,
    /// Become the program instead of supervising it
    #[arg(long)]
    directly: bool,
    /// Program and arguments to become
    #[arg(last = true, required = true)]
    words: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.directly {
        return Err(become_program(arguments));
    }
    let authlab = std::env::current_exe().context("cannot find the authlab binary")?;
    let mut command = Command::new(authlab);
    command.args(["child", "--directly", "--parent"]);
    command.arg(std::process::id().to_string());
    for core in &arguments.cores {
        command.args(["--cores", &core.to_string()]);
    }
    if let Some(soft) = arguments.descriptors {
        command.args(["--descriptors", &soft.to_string()]);
    }
    command.arg("--").args(&arguments.words);
    let ended = supervisor::supervise(arguments.parent, &mut command)?;
    Ok(ended.pass_on())
}

/// Returns only when that fails. The program is killed if its supervisor is.
fn become_program(arguments: &Arguments) -> anyhow::Error {
    if let Err(error) = prepare(arguments) {
        return error;
    }
    let error = Command::new(&arguments.words[0])
        .args(&arguments.words[1..])
        .exec();
    anyhow::anyhow!("{}: {error}", arguments.words[0])
}

fn prepare(arguments: &Arguments) -> anyhow::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .context("cannot ask to die with the parent")?;
    // The parent may have died before that was asked.
    if getppid().map(Pid::as_raw_nonzero) != NonZeroI32::new(arguments.parent) {
        bail!("the parent is gone");
    }
    if !arguments.cores.is_empty() {
        let mut set = CpuSet::new();
        for core in &arguments.cores {
            if *core >= CpuSet::MAX_CPU {
                bail!(
                    "--cores {core}: this system counts cores up to {}",
                    CpuSet::MAX_CPU - 1
                );
            }
            set.set(*core);
        }
        // A refusal leaves it where it was; the run then says so by its run-queue delays.
        let _ = sched_setaffinity(None, &set);
    }
    if let Some(soft) = arguments.descriptors {
        descriptors::lower(soft);
    }
    supervisor::unblock()?;
    Ok(())
}
