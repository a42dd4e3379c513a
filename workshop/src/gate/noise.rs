//! Noise of six kinds, made while servers are compared. Each ends with what was started for it, and at the latest after
//! [`LONGEST`].

pub(crate) mod maker;
mod quota;

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use authlab_loadtest::conductor::Order;
use authlab_loadtest::server::{Launcher, Supervised};
use serde::{Deserialize, Serialize};

use quota::Quota;

/// No noise goes on for longer, even if what should end it fails.
const LONGEST: Duration = Duration::from_secs(3 * 3600);

/// A kind of noise.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Noise {
    Quiet,
    Bursts,
    Hog,
    Memory,
    Disk,
    Quota,
    Periodic,
}

impl Noise {
    pub(super) const ALL: [Self; 7] = [
        Self::Quiet,
        Self::Bursts,
        Self::Hog,
        Self::Memory,
        Self::Disk,
        Self::Quota,
        Self::Periodic,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Bursts => "bursts",
            Self::Hog => "hog",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Quota => "quota",
            Self::Periodic => "periodic",
        }
    }

    /// What it does, for the page.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Quiet => "nothing else runs",
            Self::Bursts => "each core is busy for 20 to 300 ms, then idle for 50 to 600 ms",
            Self::Hog => "one thread is always busy, 700 ms on each core in turn",
            Self::Memory => {
                "a thread of the lowest priority on each core copies arrays that together exceed the last-level cache"
            }
            Self::Disk => "4 MiB at a time are written to a file of 64 MiB and synchronized",
            Self::Quota => "all of authlab and its servers get 60 ms of CPU time each 100 ms",
            Self::Periodic => {
                "each core is busy for half of a period of 10, 15, 20, 30 or 60 ms (a slice to a block), each for 10 s"
            }
        }
    }

    /// Starts it.
    pub(super) fn start(self, order: &Order) -> anyhow::Result<Making> {
        let (quota, how) = match self {
            Self::Quiet => {
                return Ok(Making::default());
            }
            Self::Quota => match Quota::begin() {
                Ok(quota) => {
                    let how = format!("by a control group ({})", quota.kind());
                    return Ok(Making {
                        how: Some(how),
                        _quota: Some(quota),
                        ..Making::default()
                    });
                }
                Err(refused) => (
                    true,
                    Some(format!(
                        "imitated: the servers alone are stopped for 40 ms of each 100 ms ({refused})"
                    )),
                ),
            },
            _ => (false, None),
        };
        let launcher = Launcher {
            authlab: order.authlab.clone(),
            cores: Vec::new(),
        };
        let mut cores = order.cores.server.clone();
        cores.extend(&order.cores.generator);
        cores.sort_unstable();
        cores.dedup();
        let cores: Vec<String> = cores.iter().map(usize::to_string).collect();
        std::fs::create_dir_all(&order.runs)
            .with_context(|| format!("cannot make {}", order.runs.display()))?;
        // Copies are to take caches and bandwidth; cores are taken by other kinds.
        let lowest: &[&str] = match self {
            Self::Memory => &["nice", "-n", "19"],
            _ => &[],
        };
        let mut words: Vec<String> = lowest.iter().map(|word| (*word).to_owned()).collect();
        words.extend([
            order.authlab.display().to_string(),
            "prove".to_owned(),
            "noise".to_owned(),
            self.name().to_owned(),
            "--cores".to_owned(),
            cores.join(","),
            "--for".to_owned(),
            format!("{}s", LONGEST.as_secs()),
            "--folder".to_owned(),
            order.runs.display().to_string(),
            "--seed".to_owned(),
            order.seed.to_string(),
        ]);
        if quota {
            words.extend(["--below".to_owned(), std::process::id().to_string()]);
        }
        let mut command = launcher.command(&words);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let process = Supervised::spawn(&mut command).context("cannot start the noise")?;
        Ok(Making {
            how,
            process: Some(process),
            _quota: None,
        })
    }
}

/// Noise that is being made. It ends when this is dropped, or with this process.
#[derive(Default)]
pub(super) struct Making {
    /// How it is made, where there is more than one way.
    pub(super) how: Option<String>,
    process: Option<Supervised>,
    _quota: Option<Quota>,
}

impl Making {
    /// Ends it; an error if it had ended before.
    pub(super) fn end(mut self) -> anyhow::Result<()> {
        if let Some(status) = self.process.as_mut().and_then(Supervised::ended) {
            bail!("the noise ended before the measurement did: {status}");
        }
        Ok(())
    }
}
