//! moka, with the same hasher and capacity as the other stores, and without its own expiry: our clock judges.

use std::fmt;

use moka::sync::Cache;

use super::key::{BySlot, StoredKey};
use super::{Entry, Key};

pub(crate) struct Moka<V>(Cache<StoredKey, Entry<V>, BySlot>);

impl<V: Copy + Send + Sync + 'static> Moka<V> {
    pub(super) fn open(capacity: usize) -> Self {
        Self(
            Cache::builder()
                .max_capacity(capacity as u64)
                .build_with_hasher(BySlot),
        )
    }

    pub(super) fn get(&self, key: &Key<'_>) -> Option<Entry<V>> {
        self.0.get(key)
    }

    pub(super) fn insert(&self, key: StoredKey, entry: Entry<V>) {
        self.0.insert(key, entry);
    }

    /// Lets pending evictions happen, which moka otherwise does in passing.
    #[cfg(test)]
    pub(super) fn settle(&self) {
        self.0.run_pending_tasks();
    }
}

impl<V> fmt::Debug for Moka<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Moka")
    }
}
