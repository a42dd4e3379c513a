//! What makes a cached fact stale before its token ends.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::axis::axis;
use crate::clock::Timestamp;
use crate::request::{Mark, TokenId};
use crate::setup::Design;
use crate::subjects::Subject;

axis! {
    /// What makes a cached grant stale.
    pub enum FreshnessKind opens Freshness: "freshness" {
        /// a revocation epoch: a revoked token stops at once
        Epoch(Box<Epochs>) = "epoch",
        /// a time cap, --cache-ttl: a revoked token may pass that long
        Ttl(Duration) = "ttl",
        /// only the token's end: a revoked token may pass until then
        Exp = "exp",
    }
}

/// Whose cached facts a revocation ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Revoked {
    Token(TokenId),
    Subject(Subject),
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "key rotation comes with more algorithms")
    )]
    Everyone,
}

impl Freshness {
    pub(crate) fn open(design: &Design) -> Self {
        match design.freshness {
            FreshnessKind::Epoch => Self::Epoch(Box::default()),
            FreshnessKind::Ttl => Self::Ttl(design.cache_ttl.0),
            FreshnessKind::Exp => Self::Exp,
        }
    }

    /// The number that a fact carries: read it *before* verification begins, so that a revocation which lands
    /// during the verification is not lost.
    pub(crate) fn number(&self) -> u64 {
        match self {
            Self::Epoch(epochs) => epochs.sequence.load(Ordering::Acquire),
            Self::Ttl(_) | Self::Exp => 0,
        }
    }

    /// Until when a fact may be kept that is written now. Counted from the write: reading prolongs nothing.
    pub(crate) fn keep_until(&self, now: Timestamp, end: Timestamp) -> Timestamp {
        match self {
            Self::Ttl(cap) => end.min(now.after(*cap)),
            Self::Epoch(_) | Self::Exp => end,
        }
    }

    /// Whether a kept fact still holds.
    #[inline]
    pub(crate) fn holds(&self, mark: &Mark) -> bool {
        match self {
            Self::Epoch(epochs) => epochs.holds(mark),
            Self::Ttl(_) | Self::Exp => true,
        }
    }

    /// Call it once the revocation is committed, and answer the client after.
    pub(crate) fn revoked(&self, revoked: Revoked) {
        match self {
            Self::Epoch(epochs) => epochs.raise(revoked),
            Self::Ttl(_) | Self::Exp => {}
        }
    }
}

/// Slots are shared by hash: at worst a neighbour verifies once more.
const SLOTS: usize = 4096;

/// One sequence of revocations, and for each slot the number of its latest one.
#[derive(Debug)]
pub(crate) struct Epochs {
    sequence: AtomicU64,
    everyone: AtomicU64,
    tokens: [AtomicU64; SLOTS],
    subjects: [AtomicU64; SLOTS],
}

impl Epochs {
    #[inline]
    fn holds(&self, mark: &Mark) -> bool {
        // Nothing at all was revoked since: the one cache line that most hits touch.
        if self.sequence.load(Ordering::Acquire) == mark.number {
            return true;
        }
        let latest = |slot: &AtomicU64| slot.load(Ordering::Acquire);
        latest(&self.everyone) <= mark.number
            && latest(&self.subjects[subject_slot(mark.subject)]) <= mark.number
            && latest(&self.tokens[usize::from(mark.session) % SLOTS]) <= mark.number
    }

    fn raise(&self, revoked: Revoked) {
        let number = self.sequence.fetch_add(1, Ordering::AcqRel) + 1;
        let slot = match revoked {
            Revoked::Token(id) => &self.tokens[usize::from(session_slot(id)) % SLOTS],
            Revoked::Subject(subject) => &self.subjects[subject_slot(subject)],
            Revoked::Everyone => &self.everyone,
        };
        slot.fetch_max(number, Ordering::AcqRel);
    }
}

impl Default for Epochs {
    fn default() -> Self {
        Self {
            sequence: AtomicU64::new(0),
            everyone: AtomicU64::new(0),
            tokens: std::array::from_fn(|_| AtomicU64::new(0)),
            subjects: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

/// A token's slot: its id is random, so any bits of it will do.
pub(crate) const fn session_slot(id: TokenId) -> u16 {
    (id.0 % SLOTS as u128) as u16
}

/// Subjects are numbered one after the other, so they spread by themselves.
const fn subject_slot(subject: Subject) -> usize {
    subject.0 as usize % SLOTS
}

#[cfg(test)]
mod tests;
