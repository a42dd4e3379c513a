//! The run format: what `run.json` holds, and nothing that is not in it.
//!
//! A run is *blocks* of *slices*: in a block each variant is loaded for one slice, alone, in
//! seeded random order and then mirrored. The slice is the unit of statistics. All times are
//! nanoseconds unless a name says otherwise.

pub mod calibration;
mod capacity;
mod latency;
mod slice;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::calibration::Calibration;
pub use self::capacity::{Capacity, LimitedBy, Point};
pub use self::latency::Latency;
pub(crate) use self::slice::{ALWAYS_HELD, SHARD_LATE_NS};
pub use self::slice::{
    Attack, Bytes, CacheUse, Figure, Interval, NEVER_SENT, PERCENTILES, Slice, UserTime,
    ascending_percentiles, per_second, statuses, throughput,
};

/// The version of this format; a reader refuses a run that is newer than it knows.
pub const FORMAT_VERSION: u32 = 1;

/// A whole run, as written to `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// [`FORMAT_VERSION`] of the writer.
    pub format: u32,
    /// `<time>-<scenario>`: also the folder's name.
    pub id: String,
    /// Whether the run reached its end.
    pub status: Status,
    /// What was asked.
    pub scenario: Scenario,
    /// The words that repeat the run.
    pub command: Vec<String>,
    /// The seed of every random choice (order of variants).
    pub seed: u64,
    /// Start, RFC 3339, UTC.
    pub started: String,
    /// Wall-clock length so far, seconds.
    pub elapsed_s: f64,
    /// Version and commit of the tool.
    pub tool: Tool,
    /// Where it ran.
    pub machine: Machine,
    /// Whether the figures can be trusted, and why not.
    pub validity: Validity,
    /// The designs compared, in the scenario's order.
    pub variants: Vec<Variant>,
    /// Every slice measured, in the order in which they ran.
    pub slices: Vec<Slice>,
    /// All slices of a variant, load, step and metric merged.
    pub merged: Vec<Figure>,
    /// What capacity searches found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacities: Vec<Capacity>,
    /// What machine and generator could tell apart, when that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// Which share of the load this is, when several processes made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// The ids of the shards that this run adds up, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_from: Vec<String>,
    /// The terms of the duel that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duel: Option<Terms>,
    /// The servers' cores were kept from sleeping between two requests.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub awake: bool,
    /// Instructions of a request, where a duel counted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<Instructions>,
    /// The variant that answered nothing, where that ended the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent: Option<Silent>,
}

/// A variant that answered nothing for so long that the run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silent {
    /// The variant's name.
    pub variant: String,
    /// The load's name.
    pub load: String,
    /// Slices in a row without an answer, those of a warm-up among them; 0 where its users could not prepare.
    pub slices: usize,
    /// How long each request was waited for, milliseconds.
    pub timeout_ms: u64,
}

impl std::fmt::Display for Silent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let timeout = crate::quantity::tick(self.timeout_ms as f64 * 1e6);
        match self.slices {
            0 => write!(
                f,
                "a request of its preparation had no answer within {timeout}"
            ),
            slices => write!(
                f,
                "no request was answered in {slices} slices in a row; each was waited for for {timeout}"
            ),
        }
    }
}

/// The share of one process in a load that several made: every `of`-th arrival, and every `of`-th
/// user, from the `number`-th on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Which share, from 0.
    pub number: u32,
    /// How many there are.
    pub of: u32,
    /// When all of them began, RFC 3339, UTC.
    pub start_at: String,
}

/// Whether a run reached its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "because")]
pub enum Status {
    /// All planned blocks were measured.
    Complete,
    /// Cut short, with the reason in words.
    Partial(String),
}

/// What was asked: the part of the scenario file that a report needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The scenario's name: letters, digits and `-`.
    pub name: String,
    /// The question it answers, in words.
    pub question: String,
    /// `quick` or `full`, or another profile of the file.
    pub profile: String,
    /// The file as given.
    pub file: String,
    /// The variant that the others are compared with.
    pub baseline: String,
    /// The loads, in order.
    pub loads: Vec<Load>,
    /// Where the ladder takes its columns from.
    pub ladder: Ladder,
    /// A step from one variant to another whose share of the whole difference is asked for.
    pub changes: Vec<Change>,
}

fn one() -> usize {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_one(streams: &usize) -> bool {
    *streams == 1
}

/// One kind of load within a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Its name, e.g. `one-user`.
    pub name: String,
    /// Users: as many requests can be under way.
    pub users: usize,
    /// Users who share one connection of HTTP/2; 1 where each has its own.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub streams: usize,
    /// Whether requests are planned by a schedule, or by each user after its last answer.
    pub open: bool,
    /// The steps that are timed, in order.
    pub steps: Vec<String>,
    /// The steps that its journeys begin with, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<String>,
    /// Blocks planned.
    pub blocks: usize,
    /// Planned length of a slice, milliseconds.
    pub slice_ms: u64,
    /// The log that it replays, in words: file, requests, speed, what is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// Where the ladder takes its columns from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    /// Load and step of the p50 column.
    pub latency: LoadStep,
    /// Load and step of the `first` column: the first request of a fresh token.
    pub first: Option<LoadStep>,
    /// Load and step of the capacity and CPU columns.
    pub capacity: Option<LoadStep>,
}

/// A step of a load.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadStep {
    /// The load's name.
    pub load: String,
    /// The step's name.
    pub step: String,
}

/// A change of design: part of the way from the first `from` to the last `to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// In words: `hashing`, `the cache`.
    pub name: String,
    /// The variant before.
    pub from: String,
    /// The variant after.
    pub to: String,
}

/// The tool that measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Package version.
    pub version: String,
    /// Git commit of the working copy, with `+` when it had changes; empty when unknown.
    pub commit: String,
    /// Build profile.
    pub profile: String,
}

/// Where the run ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Processor model as the system names it.
    pub cpu: String,
    /// Cores that the process may use.
    pub cores: usize,
    /// Memory, bytes.
    pub memory_bytes: u64,
    /// Kernel name and release.
    pub kernel: String,
    /// Identifies the machine without naming it: a digest of its machine id.
    pub id: String,
    /// Cores given to the servers.
    pub server_cores: Vec<usize>,
    /// Cores given to the load generator.
    pub generator_cores: Vec<usize>,
    /// Load average of the last minute before the run.
    pub load_before: f64,
    /// Load average of the last minute after the run; none while it runs.
    pub load_after: Option<f64>,
}

/// Whether the figures can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validity {
    /// The verdict.
    pub verdict: Verdict,
    /// Its reasons, one sentence each; empty when valid.
    pub reasons: Vec<String>,
}

/// The verdict on a run as a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing seen that spoils it.
    Valid,
    /// The generator was late or dropped arrivals.
    ClientLimited,
    /// The offered rate was not served.
    ServerLimited,
    /// Other processes, or the host, took time from ours.
    Disturbed,
    /// Nothing was measured.
    Empty,
}

/// A design under test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its name: letters, digits, `.`, `+` and `-`.
    pub name: String,
    /// How people read it, e.g. `md5 + article key`.
    pub label: String,
    /// The command that started its server, or its URL.
    pub target: String,
    /// The servers that ran beside it, in the order in which they were started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Beside>,
    /// What is given up, one sentence each; shown beside every figure of the variant.
    pub gives_up: Vec<String>,
}

/// A server beside a variant's own: what it asks, or keeps its state in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beside {
    /// Its name: letters, digits and `-`.
    pub name: String,
    /// The command that started it.
    pub target: String,
}

impl Run {
    /// The variant of that name.
    #[must_use]
    pub fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }

    /// The slices of one variant under one load, in the order in which they ran, without those in which the load
    /// generator was stopped.
    pub fn slices_of<'a>(
        &'a self,
        load: &'a str,
        variant: &'a str,
    ) -> impl Iterator<Item = &'a Slice> {
        self.slices
            .iter()
            .filter(move |slice| slice.load == load && slice.variant == variant)
            .filter(|slice| !slice.was_paused())
    }

    /// The merged figure, if anything was recorded for it.
    #[must_use]
    pub fn figure(&self, variant: &str, at: &LoadStep, metric: &str) -> Option<&Figure> {
        let mut of_variant = self
            .merged
            .iter()
            .filter(|figure| figure.variant == variant && figure.count > 0);
        of_variant.find(|figure| {
            figure.load == at.load && figure.step == at.step && figure.metric == metric
        })
    }

    /// Why its figures may not be judged, a sentence each; empty for a valid and complete run.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let verdict = self.validity.verdict;
        let mut faults = verdict.because(&self.validity.reasons);
        if verdict != Verdict::Valid && faults.is_empty() {
            faults.push(verdict.label().to_owned());
        }
        if let Status::Partial(because) = &self.status {
            faults.push(format!("partial: {because}"));
        }
        faults
    }
}

impl Verdict {
    /// The reasons of a run with this verdict, a sentence each. The first is that of the verdict; others may be of
    /// another kind, and say no verdict of their own.
    pub(crate) fn because(self, reasons: &[String]) -> Vec<String> {
        let verdict = self.label();
        let each = reasons
            .iter()
            .enumerate()
            .map(|(place, reason)| match place {
                0 => format!("{verdict}: {reason}"),
                _ => format!("also: {reason}"),
            });
        each.collect()
    }

    /// As written in `run.json` and shown to people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::ClientLimited => "client-limited",
            Self::ServerLimited => "server-limited",
            Self::Disturbed => "disturbed",
            Self::Empty => "empty",
        }
    }
}

/// What is judged, by what, and how long it may take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The variant that is compared with.
    pub base: String,
    /// The variant that is judged.
    pub head: String,
    /// The load that is judged.
    pub load: String,
    /// The metrics asked for, as they are written.
    pub gates: Vec<String>,
    /// How long it may take, milliseconds; of a duel that is older than budgets, the default.
    #[serde(default = "default_budget")]
    pub within_ms: u64,
    /// Blocks after which a duel that is older than budgets was looked at. Nothing rests on it any more: its blocks are
    /// judged as those of any other duel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<usize>,
    /// A difference below this share is never called one; none for the usual margin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
}

/// How long a duel takes at the most, unless somebody says otherwise.
pub const BUDGET: Duration = Duration::from_secs(120);
pub(crate) const BUDGET_MS: u64 = BUDGET.as_millis() as u64;

fn default_budget() -> u64 {
    BUDGET_MS
}

/// What the passes counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instructions {
    /// What counted: `perf`, or `cachegrind`, which counts another code path on processors whose
    /// instructions it does not know.
    pub counter: String,
    /// Instructions a request of the base, a value a pass.
    pub base: Vec<f64>,
    /// Those of the head.
    pub head: Vec<f64>,
}
