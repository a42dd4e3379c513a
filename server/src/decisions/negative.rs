//! Denials that can never turn into grants, apart from the grants: a flood of forged tokens must not push those out. Strangers
//! choose what is kept here, so keys are digests, and their slots are nobody's to choose.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::digest::{Digests, Wanted};
use super::key::{Keys, Parts};
use super::quick::Quick;
use super::{CacheKey, Digest, Kept};
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::request::Request;

#[derive(Debug)]
pub(crate) struct Negative {
    denials: Quick<Digest, Judged>,
    digests: Digests,
    keys: Keys,
    ttl: Duration,
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
    /// So many at most, each for this long.
    pub(crate) fn open(capacity: usize, ttl: Duration) -> Self {
        Self {
            denials: Quick::open(capacity),
            digests: Digests::open(),
            // Of a token alone, whatever a decision's key is.
            keys: Keys::new(CacheKey::Route, false),
            ttl,
            rotations: AtomicU64::new(0),
        }
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
                until: now.after(self.ttl),
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
