//! What a shard writes of itself, and how it is written where several machines see it.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A longer file is no report.
const MOST_BYTES: u64 = 1 << 20;

/// A shard is there, and what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Report {
    /// Which process wrote it.
    pub(super) process: u64,
    /// Of how many shards it is one.
    pub(super) of: u32,
    pub(super) seed: u64,
    pub(super) build: String,
    /// A digest of what is asked.
    pub(super) asked: String,
    /// How often it was written before.
    pub(super) beat: u64,
    /// What its clock showed, nanoseconds since 1970.
    pub(super) at_ns: i64,
    /// The process of shard 0 whose report it has seen, and how far its own clock is ahead of that one's at most,
    /// nanoseconds.
    pub(super) hears: Option<(u64, i64)>,
    pub(super) said: Said,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Said {
    /// It waits, shard 0 for these.
    Waits {
        /// Their numbers.
        missing: Vec<u32>,
    },
    /// Shard 0 has heard these processes, and answers them.
    Answers {
        /// Others have read the report of an earlier load.
        with: Vec<u64>,
        answer: Answer,
    },
}

/// What shard 0 answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    Begins { start_at_ns: i64, apart_ns: u64 },
    Refuses { why: String },
}

/// None while there is none, or half of one.
pub(super) fn read(path: &Path) -> Option<Report> {
    let is_short = std::fs::metadata(path).is_ok_and(|about| about.len() <= MOST_BYTES);
    let text = is_short.then(|| std::fs::read(path).ok())??;
    serde_json::from_slice(&text).ok()
}

/// Into the file as it is there, so that who opens it again sees it on NFS, too.
pub(super) fn write(path: &Path, report: &Report) -> io::Result<()> {
    std::fs::write(path, serde_json::to_vec(report)?)
}
