//! What a machine and the load generator can tell apart: measured by `authlab calibrate`, stored
//! in the folder of runs, and carried by each later run.

use serde::{Deserialize, Serialize};

use super::{Machine, Tool};

/// The version of the format of a calibration's own file.
pub const FORMAT_VERSION: u32 = 1;

/// The file in the folder of runs.
pub const FILE_NAME: &str = "calibration.json";

/// One calibration. Times are nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// [`FORMAT_VERSION`] of the writer.
    pub format: u32,
    /// When it ended, RFC 3339, UTC.
    pub taken: String,
    /// Identifies the boot of the machine: a digest of the kernel's boot id.
    pub boot: String,
    /// Where it was taken.
    pub machine: Machine,
    /// The tool that took it.
    pub tool: Tool,
    /// How late requests left, by rate, against a server that does nothing.
    pub pacing: Vec<Pacing>,
    /// The least latency there is to see.
    pub floor: Floor,
    /// The most requests a second that the generator sends from its core.
    pub ceiling: Ceiling,
    /// CPU time to record one answered request, with all its metrics.
    pub recording_ns: f64,
    /// How much two identical servers differ in one interleaved run.
    pub noise: Vec<Noise>,
    /// Why it is not to be trusted: taken on a disturbed machine, or, for the run that carries it,
    /// on another machine or before its last start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<String>,
}

/// Lateness at one offered rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pacing {
    /// Requests a second planned.
    pub offered_per_s: f64,
    /// Requests a second answered.
    pub achieved_per_s: f64,
    /// The generator's own lateness at p50.
    pub timer_p50_ns: u64,
    /// The same at p99.
    pub timer_p99_ns: u64,
    /// `service` at p50: what pacing does to it shows beside [`Floor`].
    pub service_p50_ns: u64,
}

/// `service` of one request at a time against a server that does nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// Of the load generator, p50.
    pub service_p50_ns: u64,
    /// Of the load generator, p99.
    pub service_p99_ns: u64,
    /// Of a bare loop of write, `epoll_wait`, read on the same core: what no generator can undercut, p50.
    pub epoll_p50_ns: u64,
}

/// Requests a second from the generator's core against a server that does nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceiling {
    /// Closed users, each sending as soon as it was answered.
    pub closed_per_s: f64,
    /// Open arrivals, more than can be sent.
    pub open_per_s: f64,
}

/// Differences between identical servers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// `p50` … `p99.9` (of `service`), `cpu` (a request) or `rate` (requests a second).
    pub metric: String,
    /// Length of a slice, milliseconds.
    pub slice_ms: u64,
    /// Blocks measured.
    pub blocks: usize,
    /// Median absolute deviation of the blocks' differences of logarithms: 0.01 is about 1 %.
    pub mad: f64,
}
