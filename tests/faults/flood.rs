//! One client that fills a store.
