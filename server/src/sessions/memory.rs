//! Revoked tokens, in this server's memory: they end with it, as do the tokens of a random secret.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::request::TokenId;

/// Below this many entries, looking for ended ones is not worth it.
const LEAST_PURGE: usize = 1024;

/// The revoked tokens that have not ended yet, and some that have.
#[derive(Debug, Default)]
pub(crate) struct MemorySessions(RwLock<Revoked>);

#[derive(Debug, Default)]
struct Revoked {
    ends: HashMap<TokenId, Timestamp>,
    purge_at: usize,
}

impl MemorySessions {
    pub(super) fn check(&self, id: TokenId) -> Result<(), Denied> {
        let revoked = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if revoked.ends.contains_key(&id) {
            Err(Denied::Revoked)
        } else {
            Ok(())
        }
    }

    pub(super) fn revoke(&self, id: TokenId, end: Timestamp, now: Timestamp) {
        let mut revoked = self.0.write().unwrap_or_else(PoisonError::into_inner);
        revoked.ends.insert(id, end);
        // Twice what was left last time: each entry is looked at a bounded number of times, and the set stays
        // within twice the tokens that could still be used.
        if revoked.ends.len() > revoked.purge_at.max(LEAST_PURGE) {
            revoked.ends.retain(|_, end| now < *end);
            revoked.purge_at = 2 * revoked.ends.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_tokens_leave_the_revoked_set_and_live_ones_stay() {
        let sessions = MemorySessions::default();
        for id in 0..100 * LEAST_PURGE as u128 {
            let now = id as u64;
            sessions.revoke(
                TokenId(id),
                Timestamp::from_seconds(now + 10),
                Timestamp::from_seconds(now),
            );
        }
        assert!(sessions.0.read().unwrap().ends.len() <= LEAST_PURGE + 1);
        assert_eq!(
            sessions.check(TokenId(100 * LEAST_PURGE as u128 - 1)),
            Err(Denied::Revoked)
        );
        assert_eq!(sessions.check(TokenId(u128::MAX)), Ok(()));
    }
}
