//! Reading a log into a [`Trace`].

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use authlab_reports::foreign;
use http::Method;
use http::uri::PathAndQuery;
use indexmap::IndexSet;
use jiff::Timestamp;

use super::{Counts, Format, Line, MOST_LINES, MOST_TEXT_BYTES, SubjectField, Trace};

/// How a log is to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The form of its lines.
    pub format: Format,
    /// What becomes the subject of a combined line.
    pub subject: SubjectField,
    /// The methods that are replayed.
    pub methods: Vec<Method>,
    /// Earlier lines are left out.
    pub from: Option<Timestamp>,
    /// How many times as fast as recorded.
    pub speed: f64,
}

/// A log that cannot be replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be read.
    #[error("trace `{file}`: {cause}")]
    Unreadable {
        /// The file as typed.
        file: String,
        /// The system's word for it.
        cause: String,
    },
    /// Most likely it is another kind of log.
    #[error("trace `{file}`: {what}; at most 1 % may be others")]
    Format {
        /// The file as typed.
        file: String,
        /// How many lines, and the first.
        what: String,
    },
    /// It is larger than is held in memory.
    #[error(
        "trace `{file}` is too large: at most {MOST_LINES} lines, and {} MiB of different requests and subjects; cut it, or choose `methods`",
        MOST_TEXT_BYTES >> 20
    )]
    TooLarge {
        /// The file as typed.
        file: String,
    },
    /// Nothing of it is replayed.
    #[error("trace `{file}` has no request to replay{left_out}")]
    Empty {
        /// The file as typed.
        file: String,
        /// Why not, introduced; empty for an empty file.
        left_out: String,
    },
}

/// A log of which a greater share is unreadable is of another kind.
const MOST_UNREADABLE_ONE_IN: u64 = 100;

impl Trace {
    /// Reads the log at `path`; `file` is its name in errors and reports.
    ///
    /// # Errors
    /// It cannot be read, is of another format, too large, or holds nothing to replay.
    pub fn read(path: &Path, file: &str, reading: &Reading) -> Result<Self, TraceError> {
        let unreadable = |cause: io::Error| TraceError::Unreadable {
            file: file.to_owned(),
            cause: cause.to_string(),
        };
        // A device has no end, and opening a pipe waits for whoever writes into it.
        if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
            return Err(unreadable(io::Error::other("it is not a file")));
        }
        let opened = File::open(path).map_err(unreadable)?;
        let mut reader = BufReader::new(opened);
        let mut gathered = Gathered::default();
        let mut line = Vec::new();
        let mut number = 0;
        while next_line(&mut reader, &mut line).map_err(unreadable)? {
            number += 1;
            let line = match number {
                1 => foreign::without_mark(&line),
                _ => &line,
            };
            gathered.take(number, line, reading);
            if gathered.lines.len() > MOST_LINES || gathered.text_bytes > MOST_TEXT_BYTES {
                return Err(TraceError::TooLarge {
                    file: file.to_owned(),
                });
            }
        }
        gathered.finish(file, reading)
    }
}

/// A trace in the making.
#[derive(Default)]
struct Gathered {
    counts: Counts,
    lines: Vec<Line>,
    requests: IndexSet<Box<str>>,
    subjects: IndexSet<Box<str>>,
    text_bytes: usize,
}

impl Gathered {
    fn take(&mut self, number: u64, line: &[u8], reading: &Reading) {
        if line.trim_ascii().is_empty() {
            return;
        }
        self.counts.lines += 1;
        let parsed = std::str::from_utf8(line)
            .ok()
            .and_then(|line| reading.format.parse(line, reading.subject));
        let Some(logged) = parsed else {
            self.counts.unreadable += 1;
            self.counts.first_unreadable.get_or_insert(number);
            return;
        };
        let request = logged
            .request
            .filter(|(method, target)| method.parse::<Method>().is_ok() && is_path(target));
        let Some((method, target)) = request else {
            self.counts.without_request += 1;
            return;
        };
        if !reading.methods.iter().any(|wanted| *wanted == *method) {
            self.counts.other_methods += 1;
            return;
        }
        let from = reading.from.map(Timestamp::as_nanosecond);
        if from.is_some_and(|from| i128::from(logged.at_ns) < from) {
            self.counts.before += 1;
            return;
        }
        let request = self.intern(|at| &mut at.requests, &format!("{method} {target}"));
        let subject = self.intern(|at| &mut at.subjects, &logged.subject);
        self.lines.push(Line {
            at_ns: logged.at_ns,
            request,
            subject,
        });
    }

    /// The number of a text, the same each time.
    fn intern(&mut self, of: impl Fn(&mut Self) -> &mut IndexSet<Box<str>>, text: &str) -> u32 {
        let texts = of(self);
        let number = if let Some(known) = texts.get_index_of(text) {
            known
        } else {
            let (new, _) = texts.insert_full(text.into());
            self.text_bytes += text.len();
            new
        };
        // Fewer than the lines, and so than 2³².
        number as u32
    }

    fn finish(self, file: &str, reading: &Reading) -> Result<Trace, TraceError> {
        let counts = self.counts;
        if counts.unreadable * MOST_UNREADABLE_ONE_IN > counts.lines {
            return Err(TraceError::Format {
                file: file.to_owned(),
                what: counts.unreadable_words(reading.format).unwrap_or_default(),
            });
        }
        if self.lines.is_empty() {
            let left_out = counts.left_out(reading.format);
            return Err(TraceError::Empty {
                file: file.to_owned(),
                left_out: if left_out.is_empty() {
                    String::new()
                } else {
                    format!(": {}", left_out.join("; "))
                },
            });
        }
        let mut trace = Trace {
            file: file.to_owned(),
            speed: reading.speed,
            counts,
            format: reading.format,
            lines: self.lines,
            requests: self.requests.into_iter().collect(),
            subjects: self.subjects.into_iter().collect(),
        };
        trace.timed();
        Ok(trace)
    }
}

/// A path and query as HTTP allows them.
fn is_path(target: &str) -> bool {
    target.starts_with('/')
        && PathAndQuery::try_from(target).is_ok_and(|parsed| parsed.as_str() == target)
}

/// No access log has longer lines; of one that is longer, this much is read.
const LONGEST_LINE_BYTES: u64 = 32 * 1024;

/// Reads the next line into `line`, without its end; `false` when there is none.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = reader
        .by_ref()
        .take(LONGEST_LINE_BYTES)
        .read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if read as u64 == LONGEST_LINE_BYTES {
        reader.skip_until(b'\n')?;
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(read > 0)
}
