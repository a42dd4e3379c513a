//! Keys of the `digest` form: a keyed hash of 128 bits of all parts, so that neither token nor password lies in memory, and an
//! entry takes the same few bytes whatever its token's length.
//!
//! SipHash-1-3 with 128 bits: a pseudo-random function under a key of this process, which nobody sees an output of; two keys
//! of anybody's choosing are one with a chance of 2^-128. Chosen by measurement (bench `digest`): of 181, 468 and 8138 bytes
//! it took 48, 95 and 1361 ns; HighwayHash-128 88, 118 and 928; AES-128-GMAC, whose message has to be copied into one piece
//! first, 71, 91 and 423; SHA-256 with SHA-NI 184, 317 and 4291; BLAKE3 in one call 279, 720 and 5746.

use std::fmt;
use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};

use equivalent::Equivalent;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::key::Parts;

/// Makes digests under a key of this process.
#[derive(Clone)]
pub(crate) struct Digests {
    keyed: SipHasher13,
}

/// What is kept of a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest {
    /// Both halves decide; one of them chooses the slot.
    high: u64,
    low: u64,
}

/// A digest that is looked for: the same, as the caches ask for a type of its own.
#[derive(Clone, Copy)]
pub(super) struct Wanted(pub(super) Digest);

impl Digests {
    pub(crate) fn open() -> Self {
        // The standard library's own keys of this process, through its own keyed hash: it has no way to fail.
        let state = RandomState::new();
        Self {
            keyed: SipHasher13::new_with_keys(state.hash_one(0), state.hash_one(1)),
        }
    }

    #[inline]
    pub(crate) fn of(&self, parts: &Parts<'_>) -> Digest {
        let (head, parts) = parts.pieces();
        let mut hasher = self.keyed;
        hasher.write(&head);
        for part in parts {
            hasher.write(part);
        }
        let digest = hasher.finish128();
        Digest {
            high: digest.h1,
            low: digest.h2,
        }
    }
}

impl Digest {
    /// Both halves in one.
    pub(crate) fn number(self) -> u128 {
        (u128::from(self.high) << 64) | u128::from(self.low)
    }
}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.low);
    }
}

impl Hash for Wanted {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.hash(hasher);
    }
}

impl Equivalent<Digest> for Wanted {
    #[inline]
    fn equivalent(&self, stored: &Digest) -> bool {
        self.0 == *stored
    }
}

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digests([redacted])")
    }
}

impl fmt::Debug for Digest {
    /// It finds an entry, and whoever has one may know that somebody came by.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest([redacted])")
    }
}
