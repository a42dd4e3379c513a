//! Names of subjects, interned: a grant carries four bytes instead of a name, and stays `Copy`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use sha2::{Digest as _, Sha256};

/// How many slots revocations share by hash: at worst a neighbour verifies once more.
pub(crate) const SLOTS: usize = 4096;

/// How many names of one slot have a number of that slot: what is left of 32 bits.
const MOST_OF_SLOT: usize = (u32::MAX as usize + 1) / SLOTS;

/// A subject, by number. The [`crate::Lab`] that numbered it knows its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(pub(crate) u32);

/// The interner. It only grows, so a name is interned only once its token verified or its account exists:
/// strangers cannot fill it.
///
/// Each server numbers subjects in its own way, and yet a subject's slot is the same on every server: it is that of the name,
/// and a number's remainder. So another server's revocation of a slot is understood here, whoever is numbered by then.
#[derive(Debug)]
pub(crate) struct Subjects {
    names: RwLock<Names>,
    most_of_slot: usize,
    /// How many names have a number of another slot, as their own was full.
    strays: AtomicUsize,
}

#[derive(Debug)]
struct Names {
    by_name: HashMap<Arc<str>, Subject>,
    /// Those of each slot.
    by_slot: Box<[Vec<Arc<str>>]>,
}

/// The slot of a name, on every server.
pub(crate) fn slot_of_name(name: &str) -> usize {
    let digest = Sha256::digest(name.as_bytes());
    usize::from(u16::from_be_bytes([digest[0], digest[1]])) % SLOTS
}

impl Default for Subjects {
    fn default() -> Self {
        Self::with_most(MOST_OF_SLOT)
    }
}

impl Subjects {
    fn with_most(most_of_slot: usize) -> Self {
        let names = Names {
            by_name: HashMap::new(),
            by_slot: vec![Vec::new(); SLOTS].into(),
        };
        Self {
            names: RwLock::new(names),
            most_of_slot,
            strays: AtomicUsize::new(0),
        }
    }

    /// The number of a name, new or known.
    pub(crate) fn intern(&self, name: &str) -> Subject {
        if let Some(known) = self.known(name) {
            return known;
        }
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.by_name.get(name) {
            return *known;
        }
        let own = slot_of_name(name);
        let others = (0..SLOTS).map(|further| (own + further) % SLOTS);
        let free = others
            .into_iter()
            .find(|slot| names.by_slot[*slot].len() < self.most_of_slot);
        let slot = free.unwrap_or(own);
        if slot != own {
            self.strays.fetch_add(1, Ordering::AcqRel);
        }
        let subject = Subject((names.by_slot[slot].len() * SLOTS + slot) as u32);
        let name: Arc<str> = name.into();
        names.by_slot[slot].push(Arc::clone(&name));
        names.by_name.insert(name, subject);
        subject
    }

    /// The number of a name that has one.
    pub(crate) fn known(&self, name: &str) -> Option<Subject> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        names.by_name.get(name).copied()
    }

    /// The name behind a number that this interner gave.
    pub(crate) fn name(&self, subject: Subject) -> Arc<str> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let number = subject.0 as usize;
        names.by_slot[number % SLOTS]
            .get(number / SLOTS)
            .cloned()
            .unwrap_or_else(|| "".into())
    }

    /// How many names have a number that does not tell their slot: none, until a million names of one slot are numbered.
    pub(crate) fn strays(&self) -> usize {
        self.strays.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_tells_the_names_slot_and_finds_the_name() {
        let (here, there) = (Subjects::default(), Subjects::default());
        let names: Vec<String> = (0..3 * SLOTS).map(|at| format!("name-{at}")).collect();
        for name in &names {
            here.intern(name);
        }
        for name in names.iter().rev() {
            let (one, other) = (here.intern(name), there.intern(name));
            assert_eq!(one.0 as usize % SLOTS, slot_of_name(name));
            assert_eq!(one.0 as usize % SLOTS, other.0 as usize % SLOTS);
            assert_eq!((&*here.name(one), &*there.name(other)), (&**name, &**name));
        }
        assert_eq!(here.known("nobody"), None);
        assert_eq!(here.strays(), 0);
    }

    #[test]
    fn a_name_whose_slot_is_full_has_a_number_of_its_own_and_is_counted() {
        let subjects = Subjects::with_most(1);
        let own = slot_of_name("john");
        let same = (0..).map(|at| format!("name-{at}"));
        let neighbour = same.into_iter().find(|name| slot_of_name(name) == own);
        let (john, neighbour) = (subjects.intern("john"), neighbour.unwrap());
        assert_eq!(subjects.strays(), 0);
        let stray = subjects.intern(&neighbour);
        assert_eq!(subjects.strays(), 1);
        assert_ne!(john, stray);
        assert_eq!(&*subjects.name(john), "john");
        assert_eq!(*subjects.name(stray), *neighbour);
    }
}
