//! Sessions and revoked tokens, in this server's memory: they end with it, as do the tokens of a random secret.

mod devices;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use subtle::ConstantTimeEq as _;

use super::{DeviceFacts, Refreshed, Standing, Turned};
use crate::clock::Timestamp;
use crate::credential::refresh;
use crate::denied::Denied;
use crate::request::{Generation, Mark, TokenId, Verified};
use crate::subjects::Subject;
use devices::Devices;

/// Below this many entries, looking for ended ones is not worth it.
const LEAST_PURGE: usize = 1024;

/// The most sessions that are held at once; whoever signs in beyond is told to come back (503).
const MOST_SESSIONS: usize = 1_000_000;

/// The sessions and the revoked tokens that have not ended yet, and some that have.
#[derive(Debug, Default)]
pub(crate) struct MemorySessions {
    revoked: RwLock<Until<Timestamp>>,
    live: RwLock<Until<Standing>>,
    refreshed: Mutex<Until<Refreshed>>,
    devices: RwLock<Devices>,
    /// Of those subjects that are no longer what they were at first.
    generations: RwLock<HashMap<Subject, Generation>>,
    /// How many those are: most requests need not look.
    changed: AtomicUsize,
}

/// Facts about tokens that end.
#[derive(Debug)]
struct Until<V> {
    facts: HashMap<TokenId, V>,
    purge_at: usize,
}

impl<V> Default for Until<V> {
    fn default() -> Self {
        Self {
            facts: HashMap::new(),
            purge_at: LEAST_PURGE,
        }
    }
}

impl<V> Until<V> {
    /// For one more.
    fn make_room(&mut self, now: Timestamp, end: impl Fn(&V) -> Timestamp) -> Result<(), Denied> {
        if self.facts.len() >= MOST_SESSIONS {
            self.facts.retain(|_, fact| now < end(fact));
        }
        if self.facts.len() >= MOST_SESSIONS {
            return Err(Denied::Unavailable);
        }
        Ok(())
    }

    fn insert(&mut self, id: TokenId, fact: V, now: Timestamp, end: impl Fn(&V) -> Timestamp) {
        self.facts.insert(id, fact);
        // Twice what was left last time: each entry is looked at a bounded number of times, and the set stays
        // within twice the tokens that could still be used.
        if self.facts.len() > self.purge_at {
            self.facts.retain(|_, fact| now < end(fact));
            self.purge_at = LEAST_PURGE.max(2 * self.facts.len());
        }
    }
}

impl MemorySessions {
    pub(crate) fn check(&self, mark: &Mark) -> Result<(), Denied> {
        let revoked = self.revoked.read().unwrap_or_else(PoisonError::into_inner);
        if revoked.facts.contains_key(&mark.id) {
            return Err(Denied::Revoked);
        }
        drop(revoked);
        self.check_generation(mark, Denied::Revoked)
    }

    fn check_generation(&self, mark: &Mark, otherwise: Denied) -> Result<(), Denied> {
        if self.generation(mark.subject) == mark.generation {
            Ok(())
        } else {
            Err(otherwise)
        }
    }

    pub(super) fn generation(&self, subject: Subject) -> Generation {
        if self.changed.load(Ordering::Acquire) == 0 {
            return 0;
        }
        let generations = self.generations.read();
        let generations = generations.unwrap_or_else(PoisonError::into_inner);
        generations.get(&subject).copied().unwrap_or(0)
    }

    pub(super) fn end_all_of(&self, subject: Subject) {
        let generations = self.generations.write();
        let mut generations = generations.unwrap_or_else(PoisonError::into_inner);
        let generation = generations.entry(subject).or_default();
        *generation = generation.wrapping_add(1);
        self.changed.store(generations.len(), Ordering::Release);
    }

    pub(super) fn revoke(&self, id: TokenId, end: Timestamp, now: Timestamp) {
        let mut revoked = self.revoked.write().unwrap_or_else(PoisonError::into_inner);
        revoked.insert(id, end, now, |end| *end);
    }

    pub(super) fn begin(&self, session: Standing, now: Timestamp) -> Result<(), Denied> {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        live.make_room(now, end)?;
        live.insert(session.verified.mark.id, session, now, end);
        Ok(())
    }

    pub(super) fn find(&self, id: TokenId) -> Result<Verified, Denied> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        let verified = live.facts.get(&id).ok_or(Denied::Unknown)?.verified;
        drop(live);
        self.check_generation(&verified.mark, Denied::Unknown)?;
        Ok(verified)
    }

    pub(super) fn find_whole(&self, id: TokenId) -> Result<Standing, Denied> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        let standing = live.facts.get(&id).cloned().ok_or(Denied::Unknown)?;
        drop(live);
        self.check_generation(&standing.verified.mark, Denied::Unknown)?;
        Ok(standing)
    }

    /// Whether it still stands for what it did.
    pub(crate) fn stands(&self, mark: &Mark) -> Result<(), Denied> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        if !live.facts.contains_key(&mark.id) {
            return Err(Denied::Unknown);
        }
        drop(live);
        self.check_generation(mark, Denied::Unknown)
    }

    pub(crate) fn device(
        &self,
        name: &str,
        subject: Subject,
        id: TokenId,
    ) -> Result<DeviceFacts, Denied> {
        let facts = self.devices().find(name, id)?;
        if self.generation(subject) == facts.generation {
            Ok(facts)
        } else {
            Err(Denied::Unknown)
        }
    }

    pub(super) fn end(&self, id: TokenId) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        live.facts.remove(&id);
    }
}

impl MemorySessions {
    pub(super) fn begin_refreshed(
        &self,
        id: TokenId,
        session: Refreshed,
        now: Timestamp,
    ) -> Result<(), Denied> {
        let mut refreshed = self.refreshed();
        refreshed.make_room(now, |session| session.end)?;
        refreshed.insert(id, session, now, |session| session.end);
        Ok(())
    }

    pub(super) fn turn(
        &self,
        id: TokenId,
        kept: &refresh::Kept,
        next: refresh::Kept,
        now: Timestamp,
    ) -> Result<(), Turned> {
        let mut refreshed = self.refreshed();
        let session = refreshed.facts.get_mut(&id).ok_or(Turned::Unknown)?;
        if now >= session.end {
            refreshed.facts.remove(&id);
            return Err(Turned::Unknown);
        }
        if !bool::from(session.kept.ct_eq(kept)) {
            return Err(Turned::Again);
        }
        session.kept = next;
        Ok(())
    }

    pub(super) fn look(&self, id: TokenId, now: Timestamp) -> Option<Refreshed> {
        let refreshed = self.refreshed();
        let session = refreshed.facts.get(&id)?;
        (now < session.end).then(|| session.clone())
    }

    pub(super) fn end_refreshed(&self, id: TokenId) {
        self.refreshed().facts.remove(&id);
    }

    pub(super) fn devices(&self) -> RwLockReadGuard<'_, Devices> {
        self.devices.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn devices_mut(&self) -> RwLockWriteGuard<'_, Devices> {
        self.devices.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn refreshed(&self) -> MutexGuard<'_, Until<Refreshed>> {
        self.refreshed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn end(session: &Standing) -> Timestamp {
    Timestamp::from_seconds(session.verified.expires_at)
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
                TokenId::of(id),
                Timestamp::from_seconds(now + 10),
                Timestamp::from_seconds(now),
            );
        }
        assert!(sessions.revoked.read().unwrap().facts.len() <= LEAST_PURGE + 1);
        let mark = |id| Mark {
            number: 0,
            id: TokenId::of(id),
            subject: Subject(0),
            generation: 0,
        };
        assert_eq!(
            sessions.check(&mark(100 * LEAST_PURGE as u128 - 1)),
            Err(Denied::Revoked)
        );
        assert_eq!(sessions.check(&mark(u128::MAX)), Ok(()));
    }
}
