//! Names of subjects, interned: a grant carries four bytes instead of a name, and stays `Copy`.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// A subject, by number. The [`crate::Lab`] that numbered it knows its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(pub(crate) u32);

/// The interner. It only grows, so a name is interned only once its token verified or its account exists:
/// strangers cannot fill it.
#[derive(Debug, Default)]
pub(crate) struct Subjects(RwLock<Names>);

#[derive(Debug, Default)]
struct Names {
    by_name: HashMap<Arc<str>, Subject>,
    by_number: Vec<Arc<str>>,
}

impl Subjects {
    /// The number of a name, new or known.
    pub(crate) fn intern(&self, name: &str) -> Subject {
        if let Some(known) = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .by_name
            .get(name)
        {
            return *known;
        }
        let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.by_name.get(name) {
            return *known;
        }
        let subject = Subject(names.by_number.len() as u32);
        let name: Arc<str> = name.into();
        names.by_number.push(Arc::clone(&name));
        names.by_name.insert(name, subject);
        subject
    }

    /// The number of a name that has one.
    pub(crate) fn known(&self, name: &str) -> Option<Subject> {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        names.by_name.get(name).copied()
    }

    /// The name behind a number that this interner gave.
    pub(crate) fn name(&self, subject: Subject) -> Arc<str> {
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        names
            .by_number
            .get(subject.0 as usize)
            .cloned()
            .unwrap_or_else(|| "".into())
    }
}
