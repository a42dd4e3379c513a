//! Denials that can never turn into grants, apart from the grants: a flood of forged tokens must not push those out. Strangers
//! choose what is kept here, so keys are digests, and their slots are nobody's to choose.

use super::digest::{Digests, Wanted};
use super::key::{Keys, Parts};
use super::quick::Quick;
use super::{Digest, Kept};
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::period::Period;
use crate::request::Request;
use crate::setup::Design;

#[derive(Debug)]
pub(crate) struct Negative {
    denials: Quick<Digest, Denied>,
    digests: Digests,
    keys: Keys,
    ttl: Period,
}

impl Negative {
    /// `None` where none are kept.
    pub(crate) fn open(design: &Design) -> Option<Self> {
        let capacity = design.negative_capacity;
        (capacity > 0).then_some(())?;
        Some(Self {
            denials: Quick::open(capacity),
            digests: Digests::open(),
            keys: Keys::new(design.cache_key, false),
            ttl: design.negative_ttl,
        })
    }

    pub(crate) fn denial(
        &self,
        request: &Request<'_>,
        token: &str,
        now: Timestamp,
    ) -> Option<Denied> {
        let digest = self.digests.of(&self.parts(request, token));
        let entry = self.denials.get(&Wanted(digest))?;
        entry.in_time(now).then_some(entry.fact)
    }

    /// Remembers a denial that nothing can change: what the token is, not what became of it.
    pub(crate) fn store(&self, request: &Request<'_>, token: &str, denied: Denied, now: Timestamp) {
        let never_turns = matches!(
            denied,
            Denied::BadSignature | Denied::Malformed | Denied::Expired
        );
        if never_turns {
            let kept = Kept {
                from: now,
                until: now.after(self.ttl.0),
            };
            let digest = self.digests.of(&self.parts(request, token));
            self.denials.insert(digest, kept.entry(denied));
        }
    }

    /// Another key may have signed what this one did not.
    pub(crate) fn forget(&self) {
        self.denials.clear();
    }

    pub(crate) fn entries(&self) -> u64 {
        self.denials.entries()
    }

    fn parts<'a>(&self, request: &Request<'a>, token: &'a str) -> Parts<'a> {
        self.keys.token(request, token)
    }
}
