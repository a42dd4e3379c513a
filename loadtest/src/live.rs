//! The slice under way, as another thread may look at it without stopping the generator.
//!
//! A copy of the histograms would hold the recorder for some 100 µs and make requests late. These
//! are counters beside them, coarse and without a lock: the generator's thread is their only
//! writer, so that counting is a load and a store, 4 ns a request.

mod distribution;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use distribution::Counters;
pub use distribution::{Bars, Distribution};

/// What the users have done in the slice so far.
pub(crate) struct Live {
    /// The variant's name.
    pub(crate) variant: String,
    pub(crate) aim: Aim,
    response: Counters,
    service: Counters,
    timer: Counters,
    /// Locked by requests that fail, and to be looked at.
    failed: Mutex<BTreeMap<String, u64>>,
    retried: AtomicU64,
}

/// What a slice is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// To warm a server up.
    WarmUp,
    /// To be measured, in this block within its load, from 0.
    Block(usize),
    /// To try one rate of a search for the highest.
    Search,
}

impl Live {
    pub(crate) fn new(variant: &str, aim: Aim) -> Self {
        Self {
            variant: variant.to_owned(),
            aim,
            response: Counters::default(),
            service: Counters::default(),
            timer: Counters::default(),
            failed: Mutex::default(),
            retried: AtomicU64::default(),
        }
    }

    /// Counts an answer. Only the thread that holds the slice's recorder calls it.
    pub(crate) fn answered(&self, response_ns: u64, service_ns: u64, timer_ns: u64) {
        self.response.count(response_ns);
        self.service.count(service_ns);
        self.timer.count(timer_ns);
    }

    /// Counts a failure under a reason that the recorder has accepted.
    pub(crate) fn failed(&self, reason: &str) {
        let mut reasons = self.reasons();
        match reasons.get_mut(reason) {
            Some(count) => *count += 1,
            None => drop(reasons.insert(reason.to_owned(), 1)),
        }
    }

    /// Counts requests that were sent again. Only the thread that holds the slice's recorder calls it.
    pub(crate) fn retry(&self, requests: u64) {
        add(&self.retried, requests);
    }

    pub(crate) fn retried(&self) -> u64 {
        self.retried.load(Ordering::Relaxed)
    }

    pub(crate) fn response(&self) -> Distribution {
        self.response.read()
    }

    pub(crate) fn service(&self) -> Distribution {
        self.service.read()
    }

    pub(crate) fn timer(&self) -> Distribution {
        self.timer.read()
    }

    pub(crate) fn failures(&self) -> BTreeMap<String, u64> {
        self.reasons().clone()
    }

    fn reasons(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds where nobody else writes: without the cost of an atomic addition.
fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}
