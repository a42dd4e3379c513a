//! Facts that can change under a token: for now, whether it was revoked.

mod memory;

use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::request::TokenId;

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
}
