//! Keys of the `exact` form: a few parts choose the slot, all bytes decide. A key is parts with their lengths, never
//! their concatenation, so two different requests never share an entry.
//!
//! The slot is chosen by route or target, sender, and the token's last 16 bytes: only verified tokens are ever stored,
//! and those bytes are its signature's, so nobody can fill one slot with tokens of their making.

use std::hash::{BuildHasher, Hash, Hasher};

use equivalent::Equivalent;
use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;

use super::CacheKey;
use crate::request::{Request, Sender};

/// How much of a token chooses the slot.
const TOKEN_TAIL_BYTES: usize = 16;

/// Makes keys of the chosen kind, with a seed of this process.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    kind: CacheKey,
    seed: SeedableRandomState,
}

/// A key, borrowed from the request: looking it up allocates nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a> {
    slot: u64,
    action: u8,
    method: &'a [u8],
    place: &'a [u8],
    sender: Option<(&'a [u8], [u8; 16])>,
    token: &'a [u8],
}

/// A key as a cache keeps it: the same parts, each with its length before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredKey {
    slot: u64,
    parts: Box<[u8]>,
}

impl Keys {
    pub(super) fn new(kind: CacheKey) -> Self {
        let mut seed = [0; 8];
        // Without randomness the seed is the address-space layout's alone, which foldhash takes in any case.
        let _ = getrandom::fill(&mut seed);
        let seed =
            SeedableRandomState::with_seed(u64::from_le_bytes(seed), SharedSeed::global_random());
        Self { kind, seed }
    }

    /// The key of a decision. It holds the action too, so that a decision never serves another question.
    #[inline]
    pub(crate) fn decision<'a>(&self, request: &Request<'a>, token: &'a str) -> Key<'a> {
        let sender = |sender: &Sender<'a>| Some((sender.user_agent, sender.ip_bytes()));
        let (place, sender) = match self.kind {
            CacheKey::Route => (request.route, sender(&request.sender)),
            CacheKey::Sender => (request.target, sender(&request.sender)),
            CacheKey::Article => (request.target, None),
        };
        self.with_slot(Key {
            slot: 0,
            action: request.action as u8,
            method: request.method.as_bytes(),
            place: place.as_bytes(),
            sender,
            token: token.as_bytes(),
        })
    }

    /// The key of what a token says: the token alone.
    pub(super) fn token<'a>(&self, token: &'a str) -> Key<'a> {
        let token = token.as_bytes();
        self.with_slot(Key {
            slot: 0,
            action: 0,
            method: b"",
            place: b"",
            sender: None,
            token,
        })
    }

    #[inline]
    fn with_slot<'a>(&self, key: Key<'a>) -> Key<'a> {
        let mut hasher = self.seed.build_hasher();
        hasher.write(key.place);
        if let Some((user_agent, ip)) = key.sender {
            hasher.write(user_agent);
            hasher.write_u128(u128::from_ne_bytes(ip));
        }
        let tail = key.token.last_chunk::<TOKEN_TAIL_BYTES>();
        match tail {
            Some(tail) => hasher.write_u128(u128::from_ne_bytes(*tail)),
            None => hasher.write(key.token),
        }
        Key {
            slot: hasher.finish(),
            ..key
        }
    }
}

/// Lengths are four bytes: no part of an HTTP request head comes near their limit.
const LENGTH_BYTES: usize = size_of::<u32>();

impl Key<'_> {
    /// The owned form, for an insert.
    pub(super) fn stored(&self) -> StoredKey {
        let mut parts = Vec::with_capacity(self.stored_length());
        parts.push(self.action);
        parts.push(u8::from(self.sender.is_some()));
        for part in [self.method, self.place, self.user_agent()] {
            parts.extend_from_slice(&(part.len() as u32).to_le_bytes());
            parts.extend_from_slice(part);
        }
        if let Some((_, ip)) = self.sender {
            parts.extend_from_slice(&ip);
        }
        // The last part ends where the key does: the total length is its length.
        parts.extend_from_slice(self.token);
        StoredKey {
            slot: self.slot,
            parts: parts.into_boxed_slice(),
        }
    }

    fn stored_length(&self) -> usize {
        let ip = self.sender.map_or(0, |(_, ip)| ip.len());
        2 + 3 * LENGTH_BYTES
            + self.method.len()
            + self.place.len()
            + self.user_agent().len()
            + ip
            + self.token.len()
    }

    fn user_agent(&self) -> &[u8] {
        self.sender.map_or(b"", |(user_agent, _)| user_agent)
    }

    /// Whether a stored key has exactly these parts, wherever its slot is.
    pub(super) fn is_parts_of(&self, stored: &StoredKey) -> bool {
        let Some(rest) = stored
            .parts
            .strip_prefix(&[self.action, u8::from(self.sender.is_some())])
        else {
            return false;
        };
        let rest = [self.method, self.place, self.user_agent()]
            .into_iter()
            .try_fold(rest, |rest, part| {
                let (length, rest) = rest.split_first_chunk::<LENGTH_BYTES>()?;
                if u32::from_le_bytes(*length) as usize != part.len() {
                    return None;
                }
                rest.strip_prefix(part)
            });
        let rest = match self.sender {
            Some((_, ip)) => rest.and_then(|rest| rest.strip_prefix(&ip)),
            None => rest,
        };
        rest == Some(self.token)
    }
}

impl Equivalent<StoredKey> for Key<'_> {
    #[inline]
    fn equivalent(&self, stored: &StoredKey) -> bool {
        self.slot == stored.slot && self.is_parts_of(stored)
    }
}

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.slot);
    }
}

impl Hash for StoredKey {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.slot);
    }
}

/// Passes the slot through: keys bring their hash along, computed once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BySlot;

#[derive(Debug, Default)]
pub(super) struct SlotHasher(u64);

impl BuildHasher for BySlot {
    type Hasher = SlotHasher;

    fn build_hasher(&self) -> SlotHasher {
        SlotHasher::default()
    }
}

impl Hasher for SlotHasher {
    fn write_u64(&mut self, slot: u64) {
        self.0 = slot;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
