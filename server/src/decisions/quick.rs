//! `quick_cache`: a read locks one shard for reading and copies the entry out.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, UnitWeighter};

use equivalent::Equivalent;

use super::Entry;
use super::key::BySlot;

pub(crate) struct Quick<K, V> {
    cache: Cache<K, Entry<V>, UnitWeighter, BySlot, Evictions>,
    evictions: Evictions,
}

/// How many entries left to make room.
#[derive(Clone, Default)]
struct Evictions(Arc<AtomicU64>);

impl<K, V> Lifecycle<K, Entry<V>> for Evictions {
    /// What was evicted, dropped once its shard is free again.
    type RequestState = Option<K>;

    fn on_evict(&self, state: &mut Self::RequestState, key: K, _: Entry<V>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        *state = Some(key);
    }
}

impl<K: Hash + Eq, V: Copy> Quick<K, V> {
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
    pub(super) fn get<Q: Hash + Equivalent<K>>(&self, key: &Q) -> Option<Entry<V>> {
        self.cache.get(key)
    }

    pub(super) fn insert(&self, key: K, entry: Entry<V>) {
        self.cache.insert(key, entry);
    }

    pub(super) fn clear(&self) {
        self.cache.clear();
    }
}

impl<K, V> fmt::Debug for Quick<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Quick")
    }
}
