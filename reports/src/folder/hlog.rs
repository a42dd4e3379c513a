//! `<variant>.hlog`: `HdrHistogram` log 1.3, an interval a slice, step and metric.
//!
//! Histograms are in V2-deflate encoding: `PyPI` `hdrhistogram` and npm `hdr-histogram-js` reject
//! plain V2. Values, and the `Interval_Max` column, are nanoseconds (divisor 1). `StartTime` and
//! `BaseTime` are both the run's start and intervals count from it; with `StartTime` alone, readers
//! guess.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use hdrhistogram::serialization::{
    V2DeflateSerializer,
    interval_log::{IntervalLogWriterBuilder, Tag},
};

use super::{FolderError, Recorded};
use crate::run::Slice;

const LEGEND: &str =
    "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";

/// A log that grows by whole slices.
pub(crate) struct Log {
    path: PathBuf,
    file: File,
    /// Length up to the last whole slice.
    whole: u64,
}

impl Log {
    /// Makes the file, with its header.
    pub(crate) fn create(
        path: PathBuf,
        variant: &str,
        started: jiff::Timestamp,
    ) -> Result<Self, FolderError> {
        let opened = OpenOptions::new().append(true).create(true).open(&path);
        let file = opened.map_err(FolderError::write(&path))?;
        let mut log = Self {
            path,
            file,
            whole: 0,
        };
        log.write(&header(variant, started.into()))?;
        Ok(log)
    }

    /// Adds the slice's recordings; on failure the file ends with the slice before.
    pub(crate) fn append(
        &mut self,
        slice: &Slice,
        recorded: &[Recorded],
    ) -> Result<(), FolderError> {
        let lines = intervals(slice, recorded)?;
        self.write(&lines)
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), FolderError> {
        self.file.write_all(lines).map_err(|source| {
            // Readers stop at a broken line: cut it off. If that fails too, nothing else would help.
            let _ = self.file.set_len(self.whole);
            FolderError::Write {
                file: self.path.clone(),
                source,
            }
        })?;
        self.whole += lines.len() as u64;
        Ok(())
    }
}

/// The tag of an interval.
pub(crate) fn tag(load: &str, step: &str, metric: &str) -> String {
    format!("{load}.{step}.{metric}")
}

fn header(variant: &str, started: SystemTime) -> Vec<u8> {
    let mut lines = Vec::new();
    let written = IntervalLogWriterBuilder::new()
        .add_comment(&format!(
            "[authlab: variant {variant}; tag = load.step.metric; values in nanoseconds]"
        ))
        .add_comment("[Histogram log format version 1.3]")
        .with_start_time(started)
        .with_base_time(started)
        .begin_log_with(&mut lines, &mut V2DeflateSerializer::new())
        .map(|_| ());
    debug_assert!(written.is_ok(), "a Vec takes every byte");
    lines.extend_from_slice(LEGEND.as_bytes());
    lines
}

fn intervals(slice: &Slice, recorded: &[Recorded]) -> Result<Vec<u8>, FolderError> {
    let mut lines = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    // With nothing to say, the builder writes no header: this goes on where the file ends.
    let mut writer = IntervalLogWriterBuilder::new()
        .begin_log_with(&mut lines, &mut serializer)
        .map_err(unencodable)?;
    for part in recorded.iter().filter(|part| !part.histogram.is_empty()) {
        let tag = tag(&slice.load, &part.step, &part.metric);
        let Some(valid) = Tag::new(&tag) else {
            return Err(FolderError::Tag { tag });
        };
        let (start, length) = (
            Duration::from_nanos(slice.start_ns),
            Duration::from_nanos(slice.length_ns),
        );
        writer
            .write_histogram(&part.histogram, start, length, Some(valid))
            .map_err(unencodable)?;
    }
    Ok(lines)
}

fn unencodable(cause: impl std::fmt::Display) -> FolderError {
    FolderError::Write {
        file: "a histogram log".into(),
        source: io::Error::other(cause.to_string()),
    }
}
