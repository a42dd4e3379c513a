//! What is remembered between requests: nothing, what a token says, or what was decided. Get and insert only; what
//! makes a remembered fact stale is [`crate::freshness`]'s to say, and our clock judges its time.

mod key;
mod moka;
mod quick;

use crate::axis::axis;
use crate::clock::{Clock, Timestamp};
use crate::freshness::Freshness;
use crate::request::{Grant, Request, Verified};
use crate::setup::Design;
pub(crate) use key::{Key, Keys};

axis! {
    /// What is remembered between requests.
    pub enum CacheKind opens Cache: "cache" {
        /// nothing
        None = "none",
        /// what a token says: saves its verification; revocation, binding and policy are still checked
        Token(Box<Store<Verified>>) = "token",
        /// the decision: method, place, sender and token to a grant
        Decision(Box<Store<Grant>>) = "decision",
    }
}

axis! {
    /// Which cache remembers.
    pub enum CacheStore: "cache-store" {
        /// the `quick_cache` crate (S3-FIFO)
        Quick = "quick",
        /// the `moka` crate (`TinyLFU`)
        Moka = "moka",
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

impl Cache {
    pub(crate) fn open(design: &Design) -> Self {
        match design.cache {
            CacheKind::None => Self::None,
            CacheKind::Token => Self::Token(Box::new(Store::open(design))),
            CacheKind::Decision => Self::Decision(Box::new(Store::open(design))),
        }
    }

    /// The grant that was decided for this key, if it still holds.
    #[inline]
    pub(crate) fn grant(
        &self,
        request: &Request<'_>,
        token: &str,
        clock: &Clock,
        fresh: &Freshness,
    ) -> Option<Grant> {
        let Self::Decision(store) = self else {
            return None;
        };
        let entry = store.get(&store.keys().decision(request, token))?;
        (entry.in_time(clock.now()) && fresh.holds(&entry.fact.mark)).then_some(entry.fact)
    }

    /// What the token was found to say, if that still holds.
    pub(crate) fn verified(
        &self,
        token: &str,
        now: Timestamp,
        fresh: &Freshness,
    ) -> Option<Verified> {
        let Self::Token(store) = self else {
            return None;
        };
        let entry = store.get(&store.keys().token(token))?;
        (entry.in_time(now) && fresh.holds(&entry.fact.mark)).then_some(entry.fact)
    }

    /// How many entries left to make room for others.
    pub(crate) fn evictions(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::Token(store) => store.evictions(),
            Self::Decision(store) => store.evictions(),
        }
    }

    /// How many entries there are, ended ones among them.
    pub(crate) fn entries(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::Token(store) => store.entries(),
            Self::Decision(store) => store.entries(),
        }
    }

    /// Remembers that this token was verified, or that this request was granted: whichever this cache is for.
    pub(crate) fn store(
        &self,
        request: &Request<'_>,
        token: &str,
        verified: &Verified,
        kept: Kept,
    ) {
        match self {
            Self::None => {}
            Self::Token(store) => store.insert(&store.keys().token(token), kept.entry(*verified)),
            Self::Decision(store) => {
                store.insert(
                    &store.keys().decision(request, token),
                    kept.entry(verified.grant()),
                );
            }
        }
    }
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
}

/// The cache that was chosen, with its keys.
#[derive(Debug)]
pub(crate) enum Store<V: Copy + Send + Sync + 'static> {
    Quick(quick::Quick<V>, Keys),
    Moka(moka::Moka<V>, Keys),
}

impl<V: Copy + Send + Sync + 'static> Store<V> {
    pub(crate) fn open(design: &Design) -> Self {
        let (capacity, keys) = (design.cache_capacity.get(), Keys::new(design.cache_key));
        match design.cache_store {
            CacheStore::Quick => Self::Quick(quick::Quick::open(capacity), keys),
            CacheStore::Moka => Self::Moka(moka::Moka::open(capacity), keys),
        }
    }

    fn evictions(&self) -> u64 {
        match self {
            Self::Quick(quick, _) => quick.evictions(),
            Self::Moka(moka, _) => moka.evictions(),
        }
    }

    fn entries(&self) -> u64 {
        match self {
            Self::Quick(quick, _) => quick.entries(),
            Self::Moka(moka, _) => moka.entries(),
        }
    }

    #[inline]
    pub(crate) fn keys(&self) -> &Keys {
        match self {
            Self::Quick(_, keys) | Self::Moka(_, keys) => keys,
        }
    }

    #[inline]
    pub(crate) fn get(&self, key: &Key<'_>) -> Option<Entry<V>> {
        match self {
            Self::Quick(quick, _) => quick.get(key),
            Self::Moka(moka, _) => moka.get(key),
        }
    }

    /// Keeps an entry, unless its key is too long: capacity counts entries, and their bytes must be bounded too. Not
    /// to keep one is always safe.
    pub(crate) fn insert(&self, key: &Key<'_>, entry: Entry<V>) {
        let Some(key) = key.stored() else { return };
        match self {
            Self::Quick(quick, _) => quick.insert(key, entry),
            Self::Moka(moka, _) => moka.insert(key, entry),
        }
    }
}

#[cfg(test)]
mod tests;
