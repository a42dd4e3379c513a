//! Sessions and revoked tokens, in this server's memory: they end with it. So do all tokens: those of a random secret by
//! themselves, and those of a lasting one as they are older than the memory of what was revoked.

#[cfg(test)]
mod caps;
mod devices;
mod revocations;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use subtle::ConstantTimeEq as _;

use super::{DeviceFacts, Refreshed, Standing, Turned, refresh};
use crate::bounded::Bounded;
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::grant::{Generation, Mark, TokenId, Verified};
use crate::subjects::Subject;
use devices::Devices;
use revocations::{Revocations, Room};

/// The most sessions that are held at once, of each kind.
const MOST_SESSIONS: usize = 1_000_000;

/// The sessions and the revoked tokens that have not ended yet, and some that have.
#[derive(Debug)]
pub(crate) struct MemorySessions {
    revoked: RwLock<Revocations>,
    live: RwLock<Bounded<Subject, Standing>>,
    refreshed: Mutex<Bounded<Arc<str>, Refreshed>>,
    devices: RwLock<Devices>,
    /// Of those subjects that are no longer what they were at first.
    generations: RwLock<HashMap<Subject, Generation>>,
    /// How many those are: most requests need not look.
    changed: AtomicUsize,
    /// The second since which this store remembers, where tokens may be older than it is.
    born: u64,
}

impl MemorySessions {
    /// A store with so many of each subject, which refuses what is older than `since`.
    pub(crate) fn open(share: usize, since: Timestamp) -> Self {
        Self {
            born: since.seconds(),
            ..Self::of(MOST_SESSIONS, share, Revocations::default())
        }
    }

    fn of(most: usize, share: usize, revoked: Revocations) -> Self {
        Self {
            revoked: RwLock::new(revoked),
            live: RwLock::new(Bounded::new(most, share)),
            refreshed: Mutex::new(Bounded::new(most, share)),
            devices: RwLock::new(Devices::new(most)),
            generations: RwLock::default(),
            changed: AtomicUsize::new(0),
            born: 0,
        }
    }

    /// Whether a token of then is remembered, should it have been revoked. Its `iat` counts whole seconds.
    pub(super) fn remembers(&self, issued_at_seconds: u64) -> Result<(), Denied> {
        if issued_at_seconds >= self.born {
            Ok(())
        } else {
            Err(Denied::Unknown)
        }
    }

    pub(crate) fn check(&self, mark: &Mark) -> Result<(), Denied> {
        let revoked = self.revoked.read().unwrap_or_else(PoisonError::into_inner);
        if revoked.contains(mark.id) {
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

    /// Revokes a token of this subject. The answer is a subject all of whose tokens ended to make room for it.
    pub(super) fn revoke(
        &self,
        id: TokenId,
        subject: Subject,
        end: Timestamp,
        now: Timestamp,
    ) -> Option<Subject> {
        // Held while a generation begins: no token of the next one is revoked before those of this one are redundant.
        let mut revoked = self.revoked.write().unwrap_or_else(PoisonError::into_inner);
        revoked.forget(now);
        let whose = (subject, self.generation(subject));
        let Room::After(heaviest) = revoked.room_for(whose) else {
            revoked.insert(id, whose, end);
            return None;
        };
        let (all_of, generation) = heaviest;
        let is_current = self.generation(all_of) == generation;
        if is_current {
            self.end_all_of(all_of);
        }
        revoked.make_redundant(heaviest, now);
        if heaviest != whose {
            revoked.insert(id, whose, end);
        }
        is_current.then_some(all_of)
    }

    /// The answer is the token that was evicted to make room: it stands for nothing any more.
    pub(super) fn begin(
        &self,
        session: Standing,
        now: Timestamp,
    ) -> Result<Option<TokenId>, Denied> {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let mark = session.verified.mark;
        let end = Timestamp::from_seconds(session.verified.expires_at);
        let evicted = live.admit(mark.id, mark.subject, session, end, now)?;
        Ok(evicted.map(|gone| gone.id))
    }

    pub(super) fn find(&self, id: TokenId) -> Result<Verified, Denied> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        let verified = live.get(id).ok_or(Denied::Unknown)?.verified;
        drop(live);
        self.check_generation(&verified.mark, Denied::Unknown)?;
        Ok(verified)
    }

    pub(super) fn find_whole(&self, id: TokenId) -> Result<Standing, Denied> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        let standing = live.get(id).cloned().ok_or(Denied::Unknown)?;
        drop(live);
        self.check_generation(&standing.verified.mark, Denied::Unknown)?;
        Ok(standing)
    }

    /// Whether it still stands for what it did.
    pub(crate) fn stands(&self, mark: &Mark) -> Result<(), Denied> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        if !live.contains(mark.id) {
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
        live.remove(id);
    }
}

impl MemorySessions {
    /// The answer is the session that was evicted to make room.
    pub(super) fn begin_refreshed(
        &self,
        id: TokenId,
        session: Refreshed,
        now: Timestamp,
    ) -> Result<Option<(TokenId, Refreshed)>, Denied> {
        let mut refreshed = self.refreshed();
        let (name, end) = (Arc::clone(&session.name), session.end);
        let evicted = refreshed.admit(id, name, session, end, now)?;
        Ok(evicted.map(|gone| (gone.id, gone.value)))
    }

    pub(super) fn turn(
        &self,
        id: TokenId,
        kept: &refresh::Kept,
        next: refresh::Kept,
        now: Timestamp,
    ) -> Result<(), Turned> {
        let mut refreshed = self.refreshed();
        let session = refreshed.get_mut(id).ok_or(Turned::Unknown)?;
        if now >= session.end {
            refreshed.remove(id);
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
        let session = refreshed.get(id)?;
        (now < session.end).then(|| session.clone())
    }

    pub(super) fn end_refreshed(&self, id: TokenId) {
        self.refreshed().remove(id);
    }

    pub(super) fn devices(&self) -> RwLockReadGuard<'_, Devices> {
        self.devices.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn devices_mut(&self) -> RwLockWriteGuard<'_, Devices> {
        self.devices.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn refreshed(&self) -> MutexGuard<'_, Bounded<Arc<str>, Refreshed>> {
        self.refreshed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_tokens_leave_the_revoked_set_and_live_ones_stay() {
        const LEAST_PURGE: usize = 1024;
        let sessions = MemorySessions::open(10_000, Timestamp::from_seconds(0));
        for id in 0..100 * LEAST_PURGE as u128 {
            let now = id as u64;
            sessions.revoke(
                TokenId::of(id),
                Subject(0),
                Timestamp::from_seconds(now + 10),
                Timestamp::from_seconds(now),
            );
        }
        assert!(sessions.revoked.read().unwrap().count() <= LEAST_PURGE + 1);
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
