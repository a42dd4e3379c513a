//! The run format: what `run.json` holds, and nothing that is not in it.
//!
//! A run is *blocks* of *slices*: in a block each variant is loaded for one slice, alone, in
//! seeded random order and then mirrored. The slice is the unit of statistics. All times are
//! nanoseconds unless a name says otherwise.

pub mod calibration;
mod capacity;
mod counts;
mod duel;
mod latency;
mod lookup;
pub mod throughput;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::calibration::Calibration;
pub use self::capacity::{Capacity, LimitedBy, Point};
pub use self::counts::{Attack, CacheUse};
pub use self::duel::{Instructions, Terms};
pub use self::latency::Latency;

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

/// One kind of load within a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Its name, e.g. `one-user`.
    pub name: String,
    /// Users: as many requests can be under way.
    pub users: usize,
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

/// One variant under one load for one slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// The load's name.
    pub load: String,
    /// The variant's name.
    pub variant: String,
    /// Block within the load, from 0.
    pub block: usize,
    /// Start, nanoseconds after the run's start.
    pub start_ns: u64,
    /// Length until the last answer, drain included.
    pub length_ns: u64,
    /// The time in which its answers came, nanoseconds: what `ok` is divided by for its throughput.
    /// That is the time that was planned, or until the last answer where the server was behind.
    /// None in runs of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_ns: Option<u64>,
    /// The time over which its arrivals were planned, nanoseconds; none for closed users, and in runs
    /// of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_ns: Option<u64>,
    /// Figures of each step's `service` and `response`, and of what else was recorded.
    pub figures: Vec<Figure>,
    /// Arrivals that the schedule planned; none for closed users.
    pub planned: Option<u64>,
    /// Requests whose answer was what its step expects.
    pub ok: u64,
    /// Requests sent after the revoke of their credentials was answered.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub probed: u64,
    /// Those of them that still passed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stale: u64,
    /// Requests that were to be refused, by the attack that they were part of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attacks: BTreeMap<String, Attack>,
    /// What the server's cache had; none where no answer told of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheUse>,
    /// Requests that failed, by reason.
    pub failed: BTreeMap<String, u64>,
    /// Requests that were sent again on a new connection, because the server had closed the old one before it
    /// read them. They are no failures.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retried: u64,
    /// CPU time of the server's processes within the slice, those of the servers beside it
    /// included; none for a server not started here.
    pub cpu_ns: Option<u64>,
    /// What of it each server beside it used, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub beside_cpu_ns: BTreeMap<String, u64>,
    /// Share of the server's cores that it kept busy, 0 to 1.
    pub busy: Option<f64>,
    /// Share of its core that the generator's thread used, less what it only passed by waiting for
    /// a planned instant.
    #[serde(default)]
    pub generator_busy: Option<f64>,
    /// The most memory that the server's processes held at once, bytes; none where it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_bytes: Option<u64>,
    /// Time the generator was ready to run and did not get a core, as a share of the slice.
    pub generator_waited: Option<f64>,
    /// The same of the server's processes.
    pub server_waited: Option<f64>,
    /// What else ran on the server's cores, as a share of their time; none where none was started there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub others_busy: Option<f64>,
    /// CPU time stolen by the host, as a share of all cores' time.
    pub steal: Option<f64>,
    /// Time in which our control group was throttled, as a share of the slice; none where Linux
    /// does not show it.
    #[serde(default)]
    pub throttled: Option<f64>,
    /// TCP segments sent again, as a share of all that were sent in the network namespace.
    #[serde(default)]
    pub resent: Option<f64>,
    /// How long after its place in the shards' timetable it began; none for a run that is no shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_ns: Option<u64>,
    /// How long the load generator itself was stopped meanwhile, nanoseconds; none when it was not. Nothing that was
    /// recorded in such a slice is part of the run's figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_ns: Option<u64>,
    /// Steps that have fewer samples than the slice waits for, and how often each was not reached: its journey had ended
    /// at an earlier step, which failed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unreached: BTreeMap<String, u64>,
}

/// The figures of one step and metric: of one slice, or merged over all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The variant's name.
    pub variant: String,
    /// The load's name.
    pub load: String,
    /// The step's name.
    pub step: String,
    /// `response`, `service`, `queued`, `timer`, `first-byte`, `failed`, `stale` (how long after a
    /// revoke's answer a request was sent that passed), or `stage-<name>` from Server-Timing.
    pub metric: String,
    /// Samples.
    pub count: u64,
    /// Least value.
    pub min: u64,
    /// Mean value.
    pub mean: f64,
    /// Greatest value.
    pub max: u64,
    /// Values at each percentile of [`PERCENTILES`], in its order, as many as the writer knew; the
    /// histogram's resolution is 3 significant digits.
    pub percentiles: Vec<u64>,
    /// The distribution for curves, merged figures only: (percentile, value), at most some 200 points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<(f64, u64)>,
}

/// The percentiles of a [`Figure`], in the order in which `run.json` holds them. Another one is appended, whatever its
/// size: a file of an older version has fewer values, and they keep their meaning.
pub const PERCENTILES: &[f64] = &[50.0, 75.0, 90.0, 99.0, 99.9, 99.99];

/// The places in [`PERCENTILES`], by ascending percentile: the order in which people see them.
#[must_use]
pub fn ascending_percentiles() -> Vec<usize> {
    let mut places: Vec<usize> = (0..PERCENTILES.len()).collect();
    places.sort_by(|one, other| PERCENTILES[*one].total_cmp(&PERCENTILES[*other]));
    places
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Figure {
    /// The median; 0 when the figure was read from a file that lacks it.
    #[must_use]
    pub fn p50(&self) -> u64 {
        self.at(50.0)
    }

    /// The value at one of [`PERCENTILES`], or at the next one above that the figure holds; 0 when the figure was read
    /// from a file that lacks it.
    #[must_use]
    pub fn at(&self, percentile: f64) -> u64 {
        let held = ascending_percentiles()
            .into_iter()
            .filter(|place| PERCENTILES[*place] >= percentile)
            .find_map(|place| self.percentiles.get(place));
        held.copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_lacks_later_percentiles_means_what_it_meant() {
        let figure = |values: &[u64]| Figure {
            variant: String::new(),
            load: String::new(),
            step: String::new(),
            metric: String::new(),
            count: 10_000,
            min: 0,
            mean: 0.0,
            max: 7,
            percentiles: values.to_vec(),
            curve: Vec::new(),
        };
        // The order of the first version is never changed, only appended to.
        assert_eq!(PERCENTILES[..6], [50.0, 75.0, 90.0, 99.0, 99.9, 99.99]);
        let first = figure(&[1, 2, 3, 4, 5, 6]);
        let read = [50.0, 75.0, 90.0, 99.0, 99.9, 99.99].map(|p| first.at(p));
        assert_eq!(read, [1, 2, 3, 4, 5, 6]);
        assert_eq!(first.at(60.0), 2, "the next one above");
        assert_eq!(figure(&[]).p50(), 0);
    }
}
