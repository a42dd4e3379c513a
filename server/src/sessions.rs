//! Facts that can change under a token: whether it was revoked, and of an opaque one everything.

mod memory;

use std::fmt;
use std::sync::Arc;

use crate::binding::Bound;
use crate::clock::Timestamp;
use crate::credential::refresh;
use crate::denied::Denied;
use crate::request::{TokenId, Verified};

/// A session that is refreshed: whose, bound to whom, until when, and what is kept of its current turn.
#[derive(Clone)]
pub(crate) struct Refreshed {
    pub(crate) name: Arc<str>,
    pub(crate) bound: Bound,
    pub(crate) end: Timestamp,
    pub(crate) kept: refresh::Kept,
}

impl fmt::Debug for Refreshed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refreshed")
            .field("name", &self.name)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

/// Why a session has no next turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turned {
    /// There is no such session, or it has ended.
    Unknown,
    /// The turn was used before: the session has ended now.
    Again,
}

/// Where those facts live.
#[derive(Debug)]
pub(crate) enum Sessions {
    Memory(memory::MemorySessions),
}

impl Sessions {
    pub(crate) fn open() -> Self {
        Self::Memory(memory::MemorySessions::default())
    }

    /// Refuses a revoked token.
    pub(crate) fn check(&self, id: TokenId) -> Result<(), Denied> {
        match self {
            Self::Memory(memory) => memory.check(id),
        }
    }

    /// Commits a revocation, until the token would have ended by itself.
    pub(crate) fn revoke(&self, id: TokenId, end: Timestamp, now: Timestamp) {
        match self {
            Self::Memory(memory) => memory.revoke(id, end, now),
        }
    }

    /// Keeps what a token stands for, until it ends.
    pub(crate) fn begin(&self, session: Verified, now: Timestamp) -> Result<(), Denied> {
        match self {
            Self::Memory(memory) => memory.begin(session, now),
        }
    }

    /// What a token stands for. Whether it has ended is not judged.
    pub(crate) fn find(&self, id: TokenId) -> Result<Verified, Denied> {
        match self {
            Self::Memory(memory) => memory.find(id),
        }
    }

    /// Keeps a session that is refreshed.
    pub(crate) fn begin_refreshed(
        &self,
        id: TokenId,
        session: Refreshed,
        now: Timestamp,
    ) -> Result<(), Denied> {
        match self {
            Self::Memory(memory) => memory.begin_refreshed(id, session, now),
        }
    }

    /// A session that is refreshed and has not ended.
    pub(crate) fn look(&self, id: TokenId, now: Timestamp) -> Option<Refreshed> {
        match self {
            Self::Memory(memory) => memory.look(id, now),
        }
    }

    /// Gives a session its next turn, if `kept` is what is kept of its current one. A turn
    /// that was used before ends the session instead: its thief or its owner has the current one, and which of the
    /// two is not known.
    pub(crate) fn turn(
        &self,
        id: TokenId,
        kept: &refresh::Kept,
        next: refresh::Kept,
        now: Timestamp,
    ) -> Result<(), Turned> {
        match self {
            Self::Memory(memory) => memory.turn(id, kept, next, now),
        }
    }

    /// Ends a session that is refreshed, if it is one.
    pub(crate) fn end_refreshed(&self, id: TokenId) {
        match self {
            Self::Memory(memory) => memory.end_refreshed(id),
        }
    }

    /// Forgets what a token stood for.
    pub(crate) fn end(&self, id: TokenId) {
        match self {
            Self::Memory(memory) => memory.end(id),
        }
    }
}
