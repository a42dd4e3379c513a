//! Denials that can never turn into grants, apart from the grants: a flood of forged tokens must not push those out. Strangers
//! choose what is kept here, so keys are digests, and their slots are nobody's to choose.

use std::sync::atomic::{AtomicU64, Ordering};

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
    denials: Quick<Digest, Judged>,
    digests: Digests,
    keys: Keys,
    ttl: Period,
    /// How often the key was rotated.
    rotations: AtomicU64,
}

/// A denial, and how often the key had been rotated when it was looked for.
#[derive(Clone, Copy, Debug)]
struct Judged {
    denied: Denied,
    rotations: u64,
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
            rotations: AtomicU64::new(0),
        })
    }

    /// Read it before a verification begins.
    pub(crate) fn rotations(&self) -> u64 {
        self.rotations.load(Ordering::Acquire)
    }

    pub(crate) fn denial(
        &self,
        request: &Request<'_>,
        token: &str,
        now: Timestamp,
    ) -> Option<Denied> {
        let digest = self.digests.of(&self.parts(request, token));
        let entry = self.denials.get(&Wanted(digest))?;
        let Judged { denied, rotations } = entry.fact;
        (entry.in_time(now) && rotations == self.rotations()).then_some(denied)
    }

    /// Remembers a denial that nothing can change: what the token is, not what became of it.
    pub(crate) fn store(
        &self,
        request: &Request<'_>,
        token: &str,
        denied: Denied,
        rotations: u64,
        now: Timestamp,
    ) {
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
            let judged = Judged { denied, rotations };
            self.denials.insert(digest, kept.entry(judged));
        }
    }

    /// Another key may have signed what this one did not.
    pub(crate) fn forget(&self) {
        self.rotations.fetch_add(1, Ordering::AcqRel);
        self.denials.clear();
    }

    pub(crate) fn entries(&self) -> u64 {
        self.denials.entries()
    }

    fn parts<'a>(&self, request: &Request<'a>, token: &'a str) -> Parts<'a> {
        self.keys.token(request, token)
    }
}
