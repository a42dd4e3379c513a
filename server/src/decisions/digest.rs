//! Keys of the `digest` form: a keyed hash of 128 bits of all parts, so that neither token nor password lies in memory, and an
//! entry takes the same few bytes whatever its token's length.
//!
//! In two steps, each under keys of this process, which nobody sees an output of. NH in two passes (UMAC, CRYPTO '99, theorem
//! 2: Toeplitz keys, words of 64 bits) makes 32 bytes of each kibibyte of the parts: two texts of the same lengths have the
//! same ones with a chance of 2^-128. SipHash-1-3 with 128 bits, a pseudo-random function, makes the digest of those and of
//! the head, which holds the lengths. So two keys of anybody's choosing are one with a chance of 2^-127 (record 27 in
//! `docs/adr`).

use std::fmt;
use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};

use equivalent::Equivalent;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::key::Parts;

/// What NH hashes at once, in words of eight bytes: an even number.
const BLOCK_WORDS: usize = 128;

/// How many words the keys of the second pass lie after those of the first one.
const SHIFT_WORDS: usize = 2;

/// A step of NH takes two words of the text, and as many of the key in each pass.
const PAIR_BYTES: usize = 16;

/// Makes digests under a key of this process.
#[derive(Clone)]
pub(crate) struct Digests {
    keyed: SipHasher13,
    words: Box<[u64; BLOCK_WORDS + SHIFT_WORDS]>,
}

/// A block of NH under way: the sums of both passes, and how many words they are of.
#[derive(Clone, Copy, Default)]
struct Sums {
    passes: [u128; 2],
    words: usize,
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
            words: Box::new(std::array::from_fn(|at| state.hash_one(2 + at))),
        }
    }

    #[inline]
    pub(crate) fn of(&self, parts: &Parts<'_>) -> Digest {
        let (head, parts) = parts.pieces();
        let mut hasher = self.keyed;
        let mut sums = Sums::default();
        for part in parts {
            let mut rest = part;
            while !rest.is_empty() {
                if sums.words == BLOCK_WORDS {
                    hasher.write(&std::mem::take(&mut sums).bytes());
                }
                rest = sums.add(rest, &self.words);
            }
        }
        hasher.write(&sums.bytes());
        // The lengths are in here: they tell how many blocks there are, and where each part begins in them.
        hasher.write(&head);
        let digest = hasher.finish128();
        Digest {
            high: digest.h1,
            low: digest.h2,
        }
    }
}

impl Sums {
    /// Adds what the block has room for, in whole pairs of words: zeros follow the end of a part. The answer is the rest.
    #[inline]
    fn add<'a>(&mut self, part: &'a [u8], words: &[u64; BLOCK_WORDS + SHIFT_WORDS]) -> &'a [u8] {
        let room = (BLOCK_WORDS - self.words) / 2 * PAIR_BYTES;
        let (now, later) = part.split_at(room.min(part.len()));
        let mut keys = words[self.words..].windows(2 + SHIFT_WORDS).step_by(2);
        let (pairs, last) = now.as_chunks::<PAIR_BYTES>();
        for (pair, key) in pairs.iter().zip(&mut keys) {
            self.step(pair, key);
        }
        if let (false, Some(key)) = (last.is_empty(), keys.next()) {
            let mut pair = [0; PAIR_BYTES];
            pair[..last.len()].copy_from_slice(last);
            self.step(&pair, key);
        }
        self.words += now.len().div_ceil(PAIR_BYTES) * 2;
        later
    }

    /// Adds the product of two words, each with a word of the key added, in each pass.
    #[inline]
    fn step(&mut self, pair: &[u8; PAIR_BYTES], key: &[u64]) {
        let both = u128::from_le_bytes(*pair);
        let (one, other) = (both as u64, (both >> 64) as u64);
        let product = |first: u64, second: u64| {
            u128::from(one.wrapping_add(first)) * u128::from(other.wrapping_add(second))
        };
        if let [first, second, third, fourth] = *key {
            let [before, after] = self.passes;
            self.passes = [
                before.wrapping_add(product(first, second)),
                after.wrapping_add(product(third, fourth)),
            ];
        }
    }

    fn bytes(self) -> [u8; 2 * PAIR_BYTES] {
        let mut bytes = [0; 2 * PAIR_BYTES];
        let [one, other] = self.passes.map(u128::to_le_bytes);
        bytes[..PAIR_BYTES].copy_from_slice(&one);
        bytes[PAIR_BYTES..].copy_from_slice(&other);
        bytes
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decisions::{CacheKey, Keys};
    use crate::policy::Action;
    use crate::request::{Presented, Request, Sender};

    fn asked(user_agent: &[u8]) -> Request<'_> {
        Request {
            method: "GET",
            route: "/items/of/a/long/name",
            target: "/",
            sender: Sender {
                user_agent,
                ip: [10, 0, 0, 1].into(),
                proof: None,
            },
            presented: Presented::Nothing,
            action: Action::ItemsRead,
        }
    }

    /// The same by the definitions: each part is filled up with zeros, all of them are cut into blocks, and of each block both
    /// passes are the sums of products, with keys that lie two words apart.
    fn by_definition(digests: &Digests, parts: &Parts<'_>) -> Digest {
        let (head, parts) = parts.pieces();
        let mut text = Vec::new();
        for part in parts {
            text.extend_from_slice(part);
            text.resize(text.len().next_multiple_of(PAIR_BYTES), 0);
        }
        let mut hasher = digests.keyed;
        for block in text.chunks(8 * BLOCK_WORDS) {
            let (words, _) = block.as_chunks::<8>();
            for shift in [0, SHIFT_WORDS] {
                let keyed = |at: usize| {
                    let word = u64::from_le_bytes(words[at]);
                    u128::from(word.wrapping_add(digests.words[at + shift]))
                };
                let products = (0..words.len())
                    .step_by(2)
                    .map(|at| keyed(at) * keyed(at + 1));
                let sum = products.fold(0_u128, u128::wrapping_add);
                hasher.write(&sum.to_le_bytes());
            }
        }
        hasher.write(&head);
        let digest = hasher.finish128();
        Digest {
            high: digest.h1,
            low: digest.h2,
        }
    }

    #[test]
    fn a_digest_is_what_its_definition_says_at_each_border_of_a_block() {
        let (digests, keys) = (Digests::open(), Keys::new(CacheKey::Route, true));
        for bytes in (0..70).chain(900..1100).chain(1950..2100) {
            let token = "t".repeat(bytes);
            for user_agent in [&b""[..], b"curl", &[b'u'; 101]] {
                let request = asked(user_agent);
                let parts = keys.decision(&request, &token);
                assert_eq!(
                    digests.of(&parts),
                    by_definition(&digests, &parts),
                    "{bytes}"
                );
            }
        }
    }

    #[test]
    fn every_bit_of_a_long_token_counts() {
        let (digests, keys) = (Digests::open(), Keys::new(CacheKey::Route, true));
        let token = "a".repeat(2500);
        let request = asked(b"curl");
        let digest = digests.of(&keys.decision(&request, &token));
        for at in 0..token.len() {
            for bit in 0..7 {
                let mut other = token.clone().into_bytes();
                other[at] ^= 1 << bit;
                let other = String::from_utf8(other).unwrap();
                assert_ne!(digests.of(&keys.decision(&request, &other)), digest);
            }
        }
    }
}
