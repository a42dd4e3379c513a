//! `quick_cache`: a read locks one shard for reading and copies the entry out.

use std::fmt;

use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use super::key::{BySlot, StoredKey};
use super::{Entry, Key};

type Evicted<V> = DefaultLifecycle<StoredKey, Entry<V>>;

pub(crate) struct Quick<V>(Cache<StoredKey, Entry<V>, UnitWeighter, BySlot, Evicted<V>>);

impl<V: Copy> Quick<V> {
    pub(super) fn open(capacity: usize) -> Self {
        Self(Cache::with(
            capacity,
            capacity as u64,
            UnitWeighter,
            BySlot,
            DefaultLifecycle::default(),
        ))
    }

    #[inline]
    pub(super) fn get(&self, key: &Key<'_>) -> Option<Entry<V>> {
        self.0.get(key)
    }

    pub(super) fn insert(&self, key: StoredKey, entry: Entry<V>) {
        self.0.insert(key, entry);
    }
}

impl<V> fmt::Debug for Quick<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Quick")
    }
}
