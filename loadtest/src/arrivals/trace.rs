//! A recorded log, replayed: read once before a run into a form that is small and quick to walk.
//!
//! A log is written at the *end* of a request, so that its lines are out of order: they are sorted
//! by time. The first line that is replayed is at offset zero. Where every time of a log is a whole
//! second (nginx and Apache `combined`), it holds no finer truth: the n lines of a second are spread
//! evenly within it, the k-th at (k + ½)/n.
//!
//! Memory: 16 bytes a line, and each different request line and subject once; at most
//! [`MOST_LINES`] lines and [`MOST_TEXT_BYTES`] of text.

mod combined;
mod counts;
mod json;
mod reading;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

pub use self::counts::Counts;
pub use self::reading::{Reading, TraceError};

/// A log of more lines is refused.
pub const MOST_LINES: usize = 10_000_000;
/// So is one with more text in its different request lines and subjects.
pub const MOST_TEXT_BYTES: usize = 256 << 20;

const NS_PER_SECOND: u64 = 1_000_000_000;

/// The form of a log's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// nginx's and Apache's `combined` (or `common`): whole seconds, unless nginx's `$msec` stands
    /// first or last.
    #[default]
    Combined,
    /// An object a line: `time` (epoch seconds, or RFC 3339), `method`, `path`, perhaps `subject`.
    Json,
}

/// What becomes the subject of a combined line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SubjectField {
    /// The signed-in user; the address where the log has none (`-`).
    #[default]
    User,
    /// The address.
    Ip,
}

/// One line as read.
#[derive(Debug, PartialEq)]
struct Logged<'a> {
    /// Since the epoch.
    at_ns: u64,
    /// Method and target; none where the log recorded no HTTP request.
    request: Option<(Cow<'a, str>, Cow<'a, str>)>,
    subject: Cow<'a, str>,
}

impl Format {
    /// What its lines are called.
    pub(super) fn lines(self) -> &'static str {
        match self {
            Self::Combined => "combined log lines",
            Self::Json => "JSON log lines",
        }
    }

    fn parse(self, line: &str, subject: SubjectField) -> Option<Logged<'_>> {
        match self {
            Self::Combined => combined::parse(line, subject),
            Self::Json => json::parse(line),
        }
    }
}

/// The lines of a log that are replayed, in the order of their times.
#[derive(PartialEq)]
pub struct Trace {
    /// The file as typed.
    pub file: String,
    /// How many times as fast as recorded.
    pub speed: f64,
    /// What was found in it.
    pub counts: Counts,
    /// The form of its lines.
    pub format: Format,
    lines: Vec<Line>,
    /// `METHOD target`, each once.
    requests: Vec<Box<str>>,
    /// By first appearance in the file, each once.
    subjects: Vec<Box<str>>,
}

/// How much of it there is: a target may hold a token.
impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trace")
            .field("file", &self.file)
            .field("lines", &self.lines.len())
            .finish_non_exhaustive()
    }
}

/// One line: when, and which request of which subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    at_ns: u64,
    request: u32,
    subject: u32,
}

impl Trace {
    /// How many requests it replays.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether it replays none; one that was read never is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// When its `k`-th request is planned, from the start of a slice; none after the last.
    #[must_use]
    pub fn offset(&self, k: usize) -> Option<Duration> {
        let at_ns = self.lines.get(k)?.at_ns;
        // Exact for the 104 days that a double counts in nanoseconds.
        let scaled_ns = (at_ns as f64 / self.speed).round() as u64;
        Some(Duration::from_nanos(scaled_ns))
    }

    /// The length of a slice that replays all of it: to its last request, in whole milliseconds.
    #[must_use]
    pub fn length(&self) -> Duration {
        let last = self
            .len()
            .checked_sub(1)
            .and_then(|last| self.offset(last))
            .unwrap_or_default();
        Duration::from_millis(u64::try_from(last.as_millis()).unwrap_or(u64::MAX) + 1)
    }

    /// How many different subjects its requests have.
    #[must_use]
    pub fn subjects(&self) -> usize {
        let replayed: HashSet<u32> = self.lines.iter().map(|line| line.subject).collect();
        replayed.len()
    }

    /// The subjects, each once.
    pub(crate) fn subject_texts(&self) -> impl Iterator<Item = &str> {
        self.subjects.iter().map(|subject| &**subject)
    }

    /// The paths and queries of its different requests.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        let requests = self.requests.iter();
        requests.filter_map(|request| Some(request.split_once(' ')?.1))
    }

    /// Sorts, spreads the lines of whole seconds, and lets the first begin at zero.
    fn timed(&mut self) {
        self.lines.sort_by_key(|line| line.at_ns);
        let whole = |line: &Line| line.at_ns.is_multiple_of(NS_PER_SECOND);
        if self.lines.iter().all(whole) {
            for second in self.lines.chunk_by_mut(|a, b| a.at_ns == b.at_ns) {
                let n = second.len() as u64;
                for (k, line) in second.iter_mut().enumerate() {
                    line.at_ns += (2 * k as u64 + 1) * NS_PER_SECOND / (2 * n);
                }
            }
        }
        let first = self.lines.first().map_or(0, |line| line.at_ns);
        for line in &mut self.lines {
            line.at_ns -= first;
        }
    }
}

/// A line of a trace, as an arrival carries it.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    trace: Arc<Trace>,
    line: Line,
}

impl Replayed {
    /// The `k`-th line; there are as many as the trace has offsets.
    pub(super) fn new(trace: Arc<Trace>, k: usize) -> Self {
        let line = trace.lines[k];
        Self { trace, line }
    }

    fn request(&self) -> (&str, &str) {
        self.trace.requests[self.line.request as usize]
            .split_once(' ')
            .unwrap_or_default()
    }

    /// The request's method.
    #[must_use]
    pub fn method(&self) -> &str {
        self.request().0
    }

    /// Its path and query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.request().1
    }

    /// Whose request it was: a user's name or an address, as in the log.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.trace.subjects[self.line.subject as usize]
    }

    /// The subject's number by first appearance in the log, from 0.
    #[must_use]
    pub fn account(&self) -> usize {
        self.line.subject as usize
    }
}

#[cfg(test)]
mod tests;
