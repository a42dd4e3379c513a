//! A store of facts that end, with two bounds: how many in all, and how many of one owner (a subject, an account, a
//! client). One owner that fills its share loses its own oldest facts, and no other owner is refused for it.
//!
//! No operation scans the store. Ended facts are found by their end, evicted ones by their owner: O(log n) each.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use crate::cause::{self, Source};
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::grant::TokenId;

/// How many ended facts leave when one is added: more than one, so that they become fewer, and few, so that nobody waits.
const ENDED_AT_ONCE: usize = 64;

/// Facts by id.
#[derive(Debug)]
pub(crate) struct Bounded<O, V> {
    most: usize,
    share: usize,
    facts: HashMap<TokenId, Held<O, V>>,
    by_end: BTreeMap<(Timestamp, u64), TokenId>,
    by_owner: BTreeMap<(O, Timestamp, u64), TokenId>,
    counts: HashMap<O, usize>,
    by_count: BTreeSet<(usize, O)>,
    next_number: u64,
}

#[derive(Debug)]
struct Held<O, V> {
    value: V,
    owner: O,
    end: Timestamp,
    /// In the order of their arrival: it tells facts apart that end at the same time.
    number: u64,
}

/// A fact that left.
#[derive(Debug)]
pub(crate) struct Gone<O, V> {
    pub(crate) id: TokenId,
    pub(crate) owner: O,
    pub(crate) value: V,
}

impl<O: Clone + Ord + Hash, V> Bounded<O, V> {
    /// At most so many in all, and so many of one owner.
    pub(crate) fn new(most: usize, share: usize) -> Self {
        Self {
            most,
            share,
            facts: HashMap::new(),
            by_end: BTreeMap::new(),
            by_owner: BTreeMap::new(),
            counts: HashMap::new(),
            by_count: BTreeSet::new(),
            next_number: 0,
        }
    }

    pub(crate) fn get(&self, id: TokenId) -> Option<&V> {
        self.facts.get(&id).map(|held| &held.value)
    }

    pub(crate) fn get_mut(&mut self, id: TokenId) -> Option<&mut V> {
        self.facts.get_mut(&id).map(|held| &mut held.value)
    }

    pub(crate) fn contains(&self, id: TokenId) -> bool {
        self.facts.contains_key(&id)
    }

    /// How many an owner has.
    pub(crate) fn count(&self, owner: &O) -> usize {
        self.counts.get(owner).copied().unwrap_or(0)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.facts.len()
    }

    /// Whether an owner has its share.
    pub(crate) fn has_its_share(&self, owner: &O) -> bool {
        self.count(owner) >= self.share
    }

    /// Whether there is no room for one more of anybody's.
    pub(crate) fn is_full(&self) -> bool {
        self.facts.len() >= self.most
    }

    /// The owner of the most facts, and how many those are.
    pub(crate) fn heaviest(&self) -> Option<(usize, &O)> {
        self.by_count.last().map(|(count, owner)| (*count, owner))
    }

    /// An owner's facts, the one that ends first at the front. Where all live equally long this is the oldest.
    pub(crate) fn of(&self, owner: &O) -> impl Iterator<Item = (TokenId, &V)> {
        let from = (owner.clone(), Timestamp::from_seconds(0), 0);
        let owner = owner.clone();
        self.by_owner
            .range(from..)
            .take_while(move |((known, ..), _)| *known == owner)
            .filter_map(|(_, id)| Some((*id, self.get(*id)?)))
    }

    /// Adds a fact, after some that have ended left. The answer is the one that was evicted to make room.
    ///
    /// # Errors
    /// [`Denied::Unavailable`] when the store is full and no owner has more than one fact.
    pub(crate) fn admit(
        &mut self,
        id: TokenId,
        owner: O,
        value: V,
        end: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Gone<O, V>>, Denied> {
        self.forget_ended(now, |_, _| {});
        let evicted = self.make_room(&owner)?;
        self.insert(id, owner, value, end);
        Ok(evicted)
    }

    /// Lets some facts go that have ended, and shows each, with the store as it is then.
    pub(crate) fn forget_ended(&mut self, now: Timestamp, mut gone: impl FnMut(&Self, Gone<O, V>)) {
        for _ in 0..ENDED_AT_ONCE {
            match self.by_end.first_key_value() {
                Some(((end, _), id)) if *end <= now => {
                    let id = *id;
                    if let Some(ended) = self.remove(id) {
                        gone(self, ended);
                    }
                }
                _ => break,
            }
        }
    }

    /// Evicts what has to go before one more of this owner can be added: the owner's own first one at its share, and in
    /// a full store the first one of the owner that has the most. An owner's only fact is never evicted for another's.
    ///
    /// # Errors
    /// As [`Bounded::admit`].
    pub(crate) fn make_room(&mut self, owner: &O) -> Result<Option<Gone<O, V>>, Denied> {
        let own = self.count(owner);
        let from = if self.has_its_share(owner) {
            owner.clone()
        } else if self.is_full() {
            match self.heaviest() {
                Some((count, _)) if own > 0 && own >= count => owner.clone(),
                Some((count, heaviest)) if count > 1 => heaviest.clone(),
                _ => {
                    let most = self.most;
                    let cause = format!(
                        "the store in memory is full: {most} facts, at most one of each owner"
                    );
                    return Err(cause::unavailable(Source::Sessions, &cause));
                }
            }
        } else {
            return Ok(None);
        };
        let first = self.of(&from).next().map(|(id, _)| id);
        Ok(first.and_then(|id| self.remove(id)))
    }

    /// Adds a fact for which there is room. One of the same id leaves.
    pub(crate) fn insert(&mut self, id: TokenId, owner: O, value: V, end: Timestamp) {
        self.remove(id);
        let number = self.next_number;
        self.next_number += 1;
        self.by_end.insert((end, number), id);
        self.by_owner.insert((owner.clone(), end, number), id);
        self.recount(&owner, |count| count + 1);
        let held = Held {
            value,
            owner,
            end,
            number,
        };
        self.facts.insert(id, held);
    }

    pub(crate) fn remove(&mut self, id: TokenId) -> Option<Gone<O, V>> {
        let held = self.facts.remove(&id)?;
        let Held {
            value,
            owner,
            end,
            number,
        } = held;
        self.by_end.remove(&(end, number));
        let place = (owner, end, number);
        self.by_owner.remove(&place);
        let (owner, ..) = place;
        self.recount(&owner, |count| count.saturating_sub(1));
        Some(Gone { id, owner, value })
    }

    fn recount(&mut self, owner: &O, change: impl FnOnce(usize) -> usize) {
        let before = self.count(owner);
        let after = change(before);
        if before > 0 {
            self.by_count.remove(&(before, owner.clone()));
        }
        if after > 0 {
            self.by_count.insert((after, owner.clone()));
            self.counts.insert(owner.clone(), after);
        } else {
            self.counts.remove(owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOST: usize = 24;
    const SHARE: usize = 8;

    #[derive(Clone, Debug)]
    enum Step {
        Admit { owner: u8, lives: u64 },
        Remove(usize),
        Wait(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            6 => (0_u8..40, 1_u64..30).prop_map(|(owner, lives)| {
                // Half of the facts are owner 0's, which floods the store.
                Step::Admit { owner: owner.saturating_sub(20), lives }
            }),
            1 => any::<usize>().prop_map(Step::Remove),
            1 => (0_u64..10).prop_map(Step::Wait),
        ];
        prop::collection::vec(step, 1..120)
    }

    proptest! {
        /// Against a plain list: both bounds hold, only the owner itself or the one that has the most loses a fact, and
        /// an owner without any is refused only where every fact is its owner's only one.
        #[test]
        fn an_owner_at_its_share_takes_nothing_from_the_others(steps in steps()) {
            let mut store = Bounded::new(MOST, SHARE);
            let mut plain: Vec<(TokenId, u8, u64)> = Vec::new();
            let (mut now, mut number) = (0, 0);
            for step in steps {
                match step {
                    Step::Wait(seconds) => now += seconds,
                    Step::Remove(any) => {
                        if !plain.is_empty() {
                            let (id, owner, _) = plain.remove(any % plain.len());
                            prop_assert_eq!(store.remove(id).map(|gone| gone.owner), Some(owner));
                        }
                    }
                    Step::Admit { owner, lives } => {
                        number += 1;
                        let id = TokenId::of(number);
                        let at = Timestamp::from_seconds;
                        let admitted = store.admit(id, owner, number, at(now + lives), at(now));
                        plain.retain(|(_, _, end)| *end > now);
                        let of = |owner: u8| plain.iter().filter(|(_, o, _)| *o == owner).count();
                        let most = (0..=20).map(of).max().unwrap_or(0);
                        let own = of(owner);
                        match admitted {
                            Err(denied) => {
                                prop_assert_eq!(denied, Denied::Unavailable);
                                prop_assert!(plain.len() == MOST && most == 1 && own == 0);
                                continue;
                            }
                            Ok(None) => prop_assert!(own < SHARE && plain.len() < MOST),
                            Ok(Some(gone)) => {
                                prop_assert!(own == SHARE || plain.len() == MOST);
                                let from = gone.owner;
                                let allowed = from == owner || own < SHARE && of(from) == most && most > 1;
                                prop_assert!(allowed, "{from} lost one for {owner}");
                                let first = plain.iter().filter(|(_, o, _)| *o == from).map(|(_, _, end)| *end).min();
                                let at = plain.iter().position(|(id, ..)| *id == gone.id).unwrap();
                                prop_assert_eq!(Some(plain[at].2), first);
                                plain.remove(at);
                            }
                        }
                        plain.push((id, owner, now + lives));
                    }
                }
                prop_assert!(store.facts.len() <= MOST);
                for (id, owner, end) in &plain {
                    prop_assert!(store.contains(*id));
                    let listed = store.of(owner).any(|(known, _)| known == *id);
                    prop_assert!(listed, "{end}");
                }
                // Whatever is beyond the list has ended, and waits to leave.
                store.forget_ended(Timestamp::from_seconds(now), |_, _| {});
                plain.retain(|(_, _, end)| *end > now);
                let sizes = (store.facts.len(), store.by_end.len(), store.by_owner.len());
                prop_assert_eq!(sizes, (plain.len(), plain.len(), plain.len()));
                let counted: usize = store.counts.values().sum();
                prop_assert_eq!(counted, plain.len());
                prop_assert_eq!(store.by_count.len(), store.counts.len());
            }
        }
    }

    /// Ended facts leave as others come, whether or not the store is full.
    #[test]
    fn ended_facts_do_not_stay() {
        let mut store = Bounded::new(1_000_000, 1_000_000);
        for second in 0..20_000_u64 {
            let at = Timestamp::from_seconds;
            let id = TokenId::of(u128::from(second));
            store.admit(id, 0, (), at(second + 10), at(second)).unwrap();
        }
        assert!(store.facts.len() <= 11, "{}", store.facts.len());
    }
}
