//! The recordings of a run, read back from its `.hlog` files, slice by slice.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::{
    Histogram,
    serialization::{
        Deserializer,
        interval_log::{IntervalLogIterator, LogEntry},
    },
};

use super::{
    FolderError, Recorded,
    hlog::{names, tag},
};
use crate::run::{Run, Slice};

/// A run's histogram logs, each read as far as its last slice asked for: what is decoded at a time
/// is one slice.
#[derive(Debug)]
pub struct Recordings {
    logs: BTreeMap<String, Log>,
}

#[derive(Debug)]
struct Log {
    file: PathBuf,
    bytes: Vec<u8>,
    /// Where the next line begins, and its number.
    next: usize,
    line: usize,
}

impl Recordings {
    /// Opens the logs of the run at `path`, its folder or its `run.json`.
    ///
    /// # Errors
    /// A log cannot be read.
    pub fn open(path: &Path, run: &Run) -> Result<Self, FolderError> {
        let folder = if path.is_dir() {
            path
        } else {
            path.parent().unwrap_or(Path::new(""))
        };
        let mut logs = BTreeMap::new();
        for slice in &run.slices {
            if logs.contains_key(&slice.variant) {
                continue;
            }
            let [tagged, _] = names(&slice.variant);
            let file = folder.join(tagged);
            let bytes = fs::read(&file).map_err(|source| FolderError::Read {
                file: file.clone(),
                source,
            })?;
            let log = Log {
                file,
                bytes,
                next: 0,
                line: 0,
            };
            logs.insert(slice.variant.clone(), log);
        }
        Ok(Self { logs })
    }

    /// The recordings of `slice`: to be asked for each slice of the run, in their order.
    ///
    /// # Errors
    /// The log does not hold what the slice's figures say.
    pub fn of(&mut self, slice: &Slice) -> Result<Vec<Recorded>, FolderError> {
        let Some(log) = self.logs.get_mut(&slice.variant) else {
            return Ok(Vec::new());
        };
        let figures = slice.figures.iter().filter(|figure| figure.count > 0);
        figures
            .map(|figure| {
                let wanted = tag(&slice.load, &figure.step, &figure.metric);
                let histogram = log.interval(&wanted)?;
                if histogram.len() != figure.count {
                    return Err(log.refused(format!(
                        "{wanted} has {} samples, and {} in run.json",
                        histogram.len(),
                        figure.count
                    )));
                }
                Ok(Recorded {
                    step: figure.step.clone(),
                    metric: figure.metric.clone(),
                    histogram,
                })
            })
            .collect()
    }
}

impl Log {
    /// The histogram of the next interval, which must be tagged as wanted.
    fn interval(&mut self, wanted: &str) -> Result<Histogram<u64>, FolderError> {
        loop {
            let rest = &self.bytes[self.next..];
            self.line += 1;
            let end = rest.iter().position(|byte| *byte == b'\n');
            let Some(end) = end else {
                return Err(self.refused(format!("it ends before {wanted}")));
            };
            let line = &rest[..=end];
            self.next += line.len();
            // The legend is no entry.
            if line.starts_with(b"\"") {
                continue;
            }
            let interval = match IntervalLogIterator::new(line).next() {
                Some(Ok(LogEntry::Interval(interval))) => interval,
                Some(Err(_)) => return Err(self.refused("it is no interval".to_owned())),
                _ => continue,
            };
            let found = interval.tag().map_or("", |tag| tag.as_str());
            if found != wanted {
                return Err(self.refused(format!("it has tag `{found}` in place of `{wanted}`")));
            }
            let decoded = STANDARD
                .decode(interval.encoded_histogram())
                .map_err(|error| error.to_string())
                .and_then(|bytes| {
                    Deserializer::new()
                        .deserialize(&mut bytes.as_slice())
                        .map_err(|error| error.to_string())
                });
            return decoded.map_err(|cause| self.refused(cause));
        }
    }

    fn refused(&self, cause: String) -> FolderError {
        FolderError::Log {
            file: self.file.clone(),
            line: self.line,
            cause,
        }
    }
}
