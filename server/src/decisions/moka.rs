//! moka, with the same hasher and capacity as the other stores, and without its own expiry: our clock judges.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use equivalent::Equivalent;
use moka::sync::Cache;

use super::Entry;
use super::key::BySlot;

pub(crate) struct Moka<K, V> {
    cache: Cache<K, Entry<V>, BySlot>,
    evictions: Arc<AtomicU64>,
}

impl<K, V> Moka<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Copy + Send + Sync + 'static,
{
    pub(super) fn open(capacity: usize) -> Self {
        let evictions = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&evictions);
        let cache = Cache::builder()
            .max_capacity(capacity as u64)
            .eviction_listener(move |_, _, cause| {
                if cause.was_evicted() {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            })
            .build_with_hasher(BySlot);
        Self { cache, evictions }
    }

    pub(super) fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    pub(super) fn entries(&self) -> u64 {
        self.cache.entry_count()
    }

    pub(super) fn get<Q: Hash + Equivalent<K>>(&self, key: &Q) -> Option<Entry<V>> {
        self.cache.get(key)
    }

    pub(super) fn insert(&self, key: K, entry: Entry<V>) {
        self.cache.insert(key, entry);
    }

    /// Lets pending evictions happen, which moka otherwise does in passing.
    #[cfg(test)]
    pub(super) fn settle(&self) {
        self.cache.run_pending_tasks();
    }
}

impl<K, V> fmt::Debug for Moka<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Moka")
    }
}
