//! `quick_cache`: a read locks one shard for reading and copies the entry out.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, UnitWeighter};

use super::key::{BySlot, StoredKey};
use super::{Entry, Key};

pub(crate) struct Quick<V> {
    cache: Cache<StoredKey, Entry<V>, UnitWeighter, BySlot, Evictions>,
    evictions: Evictions,
}

/// How many entries left to make room.
#[derive(Clone, Default)]
struct Evictions(Arc<AtomicU64>);

impl<V> Lifecycle<StoredKey, Entry<V>> for Evictions {
    /// What was evicted, dropped once its shard is free again.
    type RequestState = Option<StoredKey>;

    fn on_evict(&self, state: &mut Self::RequestState, key: StoredKey, _: Entry<V>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        *state = Some(key);
    }
}

impl<V: Copy> Quick<V> {
    pub(super) fn open(capacity: usize) -> Self {
        let evictions = Evictions::default();
        let cache = Cache::with(
            capacity,
            capacity as u64,
            UnitWeighter,
            BySlot,
            evictions.clone(),
        );
        Self { cache, evictions }
    }

    pub(super) fn evictions(&self) -> u64 {
        self.evictions.0.load(Ordering::Relaxed)
    }

    pub(super) fn entries(&self) -> u64 {
        self.cache.len() as u64
    }

    #[inline]
    pub(super) fn get(&self, key: &Key<'_>) -> Option<Entry<V>> {
        self.cache.get(key)
    }

    pub(super) fn insert(&self, key: StoredKey, entry: Entry<V>) {
        self.cache.insert(key, entry);
    }
}

impl<V> fmt::Debug for Quick<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Quick")
    }
}
