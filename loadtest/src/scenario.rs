//! A scenario as meant: checked, its names resolved, its requests ready to be filled in.

mod beside;
mod encoding;
mod file;
mod journey;
mod limits;
mod pool;
mod step;
pub mod tables;
mod template;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use authlab_reports::judge::SECOND_START;
use authlab_reports::{foreign, withhold};

use crate::arrivals::Arrivals;
use crate::arrivals::trace::Trace;
use crate::origin::Origin;
use crate::protocol::Protocol;
use tables::Tables;

pub use beside::{Beside, Misplaced};
pub use file::Source;
pub use journey::{Connections, Cookies, Journey};
pub use limits::Limits;
pub use pool::{Pool, Popularity, Table};
pub use step::{Body, Credentials, Place, Step};
pub(crate) use template::{TRACE_METHOD, TRACE_VALUES};
pub use template::{Template, Unfilled, escaped};

/// A larger file is no scenario.
const MOST_FILE_BYTES: u64 = 4 << 20;

/// A scenario: a question, the designs that may answer it, and the loads that ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The path it was read from, as given.
    pub path: String,
    /// Its name: letters, digits, `-`.
    pub name: String,
    /// The question in words.
    pub question: String,
    /// The profile chosen, e.g. `quick`.
    pub profile: String,
    /// Index of the variant that the others are compared with.
    pub baseline: usize,
    /// The designs compared.
    pub variants: Vec<Variant>,
    /// Every request a load may make, as it is made at the first variant.
    pub steps: Vec<Step>,
    /// The loads, in the order in which they run.
    pub loads: Vec<Load>,
    /// Where the report's ladder takes its columns from.
    pub ladder: authlab_reports::run::Ladder,
    /// The changes whose share of the whole difference is asked for.
    pub changes: Vec<authlab_reports::run::Change>,
    /// The variants that this machine cannot run, a sentence each.
    pub left_out: Vec<String>,
}

/// A design under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// Its name: letters, digits, `.`, `+`, `-`.
    pub name: String,
    /// How people read it.
    pub label: String,
    /// What is measured.
    pub target: Target,
    /// The servers beside its own, in the order in which they are started.
    pub besides: Vec<Beside>,
    /// The programs that it needs: names on the search path, or paths of files.
    pub requires: Vec<String>,
    /// What the scenario says is given up.
    pub gives_up: Vec<String>,
    /// How many entries its cache holds, where an ideal cache of as many is to be asked about the same draws.
    pub holds: Option<usize>,
    /// The steps as they are made at this one, where some are made otherwise than at the first.
    pub steps: Option<Vec<Step>>,
}

impl Variant {
    /// A target under a name, by which people read it too.
    #[must_use]
    pub fn new(name: &str, target: Target) -> Self {
        Self {
            name: name.to_owned(),
            label: name.to_owned(),
            target,
            besides: Vec::new(),
            requires: Vec::new(),
            gives_up: Vec::new(),
            holds: None,
            steps: None,
        }
    }
}

/// What is measured: any HTTP server.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// The reference server of this binary.
    Authlab {
        /// Its flags.
        flags: BTreeMap<String, String>,
        /// What it speaks.
        protocol: Protocol,
    },
    /// A command to start; `{port}` becomes a free port.
    Command {
        /// Program and arguments; the program `authlab` is this binary.
        words: Vec<String>,
        /// Environment variables added to ours.
        env: BTreeMap<String, String>,
        /// When it is ready.
        ready: Ready,
        /// How long it may take to become ready.
        ready_within: Duration,
        /// The name that requests and its certificate give it; none for the loopback's own.
        host: Option<String>,
        /// What it speaks.
        protocol: Protocol,
    },
    /// A server that runs already.
    Url {
        /// Where.
        origin: Origin,
        /// What it speaks.
        protocol: Protocol,
    },
}

impl Target {
    /// How long a command's server may take to become ready, unless something else is said.
    pub const READY_WITHIN: Duration = Duration::from_secs(10);

    /// The reference server with these flags, without TLS.
    #[must_use]
    pub fn reference(flags: BTreeMap<String, String>) -> Self {
        Self::Authlab {
            flags,
            protocol: Protocol::default(),
        }
    }

    /// A command that is ready when it answers anything at `/`.
    #[must_use]
    pub fn command(words: Vec<String>) -> Self {
        Self::Command {
            words,
            env: BTreeMap::new(),
            ready: Ready::Answers,
            ready_within: Self::READY_WITHIN,
            host: None,
            protocol: Protocol::default(),
        }
    }
}

/// Without credentials, and without the values of the environment.
impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Authlab { flags, .. } => {
                let words: Vec<String> = flags
                    .iter()
                    .map(|(flag, value)| format!("--{flag}={value}"))
                    .collect();
                f.debug_tuple("Authlab")
                    .field(&withhold::words(&words))
                    .finish()
            }
            Self::Command {
                words, env, ready, ..
            } => f
                .debug_struct("Command")
                .field("words", &withhold::words(words))
                .field("env", &env.keys())
                .field("ready", ready)
                .finish_non_exhaustive(),
            Self::Url { origin, .. } => f.debug_tuple("Url").field(origin).finish(),
        }
    }
}

/// What a command's server does once it is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// It answers 2xx at this path.
    Path(String),
    /// It answers anything, at `/`.
    Answers,
    /// Its port accepts a connection: it may speak another language than HTTP.
    Accepts,
}

/// One kind of load.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Its name: letters, digits, `-`.
    pub name: String,
    /// Users: as many requests can be under way.
    pub users: usize,
    /// Users who share one connection, where HTTP/2 is spoken: as many requests are under way on it. 1 where each has its own.
    pub streams: usize,
    /// How long a user keeps a connection.
    pub connections: Connections,
    /// When their requests are planned; for a search, at its first rate.
    pub arrivals: Arrivals,
    /// The limits within which the highest rate is searched for.
    pub capacity: Option<Limits>,
    /// Steps that each user runs once per server, before its first slice, untimed.
    pub prepare: Vec<usize>,
    /// Steps that begin each user's first journey at a server, timed: once while the server warms
    /// up and once in what is measured.
    pub once: Vec<usize>,
    /// What users repeat, timed.
    pub journeys: Vec<Journey>,
    /// The pools that each journey draws a member of.
    pub pools: Vec<Arc<Pool>>,
    /// How long a user keeps cookies.
    pub cookies: Cookies,
    /// Servers start anew for it: they have served no load before.
    pub fresh: bool,
    /// Flags added to every variant that is the reference server.
    pub flags: BTreeMap<String, String>,
    /// Blocks to measure.
    pub blocks: usize,
    /// A block is one slice of each variant, recorded by the second, instead of two in mirrored order:
    /// for a load of one server, which is compared with nothing.
    pub continuous: bool,
    /// Requests after which a slice of closed users ends before its length, if it does.
    pub requests: Option<u64>,
    /// Length of a slice.
    pub slice: Duration,
    /// Samples of each step that a slice waits for, beyond its length.
    pub min_samples: u64,
    /// Warm-up ends when p50 falls no more, or after this.
    pub warm_up: Duration,
    /// Servers restart after so many blocks; 0 for never. Those of a duel start once more before: see [`Load::restarts`].
    pub restart_blocks: usize,
    /// Each slice has a server that has just started.
    pub restart_slices: bool,
    /// How long an answer may take: a request that takes longer has failed. So long a slice waits, after its length, for
    /// the samples that it lacks.
    pub timeout: Duration,
}

/// Warm-up slices within its cap, at least.
pub(crate) const WARM_UP_SLICES: u32 = 5;
/// Long enough for the median of a server's requests.
const LONGEST_WARM_UP_SLICE: Duration = Duration::from_millis(100);

impl Load {
    /// Slices of each variant, where nothing ends it early.
    #[must_use]
    pub fn slices(&self) -> usize {
        self.blocks * self.slices_of_a_block()
    }

    /// Whether servers restart before this block. In a duel the second start comes early, so that no verdict rests on one.
    #[must_use]
    pub fn restarts(&self, block: usize, is_duel: bool) -> bool {
        let every = self.restart_blocks;
        let is_second = is_duel && block == SECOND_START;
        block > 0 && every > 0 && (block.is_multiple_of(every) || is_second)
    }

    /// How often servers start before as many blocks as these.
    #[must_use]
    pub fn starts(&self, blocks: usize, is_duel: bool) -> usize {
        let restarts = (1..blocks).filter(|block| self.restarts(*block, is_duel));
        1 + restarts.count()
    }

    /// How long the slices of a warm-up are: it ends with one of them, when p50 falls no more.
    #[must_use]
    pub fn warm_up_slice(&self) -> Duration {
        (self.warm_up / WARM_UP_SLICES).min(LONGEST_WARM_UP_SLICE)
    }

    /// Slices of each variant in a block.
    #[must_use]
    pub fn slices_of_a_block(&self) -> usize {
        if self.continuous { 1 } else { 2 }
    }

    /// The log that it replays, if it does.
    #[must_use]
    pub fn trace(&self) -> Option<&Trace> {
        match &self.arrivals {
            Arrivals::Trace(trace) => Some(trace),
            _ => None,
        }
    }
}

/// What is wrong with a scenario: one line, `file:line: what; what is accepted`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("{path}: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// The system's word for it.
        cause: String,
    },
    /// The variant that the others are compared with needs a program that is not there.
    #[error(
        "{path}: variant `{variant}`, with which the others are compared, needs {program}, which is not on this machine"
    )]
    Missing {
        /// The file.
        path: String,
        /// The variant.
        variant: String,
        /// What it needs.
        program: String,
    },
    /// Tables that no file holds say something that is not accepted.
    #[error("{what}")]
    Unaccepted {
        /// What is wrong, and what is accepted.
        what: String,
    },
    /// The file says something that is not accepted.
    #[error("{path}:{line}: {what}")]
    Refused {
        /// The file.
        path: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong, and what is accepted.
        what: String,
    },
}

impl Scenario {
    /// Reads and checks a scenario file for one of its profiles.
    ///
    /// # Errors
    /// The file cannot be read, or holds something unknown or contradictory.
    pub fn read(path: &Path, profile: &str) -> Result<Self, ScenarioError> {
        let shown = path.display().to_string();
        let text = foreign::read_text(path, MOST_FILE_BYTES).map_err(|cause| {
            ScenarioError::Unreadable {
                path: shown.clone(),
                cause: cause.to_string(),
            }
        })?;
        Self::parse(&shown, &text, profile)
    }

    /// Every request a load may make, as it is made at the variant: the same names in the same places.
    #[must_use]
    pub fn steps_at(&self, variant: usize) -> &[Step] {
        let own = self.variants.get(variant).and_then(|v| v.steps.as_ref());
        own.unwrap_or(&self.steps)
    }

    /// What a user should know before it runs, a line each.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let traces = self.loads.iter().filter_map(|load| load.trace()?.note());
        self.left_out.iter().cloned().chain(traces).collect()
    }

    /// Leaves out the variants that need a program which is not there, and the changes that compare them.
    ///
    /// # Errors
    /// The one that the others are compared with is among them.
    pub fn leave_out(&mut self, is_there: impl Fn(&str) -> bool) -> Result<(), ScenarioError> {
        let baseline = self.variants[self.baseline].name.clone();
        let mut kept = Vec::new();
        for variant in self.variants.drain(..) {
            let missing = variant.requires.iter().find(|needed| !is_there(needed));
            let Some(missing) = missing else {
                kept.push(variant);
                continue;
            };
            let name = &variant.name;
            if *name == baseline {
                return Err(ScenarioError::Missing {
                    path: self.path.clone(),
                    variant: baseline,
                    program: missing.clone(),
                });
            }
            self.changes
                .retain(|change| ![&change.from, &change.to].contains(&name));
            self.left_out.push(format!(
                "variant `{name}` is left out: {missing} is not on this machine"
            ));
        }
        self.variants = kept;
        let same = |variant: &Variant| variant.name == baseline;
        self.baseline = self.variants.iter().position(same).unwrap_or(0);
        Ok(())
    }

    /// Checks a scenario's text; `path` is named in errors, and files are looked for beside it.
    ///
    /// # Errors
    /// It holds something unknown or contradictory.
    pub fn parse(path: &str, text: &str, profile: &str) -> Result<Self, ScenarioError> {
        file::parse(path, text, profile)
    }

    /// Checks tables that a program has filled in, each load with its [`only`](tables::ProfileTable::only)
    /// profile; `path` stands for a file's, and files are looked for beside it.
    ///
    /// # Errors
    /// They hold something unknown or contradictory.
    pub fn of(path: &str, tables: &Tables) -> Result<Self, ScenarioError> {
        file::check(path, tables)
    }
}
