//! `HdrHistogram` logs 1.3 of a variant: `<variant>.hlog`, an interval a slice, step and metric, each
//! with its tag; and `<variant>.all.hlog`, an interval a slice without a tag, the `response` of all
//! steps together, for tools that know nothing of tags.
//!
//! Histograms are in V2-deflate encoding: `PyPI` `hdrhistogram` and npm `hdr-histogram-js` reject
//! plain V2. Values, and the `Interval_Max` column, are nanoseconds (divisor 1). `StartTime` and
//! `BaseTime` are both the run's start and intervals count from it; with `StartTime` alone, readers
//! guess.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use hdrhistogram::{
    Histogram,
    serialization::{
        V2DeflateSerializer,
        interval_log::{IntervalLogWriterBuilder, Tag},
    },
};

use super::{FolderError, Recorded};
use crate::run::Slice;

const LEGEND: &str =
    "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";

/// The metric that all steps have together.
const ALL_METRIC: &str = "response";

/// The logs of one variant.
pub(crate) struct Logs {
    tagged: Log,
    all: Log,
}

/// A log that grows by whole slices.
struct Log {
    path: PathBuf,
    file: File,
    /// Length up to the last whole slice.
    whole: u64,
}

/// The files of a variant's logs.
pub(crate) fn names(variant: &str) -> [String; 2] {
    [format!("{variant}.hlog"), format!("{variant}.all.hlog")]
}

impl Logs {
    /// Makes the files, with their headers.
    pub(crate) fn create(
        folder: &Path,
        variant: &str,
        started: jiff::Timestamp,
    ) -> Result<Self, FolderError> {
        let [tagged, all] = names(variant).map(|name| folder.join(name));
        let about =
            |what: &str| format!("[authlab: variant {variant}; {what}; values in nanoseconds]");
        Ok(Self {
            tagged: Log::create(tagged, &about("tag = load.step.metric"), started)?,
            all: Log::create(all, &about("response of all steps"), started)?,
        })
    }

    /// Adds the slice's recordings; on failure a file ends with the slice before.
    pub(crate) fn append(
        &mut self,
        slice: &Slice,
        recorded: &[Recorded],
    ) -> Result<(), FolderError> {
        let mut tagged = Vec::new();
        for part in recorded {
            let tag = tag(&slice.load, &part.step, &part.metric);
            tagged.push((Some(tag), &part.histogram));
        }
        self.tagged.write(&intervals(slice, &tagged)?)?;
        match together(recorded)? {
            Some(all) => self.all.write(&intervals(slice, &[(None, &all)])?),
            None => Ok(()),
        }
    }
}

impl Log {
    fn create(path: PathBuf, about: &str, started: jiff::Timestamp) -> Result<Self, FolderError> {
        let opened = OpenOptions::new().append(true).create(true).open(&path);
        let file = opened.map_err(FolderError::write(&path))?;
        let mut log = Self {
            path,
            file,
            whole: 0,
        };
        log.write(&header(about, started.into()))?;
        Ok(log)
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

/// What a user waited for, whatever the step.
fn together(recorded: &[Recorded]) -> Result<Option<Histogram<u64>>, FolderError> {
    let mut parts = recorded.iter().filter(|part| part.metric == ALL_METRIC);
    let Some(first) = parts.next() else {
        return Ok(None);
    };
    let mut all = first.histogram.clone();
    all.auto(true);
    for part in parts {
        all.add(&part.histogram)
            .map_err(|source| FolderError::Merge {
                tag: ALL_METRIC.to_owned(),
                source,
            })?;
    }
    Ok(Some(all))
}

/// The tag of an interval.
pub(crate) fn tag(load: &str, step: &str, metric: &str) -> String {
    format!("{load}.{step}.{metric}")
}

fn header(about: &str, started: SystemTime) -> Vec<u8> {
    let mut lines = Vec::new();
    let written = IntervalLogWriterBuilder::new()
        .add_comment(about)
        .add_comment("[Histogram log format version 1.3]")
        .with_start_time(started)
        .with_base_time(started)
        .begin_log_with(&mut lines, &mut V2DeflateSerializer::new())
        .map(|_| ());
    debug_assert!(written.is_ok(), "a Vec takes every byte");
    lines.extend_from_slice(LEGEND.as_bytes());
    lines
}

fn intervals(
    slice: &Slice,
    parts: &[(Option<String>, &Histogram<u64>)],
) -> Result<Vec<u8>, FolderError> {
    let mut lines = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let (start, length) = (
        Duration::from_nanos(slice.start_ns),
        Duration::from_nanos(slice.length_ns),
    );
    // With nothing to say, the builder writes no header: this goes on where the file ends.
    let mut writer = IntervalLogWriterBuilder::new()
        .begin_log_with(&mut lines, &mut serializer)
        .map_err(unencodable)?;
    for (tag, histogram) in parts.iter().filter(|(_, part)| !part.is_empty()) {
        let valid = match tag {
            None => None,
            Some(tag) => Some(Tag::new(tag).ok_or_else(|| FolderError::Tag { tag: tag.clone() })?),
        };
        writer
            .write_histogram(histogram, start, length, valid)
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
