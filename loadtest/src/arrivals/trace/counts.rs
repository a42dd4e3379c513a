//! What a log held beside what is replayed, and how that is told.

use super::{Format, Trace};

/// What was found in a log. Empty lines are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Lines.
    pub lines: u64,
    /// Lines that are not of the log's format.
    pub unreadable: u64,
    /// The number of the first of them, from 1.
    pub first_unreadable: Option<u64>,
    /// Lines whose request is none that could be sent again: `-`, or noise that a scanner sent.
    pub without_request: u64,
    /// Requests of other methods than are replayed.
    pub other_methods: u64,
    /// Requests before the time from which on the log is replayed.
    pub before: u64,
}

impl Counts {
    /// `3 of 2000 lines are not combined log lines, e.g. line 17`.
    pub(super) fn unreadable_words(&self, format: Format) -> Option<String> {
        let line = self.first_unreadable?;
        Some(format!(
            "{} of {} lines are not {}, e.g. line {line}",
            self.unreadable,
            self.lines,
            format.lines()
        ))
    }

    /// What is not replayed, a phrase each; empty when all is.
    pub(super) fn left_out(&self, format: Format) -> Vec<String> {
        let of = |count: u64, what: &str| {
            (count > 0).then(|| format!("{count} of {} lines {what}", self.lines))
        };
        let phrases = [
            self.unreadable_words(format),
            of(self.without_request, "hold no request that can be sent"),
            of(self.other_methods, "are of other `methods`"),
            of(self.before, "are before `from`"),
        ];
        phrases.into_iter().flatten().collect()
    }
}

impl Trace {
    /// What of the log is not replayed, on one line; none when all is.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let left_out = self.counts.left_out(self.format);
        (!left_out.is_empty()).then(|| format!("trace `{}`: {}", self.file, left_out.join("; ")))
    }

    /// What is replayed, for a report: `access.log, 2000 requests of 31 subjects at 2 times their speed`.
    #[must_use]
    pub fn words(&self) -> String {
        let speed = if (self.speed - 1.0).abs() < f64::EPSILON {
            "as recorded".to_owned()
        } else {
            format!("at {} times their speed", self.speed)
        };
        let words = format!(
            "{}, {} requests of {} subjects {speed}",
            self.file,
            self.len(),
            self.subjects()
        );
        match self.counts.left_out(self.format).join("; ") {
            left_out if left_out.is_empty() => words,
            left_out => format!("{words} ({left_out})"),
        }
    }
}
