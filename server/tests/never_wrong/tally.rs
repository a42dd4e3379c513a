//! What was played: a test that compared nothing protects nothing.

use std::cell::Cell;
use std::fmt;

#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) histories: Count,
    /// Answers that were compared: granted, and refused.
    pub(crate) granted: Count,
    pub(crate) refused: Count,
    /// Of those, credentials that had ended by somebody's doing.
    pub(crate) ended: Count,
    /// Those that differed as the combination says that they may.
    pub(crate) stale: Count,
    /// Of servers that did not know of a change yet, or were cut off: answers that were right before it.
    pub(crate) as_before: Count,
    /// Refusals of servers that could not ask.
    pub(crate) withheld: Count,
    pub(crate) faults: Count,
    /// Of the article's key: thieves that passed.
    pub(crate) thieves: Count,
    pub(crate) changes: Count,
    pub(crate) hits: Count,
    pub(crate) evictions: Count,
    /// Histories that were broken off as a store did not answer.
    pub(crate) broken_off: Count,
}

#[derive(Default)]
pub(crate) struct Count(Cell<u64>);

impl Count {
    pub(crate) fn add(&self, more: u64) {
        self.0.set(self.0.get() + more);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.get()
    }
}

impl Tally {
    pub(crate) fn add(&self, other: &Self) {
        for (sum, more) in self.counts().into_iter().zip(other.counts()) {
            sum.1.add(more.1.get());
        }
    }

    fn counts(&self) -> [(&'static str, &Count); 13] {
        [
            ("histories", &self.histories),
            ("granted", &self.granted),
            ("refused", &self.refused),
            ("of ended credentials", &self.ended),
            ("stale", &self.stale),
            ("faults", &self.faults),
            ("as before within the lease", &self.as_before),
            ("withheld", &self.withheld),
            ("thieves that passed", &self.thieves),
            ("changes", &self.changes),
            ("hits", &self.hits),
            ("evictions", &self.evictions),
            ("broken off", &self.broken_off),
        ]
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, count)) in self.counts().into_iter().enumerate() {
            write!(f, "{}{} {name}", if i > 0 { ", " } else { "" }, count.get())?;
        }
        Ok(())
    }
}
