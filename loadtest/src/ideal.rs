//! The ideal cache: how many of the same draws the best possible one would have held.
//!
//! Bélády, "A study of replacement algorithms for a virtual-storage computer", 1966: what is used again last goes first. It
//! knows what comes, and need not keep what it was just asked for; no cache that knows only the past has more hits.

use std::collections::{BTreeMap, HashMap};

use crate::job::Job;
use crate::recorder::Taken;

/// Hits of the ideal cache of `capacity` entries, empty at first, in all that was drawn from `from` on.
fn hits(drawn: &[u64], from: usize, capacity: usize) -> u64 {
    let next = next_uses(drawn);
    // What is held, by when it is used next.
    let mut held: BTreeMap<usize, u64> = BTreeMap::new();
    let mut hits = 0;
    for (at, key) in drawn.iter().enumerate() {
        if held.remove(&at).is_some() && at >= from {
            hits += 1;
        }
        held.insert(next[at], *key);
        if held.len() > capacity {
            held.pop_last();
        }
    }
    hits
}

/// For each draw where the same is drawn next; what never is, each at a place of its own beyond the end.
fn next_uses(drawn: &[u64]) -> Vec<usize> {
    let mut next = vec![0; drawn.len()];
    let mut seen: HashMap<u64, usize> = HashMap::new();
    for (at, key) in drawn.iter().enumerate().rev() {
        next[at] = seen.insert(*key, at).unwrap_or(drawn.len() + at);
    }
    next
}

/// 160 MB, and as much again while the ideal is worked out; a server of which more is drawn has none.
const MOST_DRAWS: usize = 20_000_000;

/// The draws at one server.
#[derive(Default)]
pub(crate) struct History {
    server: u64,
    drawn: Vec<u64>,
    /// More was drawn than is kept.
    is_full: bool,
}

impl History {
    /// Adds what a slice drew. Beside its hits then stand those of the ideal cache of `capacity` entries, where each draw was
    /// one question to the server's cache.
    pub(crate) fn add(&mut self, job: &Job, taken: &mut Taken, capacity: usize) {
        if self.server != job.server {
            *self = Self {
                server: job.server,
                ..Self::default()
            };
        }
        self.is_full |= self.drawn.len() + taken.drawn.len() > MOST_DRAWS;
        if self.is_full {
            self.drawn = Vec::new();
            return;
        }
        let (from, more) = (self.drawn.len(), taken.drawn.len() as u64);
        self.drawn.append(&mut taken.drawn);
        if let Some(cache) = &mut taken.cache
            && job.measured
            && cache.asked == more
        {
            cache.ideal = Some(hits(&self.drawn, from, capacity));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet, VecDeque};

    use proptest::prelude::*;

    use super::hits;

    /// Every choice that a cache has, tried.
    fn best(drawn: &[u64], capacity: usize) -> u64 {
        let mut states: BTreeMap<BTreeSet<u64>, u64> = BTreeMap::from([(BTreeSet::new(), 0)]);
        for key in drawn {
            let mut after: BTreeMap<BTreeSet<u64>, u64> = BTreeMap::new();
            let mut reach = |held: BTreeSet<u64>, hits: u64| {
                let known = after.entry(held).or_default();
                *known = hits.max(*known);
            };
            for (held, hits) in states {
                if held.contains(key) {
                    reach(held, hits + 1);
                    continue;
                }
                let mut with = held.clone();
                with.insert(*key);
                if with.len() <= capacity {
                    reach(with, hits);
                } else {
                    for out in &with {
                        let mut less = with.clone();
                        less.remove(out);
                        reach(less, hits);
                    }
                }
            }
            states = after;
        }
        states.into_values().max().unwrap_or(0)
    }

    fn least_recently_used(drawn: &[u64], capacity: usize) -> u64 {
        let mut held = VecDeque::new();
        let mut hits = 0;
        for key in drawn {
            if let Some(at) = held.iter().position(|known| known == key) {
                held.remove(at);
                hits += 1;
            }
            held.push_back(*key);
            if held.len() > capacity {
                held.pop_front();
            }
        }
        hits
    }

    proptest! {
        #[test]
        fn no_choice_of_what_to_keep_has_more_hits(
            drawn in prop::collection::vec(0_u64..5, 0..14), capacity in 1_usize..4,
        ) {
            prop_assert_eq!(hits(&drawn, 0, capacity), best(&drawn, capacity));
        }

        #[test]
        fn no_cache_that_forgets_the_least_recent_has_more_hits(
            drawn in prop::collection::vec(0_u64..50, 0..400), capacity in 1_usize..40,
        ) {
            prop_assert!(hits(&drawn, 0, capacity) >= least_recently_used(&drawn, capacity));
        }

        #[test]
        fn hits_of_two_parts_are_those_of_the_whole(
            drawn in prop::collection::vec(0_u64..20, 0..100), capacity in 1_usize..10, part in 0_usize..100,
        ) {
            let from = part.min(drawn.len());
            let later = hits(&drawn, from, capacity);
            prop_assert!(later <= hits(&drawn, 0, capacity));
            prop_assert!(later <= (drawn.len() - from) as u64);
            prop_assert_eq!(hits(&drawn, drawn.len(), capacity), 0);
        }
    }
}
