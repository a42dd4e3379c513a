//! Facts that can change under a token: whether it was revoked, and of an opaque one everything.

mod memory;

use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::request::{TokenId, Verified};

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

    /// Forgets what a token stood for.
    pub(crate) fn end(&self, id: TokenId) {
        match self {
            Self::Memory(memory) => memory.end(id),
        }
    }
}
