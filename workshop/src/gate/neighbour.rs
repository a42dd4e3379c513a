//! A neighbour: another process that is busy on a core in bursts.

use std::process::Stdio;

use anyhow::Context;
use authlab_loadtest::conductor::Order;
use authlab_loadtest::server::{Launcher, Supervised};

/// Busy and quiet in turns, each for some slices, on whichever core the kernel gives it.
const BURST: [&str; 2] = ["--burst", "300ms"];

/// It ends with this, or with its parent.
pub(super) struct Neighbour {
    _process: Supervised,
}

impl Neighbour {
    pub(super) fn start(order: &Order) -> anyhow::Result<Self> {
        let authlab = order.authlab.display().to_string();
        let [burst, length] = BURST;
        let words = [&authlab, "null", burst, length, "--listen", "127.0.0.1:0"];
        let launcher = Launcher {
            authlab: order.authlab.clone(),
            cores: [&order.cores.server[..], &order.cores.generator].concat(),
        };
        let mut command = launcher.command(&words.map(str::to_owned));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let process = Supervised::spawn(&mut command).context("cannot start the neighbour")?;
        Ok(Self { _process: process })
    }
}
