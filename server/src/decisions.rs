//! What is remembered between requests: nothing, what a token says, or what was decided. Get and insert only; what
//! makes a remembered fact stale is [`crate::freshness`]'s to say, and our clock judges its time.

mod digest;
mod key;
mod moka;
mod negative;
mod quick;
mod redis;

use self::digest::Wanted;
use self::key::{Patterns, StoredKey};
use self::moka::Moka;
use self::quick::Quick;
use crate::axis::axis;
use crate::clock::{Clock, Timestamp};
use crate::denied::Denied;
use crate::freshness::Freshness;
use crate::grant::{Grant, Verified};
use crate::request::Request;
use crate::sessions::Sessions;
use crate::sessions::redis::RedisSessions;
use crate::subjects::Subjects;
pub(crate) use digest::{Digest, Digests};
pub(crate) use key::{Keys, Parts};
pub(crate) use negative::Negative;
pub(crate) use redis::{Place, Shared};

axis! {
    /// What is remembered between requests.
    pub enum CacheKind: "cache" {
        /// nothing
        None = "none",
        /// the content of a token: saves its verification; revocation, binding and policy are still checked
        Token = "token",
        /// the decision: method, place, sender and token to a grant
        Decision = "decision",
    }
}

/// What is remembered, and where: this is the opened part.
#[derive(Debug)]
pub(crate) enum Cache {
    None,
    Token(Box<Store<Verified>>),
    /// In this server's memory, and where it is tiered also for several servers.
    Decision(Box<Store<Grant>>, Option<Box<Shared>>),
    /// Decisions that several servers share.
    Shared(Box<Shared>, Keys),
}

axis! {
    /// Which cache remembers.
    pub enum CacheStore: "cache-store" {
        /// the `quick_cache` crate (S3-FIFO)
        Quick = "quick",
        /// the `moka` crate (`TinyLFU`)
        Moka = "moka",
        /// the Redis server of --sessions: several servers share their decisions
        Redis = "redis",
        /// the same, and a `quick_cache` of this server's own in front of it
        Tiered = "tiered",
    }
}

impl CacheStore {
    /// Whether several servers share it.
    pub(crate) const fn is_shared(self) -> bool {
        matches!(self, Self::Redis | Self::Tiered)
    }
}

axis! {
    /// What two requests must share to share a decision.
    pub enum CacheKey: "cache-key" {
        /// method, matched route, sender and token
        Route = "route",
        /// method, path with query, sender and token
        Sender = "sender",
        /// method, path with query and token, as in the article. UNSAFE: a stolen token passes
        Article = "article",
    }
}

axis! {
    /// What is kept of a key.
    pub enum CacheForm: "cache-form" {
        /// all its bytes, token and all, and all are compared
        Exact = "exact",
        /// a keyed hash of 128 bits: no token lies in memory, and an entry takes the same few bytes whatever its length
        Digest = "digest",
    }
}

impl Cache {
    /// The grant that was decided for this key, if it still holds as far as this server knows.
    #[inline]
    pub(crate) fn grant(
        &self,
        request: &Request<'_>,
        token: &str,
        clock: &Clock,
        fresh: &Freshness,
    ) -> Option<Grant> {
        let Self::Decision(store, _) = self else {
            return None;
        };
        let entry = store.get(store.keys.decision(request, token))?;
        (entry.in_time(clock.now()) && fresh.holds(&entry.fact.mark, clock)).then_some(entry.fact)
    }

    /// What the token was found to say, if that still holds.
    pub(crate) fn verified(
        &self,
        request: &Request<'_>,
        token: &str,
        clock: &Clock,
        fresh: &Freshness,
    ) -> Option<Verified> {
        let Self::Token(store) = self else {
            return None;
        };
        let entry = store.get(store.keys.token(request, token))?;
        (entry.in_time(clock.now()) && fresh.holds(&entry.fact.mark, clock)).then_some(entry.fact)
    }

    /// Whether several servers share it.
    pub(crate) fn is_shared(&self) -> bool {
        self.shared().is_some()
    }

    fn shared(&self) -> Option<(&Shared, &Keys)> {
        match self {
            Self::Shared(shared, keys) => Some((shared, keys)),
            Self::Decision(near, shared) => Some((shared.as_deref()?, &near.keys)),
            Self::None | Self::Token(_) => None,
        }
    }

    /// What is kept under this key for all servers; nothing where they share none, or the store does not answer.
    pub(crate) async fn look(
        &self,
        request: &Request<'_>,
        token: &str,
        now: Timestamp,
        beside: Beside<'_>,
    ) -> Option<redis::Looked> {
        let (shared, keys) = self.shared()?;
        let redis = beside.sessions.in_redis()?;
        let parts = keys.decision(request, token);
        let looked = shared.look(redis, &parts, now, beside.subjects).await;
        looked.ok()
    }

    /// Runs the commands that shared decisions need.
    pub(crate) async fn probe(&self, redis: &RedisSessions) -> Result<(), Denied> {
        match self.shared() {
            Some((shared, _)) => shared.probe(redis).await,
            None => Ok(()),
        }
    }

    /// Keeps a decision for all servers, where it began.
    pub(crate) async fn share(
        &self,
        place: &Place,
        grant: &Grant,
        kept: Kept,
        now: Timestamp,
        beside: Beside<'_>,
    ) {
        let (Some((shared, _)), Some(redis)) = (self.shared(), beside.sessions.in_redis()) else {
            return;
        };
        let name = beside.subjects.name(grant.subject());
        // Not to keep one is always safe.
        let _ = shared.keep(redis, place, grant, kept, now, &name).await;
    }

    /// What is shared begins anew under these keys and this policy.
    pub(crate) fn rename(&self, key: &str, policy: u64) {
        if let Some((shared, _)) = self.shared() {
            shared.rename(key, policy);
        }
    }

    /// How many entries left to make room for others.
    pub(crate) fn evictions(&self) -> u64 {
        match self {
            Self::None | Self::Shared(..) => 0,
            Self::Token(store) => store.evictions(),
            Self::Decision(store, _) => store.evictions(),
        }
    }

    /// How many entries there are, ended ones among them; of those in Redis, Redis tells.
    pub(crate) fn entries(&self) -> u64 {
        match self {
            Self::None | Self::Shared(..) => 0,
            Self::Token(store) => store.entries(),
            Self::Decision(store, _) => store.entries(),
        }
    }

    /// Remembers that this token was verified, or that this request was granted: whichever this cache is for.
    pub(crate) fn store(
        &self,
        request: &Request<'_>,
        token: &str,
        verified: &Verified,
        grant: Grant,
        kept: Kept,
    ) {
        match self {
            Self::None | Self::Shared(..) => {}
            Self::Token(store) => {
                store.insert(store.keys.token(request, token), kept.entry(*verified));
            }
            Self::Decision(..) => {
                self.store_grant(request, token, kept.entry(grant));
            }
        }
    }

    /// Remembers here what was decided, wherever.
    pub(crate) fn store_grant(&self, request: &Request<'_>, token: &str, entry: Entry<Grant>) {
        if let Self::Decision(store, _) = self {
            store.insert(store.keys.decision(request, token), entry);
        }
    }
}

/// What shared decisions lie beside, and whom they are about.
#[derive(Clone, Copy)]
pub(crate) struct Beside<'a> {
    pub(crate) sessions: &'a Sessions,
    pub(crate) subjects: &'a Subjects,
}

/// A remembered fact and the times between which it may be used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<V> {
    fact: V,
    kept: Kept,
}

/// The times between which a fact may be used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

impl Kept {
    pub(crate) fn entry<V>(self, fact: V) -> Entry<V> {
        Entry { fact, kept: self }
    }
}

impl<V: Copy> Entry<V> {
    pub(crate) fn fact(&self) -> V {
        self.fact
    }

    #[inline]
    fn in_time(&self, now: Timestamp) -> bool {
        self.kept.from <= now && now < self.kept.until
    }

    /// The same times of another fact.
    pub(crate) fn map(self, fact: impl FnOnce(V) -> V) -> Self {
        Self {
            fact: fact(self.fact),
            ..self
        }
    }
}

/// The cache that was chosen, with its keys.
#[derive(Debug)]
pub(crate) struct Store<V: Copy + Send + Sync + 'static> {
    pub(crate) keys: Keys,
    shelf: Shelf<V>,
}

#[derive(Debug)]
enum Shelf<V: Copy + Send + Sync + 'static> {
    Quick(Quick<StoredKey, V>, Patterns),
    Moka(Moka<StoredKey, V>, Patterns),
    QuickDigest(Quick<Digest, V>, Digests),
    MokaDigest(Moka<Digest, V>, Digests),
}

impl<V: Copy + Send + Sync + 'static> Store<V> {
    /// A store of one process; whatever is not moka's is `quick_cache`'s.
    pub(crate) fn open(store: CacheStore, form: CacheForm, capacity: usize, keys: Keys) -> Self {
        let digests = match form {
            CacheForm::Exact => None,
            CacheForm::Digest => Some(Digests::open()),
        };
        let shelf = match (store, digests) {
            (CacheStore::Quick | CacheStore::Redis | CacheStore::Tiered, None) => {
                Shelf::Quick(Quick::open(capacity), Patterns::open(capacity))
            }
            (CacheStore::Quick | CacheStore::Redis | CacheStore::Tiered, Some(digests)) => {
                Shelf::QuickDigest(Quick::open(capacity), digests)
            }
            (CacheStore::Moka, None) => Shelf::Moka(Moka::open(capacity), Patterns::open(capacity)),
            (CacheStore::Moka, Some(digests)) => Shelf::MokaDigest(Moka::open(capacity), digests),
        };
        Self { keys, shelf }
    }

    fn evictions(&self) -> u64 {
        match &self.shelf {
            Shelf::Quick(quick, _) => quick.evictions(),
            Shelf::Moka(moka, _) => moka.evictions(),
            Shelf::QuickDigest(quick, _) => quick.evictions(),
            Shelf::MokaDigest(moka, _) => moka.evictions(),
        }
    }

    pub(crate) fn entries(&self) -> u64 {
        match &self.shelf {
            Shelf::Quick(quick, _) => quick.entries(),
            Shelf::Moka(moka, _) => moka.entries(),
            Shelf::QuickDigest(quick, _) => quick.entries(),
            Shelf::MokaDigest(moka, _) => moka.entries(),
        }
    }

    #[inline]
    pub(crate) fn get(&self, parts: Parts<'_>) -> Option<Entry<V>> {
        match &self.shelf {
            Shelf::Quick(quick, _) => quick.get(&self.keys.exact(&parts)),
            Shelf::Moka(moka, _) => moka.get(&self.keys.exact(&parts)),
            Shelf::QuickDigest(quick, digests) => quick.get(&Wanted(digests.of(&parts))),
            Shelf::MokaDigest(moka, digests) => moka.get(&Wanted(digests.of(&parts))),
        }
    }

    /// Keeps an entry, unless its key is too long: capacity counts entries, and their bytes must be bounded too. Not
    /// to keep one is always safe.
    pub(crate) fn insert(&self, parts: Parts<'_>, entry: Entry<V>) {
        if !parts.may_be_kept() {
            return;
        }
        match &self.shelf {
            Shelf::Quick(quick, patterns) => {
                quick.insert(self.keys.exact(&parts).stored(patterns), entry);
            }
            Shelf::Moka(moka, patterns) => {
                moka.insert(self.keys.exact(&parts).stored(patterns), entry);
            }
            Shelf::QuickDigest(quick, digests) => quick.insert(digests.of(&parts), entry),
            Shelf::MokaDigest(moka, digests) => moka.insert(digests.of(&parts), entry),
        }
    }

    /// Lets pending evictions happen, which moka otherwise does in passing.
    #[cfg(test)]
    fn settle(&self) {
        match &self.shelf {
            Shelf::Moka(moka, _) => moka.settle(),
            Shelf::MokaDigest(moka, _) => moka.settle(),
            Shelf::Quick(..) | Shelf::QuickDigest(..) => {}
        }
    }
}

#[cfg(test)]
mod tests;
