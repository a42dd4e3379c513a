//! The recordings of a run, read back from its `.hlog` files, slice by slice.

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::ZlibDecoder;
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
use crate::foreign;
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
            let bytes =
                foreign::read(&file, MOST_LOG_BYTES).map_err(|source| FolderError::Read {
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

/// A larger log was not written by this tool.
const MOST_LOG_BYTES: u64 = 1 << 30;
/// Of V2-deflate: the cookie and the length of what follows it.
const COMPRESSED_HEADER_BYTES: usize = 8;
/// The cookie of V2-deflate, with the bit that the format sets in it.
const COMPRESSED_COOKIE: u32 = 0x1c84_9314;
/// Of V2, which is within: cookie, length of the counts, offset, significant digits, lowest and highest value, ratio.
const HEADER_BYTES: usize = 40;
/// What this tool writes.
const MOST_DIGITS: u32 = 3;
/// A day in nanoseconds, and more than any slice waits.
const MOST_VALUE: u64 = 1 << 47;
/// Twice the largest count, as the zigzag code has it: a million of them can be added up.
const MOST_COUNT: u64 = 1 << 41;
/// The counts of such a histogram take no more, however they are written.
const MOST_COUNTS_BYTES: u64 = 1 << 20;

/// A histogram in V2-deflate encoding. Its header says how long its counts are and which values it holds; the decoder would
/// take the memory for that before it has seen them.
fn decode(bytes: &[u8]) -> Result<Histogram<u64>, String> {
    let (header, compressed) = bytes
        .split_first_chunk::<COMPRESSED_HEADER_BYTES>()
        .ok_or("the histogram is cut short")?;
    if !header.starts_with(&COMPRESSED_COOKIE.to_be_bytes()) {
        return Err("it is no histogram in V2-deflate".to_owned());
    }
    let mut plain = Vec::new();
    let most = MOST_COUNTS_BYTES + HEADER_BYTES as u64;
    ZlibDecoder::new(compressed)
        .take(most + 1)
        .read_to_end(&mut plain)
        .map_err(|error| error.to_string())?;
    if plain.len() as u64 > most {
        return Err(format!("the histogram has more than {} MiB", most >> 20));
    }
    let header = plain
        .first_chunk::<HEADER_BYTES>()
        .ok_or("the histogram is cut short")?;
    let word = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let long = |at: usize| u64::from(word(at)) << 32 | u64::from(word(at + 4));
    let (length, digits, low, high) = (word(4), word(12), long(16), long(24));
    if length as usize > plain.len() - HEADER_BYTES {
        return Err("the histogram is shorter than it says".to_owned());
    }
    if digits > MOST_DIGITS || high > MOST_VALUE || low > high {
        return Err(format!(
            "a histogram of {low} to {high} with {digits} digits was not measured"
        ));
    }
    let counts = &plain[HEADER_BYTES..HEADER_BYTES + length as usize];
    if most_number(counts) > MOST_COUNT {
        return Err("a count of the histogram was not measured".to_owned());
    }
    Deserializer::new()
        .deserialize(&mut plain.as_slice())
        .map_err(|error| error.to_string())
}

/// The largest number of the counts: zigzag codes in LEB128 of at most nine bytes. The decoder negates and adds up these numbers,
/// and does not look whether that overflows.
fn most_number(mut counts: &[u8]) -> u64 {
    const MOST_BYTES: usize = 9;
    let mut most = 0;
    while !counts.is_empty() {
        let ends = counts.iter().take(MOST_BYTES - 1);
        let last = ends.take_while(|byte| **byte & 0x80 != 0).count();
        let number = &counts[..counts.len().min(last + 1)];
        let value = number.iter().enumerate().fold(0, |value, (at, byte)| {
            let bits = if at == MOST_BYTES - 1 { 0xff } else { 0x7f };
            value | u64::from(byte & bits) << (7 * at)
        });
        most = most.max(value);
        counts = &counts[number.len()..];
    }
    most
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
                .and_then(|bytes| decode(&bytes));
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
