//! One slice: a variant under a load for a while, its figures and its counts.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

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
    /// Answers as expected by HTTP status; empty in runs of older versions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub statuses: BTreeMap<u16, u64>,
    /// What passed on its users' connections; none in runs of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Bytes>,
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
    /// The time of its closed users; none for open arrivals, and in runs of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_time: Option<UserTime>,
    /// Steps that have fewer samples than the slice waits for, and how often each was not reached: its journey had ended
    /// at an earlier step, which failed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unreached: BTreeMap<String, u64>,
    /// A continuous slice by the second, in order and without gaps; empty for the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intervals: Vec<Interval>,
}

/// One second of a continuous slice; the last may be shorter. A request belongs to the interval in which its answer
/// ended. Arrivals that were never sent belong to none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// Start, nanoseconds after the run's start.
    pub start_ns: u64,
    /// Length, nanoseconds.
    pub length_ns: u64,
    /// Requests whose answer was what its step expects.
    pub ok: u64,
    /// Requests that failed.
    pub failed: u64,
    /// What passed on its users' connections for them; none in runs of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Bytes>,
    /// Figures of each step's `service` and `response`.
    pub figures: Vec<Figure>,
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
    /// A histogram of few buckets, merged figures only: (greatest value, samples), ascending, each as wide as the one
    /// before on a logarithmic scale.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<(u64, u64)>,
}

/// A shard's slice that begins later than this did not load together with the others'.
pub(crate) const SHARD_LATE_NS: u64 = 50_000_000;

/// The reason under which arrivals are counted that were planned and never sent.
pub const NEVER_SENT: &str = "never sent: every user was busy";

/// The percentiles of a [`Figure`], in the order in which `run.json` holds them. Another one is appended, whatever its
/// size: a file of an older version has fewer values, and they keep their meaning.
pub const PERCENTILES: &[f64] = &[50.0, 75.0, 90.0, 99.0, 99.9, 99.99, 95.0];

/// So many of [`PERCENTILES`] every run holds; older ones lack the others.
pub(crate) const ALWAYS_HELD: usize = 6;

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

    /// The value at one of [`PERCENTILES`]; none when the figure was read from a file that lacks it.
    #[must_use]
    pub fn held(&self, percentile: f64) -> Option<u64> {
        let mut places = PERCENTILES.iter().zip(&self.percentiles);
        places
            .find(|(held, _)| (**held - percentile).abs() < 1e-9)
            .map(|(_, value)| *value)
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

impl Slice {
    /// Whether the load generator was stopped meanwhile: its times say nothing of the server.
    #[must_use]
    pub fn was_paused(&self) -> bool {
        self.paused_ns.is_some()
    }

    /// Whether it is of a shard that began it so late that it did not load together with the others.
    #[must_use]
    pub fn was_late(&self) -> bool {
        self.late_ns > Some(SHARD_LATE_NS)
    }

    /// The figure of a step's metric; none when nothing was recorded.
    #[must_use]
    pub fn figure(&self, step: &str, metric: &str) -> Option<&Figure> {
        let mut recorded = self.figures.iter().filter(|figure| figure.count > 0);
        recorded.find(|figure| figure.step == step && figure.metric == metric)
    }

    /// The median of a step's metric; none when nothing was recorded.
    #[must_use]
    pub fn p50(&self, step: &str, metric: &str) -> Option<f64> {
        self.figure(step, metric).map(|figure| figure.p50() as f64)
    }

    /// Requests that failed, for whatever reason.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    /// By how much of the users' time the recorded requests disagree with it, by Little's law: users = throughput ×
    /// (mean response time + mean think time). Less than 0 where answers, or time, were not recorded; none where there are
    /// no closed users.
    ///
    /// Multiplied by the length of the slice: the time that the users were present, added up, is the recorded requests
    /// times the sum of their mean time (from the intended start to the last byte, or to the failure) and of the mean time
    /// that their users were idle for each request. Each user counts from its own first request to the end of its last, so
    /// that the edges of a slice do not count.
    #[must_use]
    pub fn user_time_disagreement(&self) -> Option<f64> {
        let users = self.user_time?;
        if users.requests == 0 || users.present_ns == 0 {
            return None;
        }
        let timed = self.figures.iter();
        let timed = timed.filter(|figure| ["response", "failed"].contains(&figure.metric.as_str()));
        let idle = users.idle_ns as f64 / users.requests as f64;
        let recorded: f64 = timed.map(|at| at.count as f64 * (at.mean + idle)).sum();
        Some(recorded / users.present_ns as f64 - 1.0)
    }

    /// Requests that were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        let failed = self.failed.iter();
        let failed = failed.filter(|(reason, _)| *reason != NEVER_SENT);
        let counts = failed.map(|(_, count)| *count);
        counts.fold(self.ok, u64::saturating_add)
    }

    /// The time in which its answers came. Runs of older versions do not say it: there it lasts
    /// until the last answer.
    #[must_use]
    pub fn answering(&self) -> Duration {
        Duration::from_nanos(self.answered_ns.unwrap_or(self.length_ns))
    }

    /// Requests answered as expected, a second; none of a slice that took no time.
    #[must_use]
    pub fn throughput(&self) -> Option<f64> {
        throughput([self])
    }
}

/// Octets on connections, above TLS: heads and bodies, and with HTTP/2 its frames. Those of requests that failed, or were
/// sent again, are among them; those of steps that are not timed are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bytes {
    /// From the server.
    pub received: u64,
    /// To the server.
    pub sent: u64,
}

impl std::ops::AddAssign for Bytes {
    fn add_assign(&mut self, more: Self) {
        self.received = self.received.saturating_add(more.received);
        self.sent = self.sent.saturating_add(more.sent);
    }
}

/// Answers as expected of all these slices, by HTTP status.
pub fn statuses<'s>(slices: impl IntoIterator<Item = &'s Slice>) -> BTreeMap<u16, u64> {
    let mut all: BTreeMap<u16, u64> = BTreeMap::new();
    for (status, count) in slices.into_iter().flat_map(|slice| &slice.statuses) {
        let sum = all.entry(*status).or_default();
        *sum = sum.saturating_add(*count);
    }
    all
}

impl Bytes {
    /// All of them; none where one part does not say it.
    pub fn sum(parts: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        let mut sum = Self::default();
        for part in parts {
            sum += part?;
        }
        Some(sum)
    }

    /// What passed since there were so many.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            received: self.received.saturating_sub(before.received),
            sent: self.sent.saturating_sub(before.sent),
        }
    }
}

/// What closed users say of their own time in a slice, all of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserTime {
    /// Requests that they made, answered or failed.
    pub requests: u64,
    /// The time that they were in the slice, each from its first request on.
    pub present_ns: u64,
    /// What of it they had no request under way, as they were told: think time, the wait after a failure, untimed steps.
    pub idle_ns: u64,
}

impl std::ops::AddAssign for UserTime {
    fn add_assign(&mut self, more: Self) {
        self.requests = self.requests.saturating_add(more.requests);
        self.present_ns = self.present_ns.saturating_add(more.present_ns);
        self.idle_ns = self.idle_ns.saturating_add(more.idle_ns);
    }
}

/// What a cache had of what it was asked for, as `Server-Timing` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheUse {
    /// Answers that told of a cache.
    pub asked: u64,
    /// Those of them that came from it.
    pub hits: u64,
    /// How many the best possible cache of as many entries would have had of the same draws (Bélády 1966); none where the
    /// scenario does not say how many entries the variant's cache holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ideal: Option<u64>,
}

impl std::ops::AddAssign for CacheUse {
    fn add_assign(&mut self, more: Self) {
        self.asked += more.asked;
        self.hits += more.hits;
        self.ideal = self.ideal.zip(more.ideal).map(|(one, other)| one + other);
    }
}

/// What became of requests that were to be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attack {
    /// Those that were answered, whether they were refused or not.
    pub tried: u64,
    /// Those that passed.
    pub passed: u64,
}

impl std::ops::AddAssign for Attack {
    fn add_assign(&mut self, more: Self) {
        self.tried += more.tried;
        self.passed += more.passed;
    }
}

/// Requests answered as expected, a second, over several slices.
#[must_use]
pub fn throughput<'a>(slices: impl IntoIterator<Item = &'a Slice>) -> Option<f64> {
    let (mut answers, mut time) = (0_u64, Duration::ZERO);
    for slice in slices {
        answers = answers.saturating_add(slice.ok);
        time = time.saturating_add(slice.answering());
    }
    per_second(answers, time)
}

/// So many of anything a second; none when no time has passed.
#[must_use]
pub fn per_second(count: u64, time: Duration) -> Option<f64> {
    (!time.is_zero()).then(|| count as f64 / time.as_secs_f64())
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
            buckets: Vec::new(),
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
