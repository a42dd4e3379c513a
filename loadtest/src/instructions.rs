//! User-space instructions a request of any server that the lab starts, in passes of their own: counting
//! slows a server many times over, so that nothing is timed meanwhile.
//!
//! A pass starts the server twice under a [`Counter`], sends a number of journeys and then twice that
//! number, one after the other over one connection, and lets it end each time: what the second time
//! took more is that of the journeys it had more. Start, readiness probes, preparations and first
//! journeys are in both and cancel out.

mod counter;
mod error;
mod sending;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use authlab_reports::run::Instructions;

pub use self::counter::Counter;
pub use self::error::InstructionsError;
use self::sending::{Limit, Sent, send};
use crate::interrupt;
use crate::scenario::{Load, Scenario, Step, Target, Variant};
use crate::server::{Launcher, Server};

/// How much is counted.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    /// Passes of each variant; each gives a value.
    pub passes: usize,
    /// Journeys that the first run of a server makes at most.
    pub journeys: u64,
    /// Its last journey begins within this: a server whose requests take seconds under a counter
    /// makes fewer.
    pub within: Duration,
}

impl Default for Amount {
    fn default() -> Self {
        Self {
            passes: 3,
            journeys: 500,
            within: Duration::from_secs(5),
        }
    }
}

/// A server that begins to be counted.
#[derive(Debug, Clone, Copy)]
pub struct Pass<'a> {
    /// Its variant.
    pub variant: &'a str,
    /// Which pass, from 0.
    pub number: usize,
    /// Of how many.
    pub of: usize,
}

/// Counts two variants of a scenario, by their indices, under its first load: base and head in turn,
/// as one user, whatever the load's arrivals are.
///
/// # Errors
/// A variant that the lab does not start, a request that is not answered as the scenario expects, a
/// server that leaves no count.
pub fn count(
    scenario: &Scenario,
    [base, head]: [usize; 2],
    launcher: &Launcher,
    counter: Counter,
    amount: Amount,
    mut told: impl FnMut(Pass<'_>),
) -> Result<Instructions, InstructionsError> {
    let mut sides = [
        Side::new(scenario, base, launcher, counter)?,
        Side::new(scenario, head, launcher, counter)?,
    ];
    for number in 0..amount.passes {
        for side in &mut sides {
            told(Pass {
                variant: &side.variant.name,
                number,
                of: amount.passes,
            });
            side.pass(amount)?;
        }
    }
    let [base, head] = sides.map(|side| side.values);
    Ok(Instructions {
        counter: counter.label().to_owned(),
        base,
        head,
    })
}

/// How much slower a server may start under a counter.
const SLOWER: u32 = 30;
/// A server that is asked to end has this long to do so, and its counter to write.
const END_WITHIN: Duration = Duration::from_secs(60);

/// A variant that is being counted.
struct Side<'a> {
    steps: &'a [Step],
    load: Arc<Load>,
    variant: &'a Variant,
    launcher: &'a Launcher,
    counter: Counter,
    /// Journeys of a first run; known once there was one.
    journeys: Option<u64>,
    values: Vec<f64>,
}

/// A server's life, counted.
struct Counted {
    sent: Sent,
    total: f64,
}

impl<'a> Side<'a> {
    fn new(
        scenario: &'a Scenario,
        variant: usize,
        launcher: &'a Launcher,
        counter: Counter,
    ) -> Result<Self, InstructionsError> {
        let steps = scenario.steps_at(variant);
        let (variant, load) = (&scenario.variants[variant], &scenario.loads[0]);
        if matches!(variant.target, Target::Url { .. }) {
            return Err(InstructionsError::NotStarted {
                variant: variant.name.clone(),
            });
        }
        if !variant.besides.is_empty() {
            return Err(InstructionsError::Beside {
                variant: variant.name.clone(),
            });
        }
        if load.trace().is_some() {
            return Err(InstructionsError::Trace {
                load: load.name.clone(),
            });
        }
        Ok(Self {
            load: Arc::new(Load {
                users: 1,
                ..load.clone()
            }),
            steps,
            variant,
            launcher,
            counter,
            journeys: None,
            values: Vec::new(),
        })
    }

    fn pass(&mut self, amount: Amount) -> Result<(), InstructionsError> {
        let first = match self.journeys {
            Some(journeys) => Limit::Exactly(journeys),
            None => Limit::Within(amount.journeys, amount.within),
        };
        let less = self.run(first)?;
        self.journeys = Some(less.sent.journeys);
        let more = self.run(Limit::Exactly(less.sent.journeys * 2))?;
        let requests = more.sent.requests.saturating_sub(less.sent.requests);
        let instructions = more.total - less.total;
        if requests == 0 || instructions <= 0.0 {
            let cause = format!("{requests} requests more took {instructions} instructions more");
            return Err(self.no_count(cause));
        }
        self.values.push(instructions / requests as f64);
        Ok(())
    }

    /// The server's whole life, with so many journeys in it.
    fn run(&self, limit: Limit) -> Result<Counted, InstructionsError> {
        let folder = Folder::new()?;
        let target = self.wrapped(&folder.0);
        let log = folder.0.join("server.log");
        let server =
            Server::start(1, &target, &BTreeMap::new(), self.launcher, &log).map_err(|cause| {
                self.interrupted_or(|variant| InstructionsError::Server {
                    variant,
                    cause: Box::new(cause),
                })
            })?;
        let sent = send(self.steps, &self.load, &server, limit).map_err(|cause| {
            self.interrupted_or(|variant| InstructionsError::Requests { variant, cause })
        })?;
        server.end(self.counter.leads(), END_WITHIN);
        let total = self.counter.total(&folder.0);
        let total = total.map_err(|cause| self.no_count(cause))?;
        Ok(Counted { sent, total })
    }

    /// The command that starts the variant's server under the counter. Our launcher goes before the
    /// counter: it pins, and becomes what it starts.
    fn wrapped(&self, folder: &Path) -> Target {
        let mut target = match &self.variant.target {
            Target::Authlab { flags, protocol } => {
                let mut flags = flags.clone();
                flags.extend(self.load.flags.clone());
                self.launcher.reference(&flags, protocol)
            }
            other => other.clone(),
        };
        if let Target::Command {
            words,
            ready_within,
            ..
        } = &mut target
        {
            words.splice(0..0, self.counter.words(folder));
            *ready_within *= SLOWER;
        }
        target
    }

    fn no_count(&self, cause: String) -> InstructionsError {
        InstructionsError::NoCount {
            variant: self.variant.name.clone(),
            counter: self.counter.label(),
            cause,
        }
    }

    /// Whatever an interrupt broke on its way, it was the interrupt.
    fn interrupted_or(&self, error: impl FnOnce(String) -> InstructionsError) -> InstructionsError {
        if interrupt::requested() {
            InstructionsError::Interrupted
        } else {
            error(self.variant.name.clone())
        }
    }
}

/// A folder for what a counter writes, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("authlab-instructions-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
