//! Revoked tokens. A revocation that left too early would let its token pass, so none is evicted. A subject that has
//! revoked its share begins a new generation instead: that ends all its tokens, and makes its revocations redundant.

use crate::bounded::Bounded;
use crate::clock::Timestamp;
use crate::grant::{Generation, TokenId};
use crate::subjects::Subject;

/// The most revocations that are held at once.
const MOST: usize = 1_000_000;

/// The most of one subject's tokens that are held as revoked one by one.
const SHARE: usize = MOST / 100;

/// How many redundant revocations leave when one is added.
const REDUNDANT_AT_ONCE: usize = 64;

/// A subject's tokens of one generation: the revocations of an earlier one are redundant.
pub(super) type Whose = (Subject, Generation);

#[derive(Debug)]
pub(super) struct Revocations {
    ids: Bounded<Whose, ()>,
    redundant: Vec<Whose>,
}

/// Whether there is room for one more revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Enough,
    /// Only once all tokens of this subject have ended.
    After(Whose),
}

impl Default for Revocations {
    fn default() -> Self {
        Self::new(MOST, SHARE)
    }
}

impl Revocations {
    pub(super) fn new(most: usize, share: usize) -> Self {
        Self {
            ids: Bounded::new(most, share),
            redundant: Vec::new(),
        }
    }

    pub(super) fn contains(&self, id: TokenId) -> bool {
        self.ids.contains(id)
    }

    /// Lets some go that have ended or are redundant.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.ids.forget_ended(now, |_, _| {});
        for _ in 0..REDUNDANT_AT_ONCE {
            let Some(whose) = self.redundant.last() else {
                return;
            };
            let first = self.ids.of(whose).next().map(|(id, ())| id);
            match first {
                Some(id) => drop(self.ids.remove(id)),
                None => drop(self.redundant.pop()),
            }
        }
    }

    pub(super) fn room_for(&self, whose: Whose) -> Room {
        if self.ids.has_its_share(&whose) {
            return Room::After(whose);
        }
        if !self.ids.is_full() {
            return Room::Enough;
        }
        match self.ids.heaviest() {
            Some((count, heaviest)) if count > 1.max(self.ids.count(&whose)) => {
                Room::After(*heaviest)
            }
            _ => Room::After(whose),
        }
    }

    /// The tokens of this subject and generation have all ended.
    pub(super) fn make_redundant(&mut self, whose: Whose, now: Timestamp) {
        self.redundant.push(whose);
        self.forget(now);
    }

    pub(super) fn insert(&mut self, id: TokenId, whose: Whose, end: Timestamp) {
        self.ids.insert(id, whose, (), end);
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.ids.len()
    }
}
