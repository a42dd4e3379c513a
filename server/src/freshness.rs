//! What makes a cached fact stale before its token ends.
//!
//! These are the numbers of this server, for the facts that it keeps in its own memory. What several servers share is
//! numbered where it lives: see [`crate::decisions`]. What is committed there is raised here too, once it is heard of: the two
//! sequences count differently, and share their slots.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::axis::axis;
use crate::clock::{Clock, Timestamp};
use crate::grant::{Mark, TokenId};
use crate::status_list::{StatusList, Statuses};
use crate::subjects::{SLOTS, Subject, slot_of_name};

axis! {
    /// What makes a cached grant stale.
    pub enum FreshnessKind opens Rule: "freshness" {
        /// a revocation epoch: a revoked token stops at once
        Epoch(Box<Epochs>) = "epoch",
        /// a list of revocations that is read on each request: a revoked token stops at once
        Denylist(AtomicU64) = "denylist",
        /// a time cap, --cache-ttl: a revoked token may pass that long
        Ttl = "ttl",
        /// the issuer's Token Status List, fetched every --status-list-ttl: a revoked token may pass that long
        StatusList(Box<Statuses>) = "status-list",
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

/// What a revocation raises: the same on every server, as its text is in Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Token(usize),
    Subject(usize),
    Everyone,
}

impl Slot {
    /// Of a token, or of its session: its id is random, so any bits of it will do.
    pub(crate) const fn of_token(id: TokenId) -> Self {
        Self::Token(token_slot(id))
    }

    pub(crate) fn of_name(name: &str) -> Self {
        Self::Subject(slot_of_name(name))
    }
}

impl From<Revoked> for Slot {
    fn from(revoked: Revoked) -> Self {
        match revoked {
            Revoked::Token(id) => Self::of_token(id),
            Revoked::Subject(subject) => Self::Subject(subject_slot(subject)),
            Revoked::Everyone => Self::Everyone,
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(slot) => write!(f, "t{slot}"),
            Self::Subject(slot) => write!(f, "s{slot}"),
            Self::Everyone => f.write_str("all"),
        }
    }
}

impl FromStr for Slot {
    type Err = std::convert::Infallible;

    /// Of a text that is no slot nothing is known: it may be any.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let slot = |text: &str| text.parse().ok().filter(|slot| *slot < SLOTS);
        let of_token = text.strip_prefix('t').and_then(slot).map(Self::Token);
        let of_subject = || text.strip_prefix('s').and_then(slot).map(Self::Subject);
        Ok(of_token.or_else(of_subject).unwrap_or(Self::Everyone))
    }
}

impl Freshness {
    /// Under this rule. A fact without an end of its own is kept for `longest` at most, and with `caps_all` any fact.
    pub(crate) fn open(kind: FreshnessKind, longest: Duration, caps_all: bool) -> Self {
        let rule = match kind {
            FreshnessKind::Epoch => Rule::Epoch(Box::default()),
            FreshnessKind::Denylist => Rule::Denylist(AtomicU64::new(0)),
            FreshnessKind::StatusList => Rule::StatusList(Box::default()),
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
            Rule::StatusList(list) => list.everyone.load(Ordering::Acquire),
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

    /// Whether a kept fact still holds, as far as numbers and the list tell.
    #[inline]
    pub(crate) fn holds(&self, mark: &Mark, clock: &Clock) -> bool {
        match &self.rule {
            Rule::Epoch(epochs) => epochs.holds(mark),
            Rule::Denylist(everyone) => everyone.load(Ordering::Acquire) <= mark.number,
            Rule::StatusList(list) => list.holds(mark, clock),
            Rule::Ttl | Rule::Exp => true,
        }
    }

    /// Whether what was revoked has to be asked on each request beside.
    #[inline]
    pub(crate) fn asks(&self) -> bool {
        matches!(self.rule, Rule::Denylist(_))
    }

    /// Whether a list is needed and none is known that is not older than its `ttl`.
    pub(crate) fn lacks_list(&self, clock: &Clock) -> bool {
        match &self.rule {
            Rule::StatusList(list) => !list.is_current(clock),
            _ => false,
        }
    }

    /// Whether a list is needed.
    pub(crate) fn reads_list(&self) -> bool {
        matches!(self.rule, Rule::StatusList(_))
    }

    /// Takes a list that may be used until then.
    pub(crate) fn take(&self, list: &StatusList, until: Timestamp) {
        if let Rule::StatusList(statuses) = &self.rule {
            statuses.take(list, until);
        }
    }

    /// How often anything was changed that a decision may depend on, whatever the rule.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Something was changed that ends nothing: somebody may do more than before.
    pub(crate) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether numbers tell what is stale, so that what others commit has to be heard of before a kept fact is used.
    pub(crate) fn is_by_numbers(&self) -> bool {
        matches!(self.rule, Rule::Epoch(_) | Rule::Denylist(_))
    }

    /// Call it once the revocation is committed, and answer the client after.
    pub(crate) fn revoked(&self, revoked: Revoked) {
        self.raise(revoked.into());
    }

    /// The same by slot: of what another server committed no more is known.
    pub(crate) fn raise(&self, slot: Slot) {
        self.changed();
        match (&self.rule, slot) {
            (Rule::Epoch(epochs), _) => epochs.raise(slot),
            // Of a token and of a subject the store tells.
            (Rule::Denylist(everyone), Slot::Everyone) => {
                everyone.fetch_add(1, Ordering::AcqRel);
            }
            // Of a token and of a subject the list tells.
            (Rule::StatusList(list), Slot::Everyone) => {
                list.everyone.fetch_add(1, Ordering::AcqRel);
            }
            (Rule::Denylist(_) | Rule::StatusList(_) | Rule::Ttl | Rule::Exp, _) => {}
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

    fn raise(&self, slot: Slot) {
        let number = self.sequence.fetch_add(1, Ordering::AcqRel) + 1;
        let slot = match slot {
            Slot::Token(slot) => &self.tokens[slot],
            Slot::Subject(slot) => &self.subjects[slot],
            Slot::Everyone => &self.everyone,
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

const fn token_slot(id: TokenId) -> usize {
    (id.number() % SLOTS as u128) as usize
}

/// A number tells the slot of its name: see [`crate::subjects`].
const fn subject_slot(subject: Subject) -> usize {
    subject.0 as usize % SLOTS
}

#[cfg(test)]
mod tests;
