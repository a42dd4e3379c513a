//! What makes a cached fact stale before its token ends.
//!
//! These are the numbers of this server, for the facts that it keeps in its own memory. What several servers share is
//! numbered where it lives: see [`crate::decisions`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::axis::axis;
use crate::clock::Timestamp;
use crate::grant::{Mark, TokenId};
use crate::subjects::Subject;

axis! {
    /// What makes a cached grant stale.
    pub enum FreshnessKind opens Rule: "freshness" {
        /// a revocation epoch: a revoked token stops at once
        Epoch(Box<Epochs>) = "epoch",
        /// a list of revocations that is read on each request: a revoked token stops at once
        Denylist(AtomicU64) = "denylist",
        /// a time cap, --cache-ttl: a revoked token may pass that long
        Ttl = "ttl",
        /// only the end of the token: a revoked token may pass until then
        Exp = "exp",
    }
}

/// The rule, and for how long a fact is kept at most.
#[derive(Debug)]
pub(crate) struct Freshness {
    rule: Rule,
    cap: Cap,
    changes: AtomicU64,
}

/// The longest that a fact is kept. Each is kept up to a tenth less, so that what was written together is not verified
/// anew together.
#[derive(Debug)]
struct Cap {
    period: Duration,
    /// Of everything; otherwise of what has no end of its own.
    always: bool,
    written: AtomicU64,
}

/// Whose cached facts a revocation ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Revoked {
    Token(TokenId),
    Subject(Subject),
    Everyone,
}

impl Freshness {
    /// Under this rule. A fact without an end of its own is kept for `longest` at most, and with `caps_all` any fact.
    pub(crate) fn open(kind: FreshnessKind, longest: Duration, caps_all: bool) -> Self {
        let rule = match kind {
            FreshnessKind::Epoch => Rule::Epoch(Box::default()),
            FreshnessKind::Denylist => Rule::Denylist(AtomicU64::new(0)),
            FreshnessKind::Ttl => Rule::Ttl,
            FreshnessKind::Exp => Rule::Exp,
        };
        let cap = Cap {
            period: longest,
            always: caps_all,
            written: AtomicU64::new(0),
        };
        Self {
            rule,
            cap,
            changes: AtomicU64::new(0),
        }
    }

    /// The number that a fact carries: read it *before* verification begins, so that a revocation which lands
    /// during the verification is not lost.
    pub(crate) fn number(&self) -> u64 {
        match &self.rule {
            Rule::Epoch(epochs) => epochs.sequence.load(Ordering::Acquire),
            Rule::Denylist(everyone) => everyone.load(Ordering::Acquire),
            Rule::Ttl | Rule::Exp => 0,
        }
    }

    /// Until when a fact may be kept that is written now. Counted from the write: reading prolongs nothing.
    pub(crate) fn keep_until(&self, now: Timestamp, end: Timestamp) -> Timestamp {
        if self.cap.always || end == Timestamp::NEVER {
            end.min(now.after(self.cap.next()))
        } else {
            end
        }
    }

    /// Whether a kept fact still holds, as far as numbers tell.
    #[inline]
    pub(crate) fn holds(&self, mark: &Mark) -> bool {
        match &self.rule {
            Rule::Epoch(epochs) => epochs.holds(mark),
            Rule::Denylist(everyone) => everyone.load(Ordering::Acquire) <= mark.number,
            Rule::Ttl | Rule::Exp => true,
        }
    }

    /// Whether what was revoked has to be asked on each request beside.
    #[inline]
    pub(crate) fn asks(&self) -> bool {
        matches!(self.rule, Rule::Denylist(_))
    }

    /// How often anything was changed that a decision may depend on, whatever the rule.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Something was changed that ends nothing: somebody may do more than before.
    pub(crate) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Call it once the revocation is committed, and answer the client after.
    pub(crate) fn revoked(&self, revoked: Revoked) {
        self.changed();
        match (&self.rule, revoked) {
            (Rule::Epoch(epochs), _) => epochs.raise(revoked),
            // Of a token and of a subject the store tells.
            (Rule::Denylist(everyone), Revoked::Everyone) => {
                everyone.fetch_add(1, Ordering::AcqRel);
            }
            (Rule::Denylist(_) | Rule::Ttl | Rule::Exp, _) => {}
        }
    }
}

impl Cap {
    /// The period, less up to a tenth of it.
    fn next(&self) -> Duration {
        // SplitMix64's output function: neighbouring counts lie far apart.
        let mut mixed = self
            .written
            .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let share = (mixed ^ (mixed >> 31)) >> 40;
        let less = ((self.period / 10).as_nanos() * u128::from(share)) >> 24;
        self.period
            .saturating_sub(Duration::from_nanos(less as u64))
    }
}

/// Slots are shared by hash: at worst a neighbour verifies once more.
pub(crate) const SLOTS: usize = 4096;

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
            && latest(&self.tokens[token_slot(mark.id)]) <= mark.number
    }

    fn raise(&self, revoked: Revoked) {
        let number = self.sequence.fetch_add(1, Ordering::AcqRel) + 1;
        let slot = match revoked {
            Revoked::Token(id) => &self.tokens[token_slot(id)],
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
pub(crate) const fn token_slot(id: TokenId) -> usize {
    (id.number() % SLOTS as u128) as usize
}

/// Subjects are numbered one after the other, so they spread by themselves.
const fn subject_slot(subject: Subject) -> usize {
    subject.0 as usize % SLOTS
}

#[cfg(test)]
mod tests;
