//! Keys of the `exact` form: a few parts choose the slot, all bytes decide. A key is parts with their lengths, never
//! their concatenation, so two different requests never share an entry.
//!
//! The slot is chosen by route or target, sender, and the token's last 16 bytes: only verified tokens are ever stored,
//! and those bytes are its signature's, so nobody can fill one slot with tokens of their making.

mod pattern;

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use equivalent::Equivalent;
use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;

use super::CacheKey;
use crate::request::{Proof, Request, Sender};
use pattern::Bytes;
pub(super) use pattern::Patterns;

/// How much of a token chooses the slot.
const TOKEN_TAIL_BYTES: usize = 16;

/// Makes keys of the chosen kind, with a seed of this process.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    kind: CacheKey,
    /// Whether what a token says depends on who shows it: another server was told who did.
    told_sender: bool,
    seed: SeedableRandomState,
}

/// What a key is made of.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    ip: [u8; 16],
    by: By,
    action: u8,
    texts: [&'a [u8]; PARTS],
}

/// The longest that the parts of a sender's choosing may be together for a key to be kept: a path and a User-Agent as
/// browsers send them take a few hundred bytes. It bounds a cache of N entries to about N × 3 KiB and their tokens, which are
/// of an issuer's making, not of a sender's.
const MOST_CHOSEN_BYTES: usize = 2048;

/// A key, borrowed from the request: looking it up allocates nothing.
#[derive(Clone, Copy)]
pub(crate) struct Key<'k, 'a> {
    slot: u64,
    parts: &'k Parts<'a>,
}

/// A key as a cache keeps it: the same parts, with their lengths in the head. What many keys have in common is kept once.
pub(crate) struct StoredKey {
    slot: u64,
    bytes: Bytes,
}

/// Method, place, User-Agent, token.
pub(super) const PARTS: usize = 4;

/// Four lengths, an address, what tells the sender, and the action.
pub(super) const HEAD_BYTES: usize = 4 * PARTS + 16 + 2;

/// How much of a method and of a place is in the head: all of most.
const METHOD_BYTES: usize = 8;
const PLACE_BYTES: usize = 16;

/// What of a key has a fixed size, compared at once: [`HEAD_BYTES`], then the ends of the method and of the place. Lengths take
/// four bytes each: no part of an HTTP request head comes near their limit.
type Head = [u8; HEAD_BYTES + METHOD_BYTES + PLACE_BYTES];

/// What tells the sender of a key.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum By {
    /// The key is of every sender.
    Nothing,
    /// User-Agent and address.
    Address,
    /// The certificate of the connection, in place of a User-Agent.
    Certificate,
}

impl Keys {
    pub(crate) fn new(kind: CacheKey, told_sender: bool) -> Self {
        let mut seed = [0; 8];
        // Without randomness the seed is the address-space layout's alone, which foldhash takes in any case.
        let _ = getrandom::fill(&mut seed);
        let seed =
            SeedableRandomState::with_seed(u64::from_le_bytes(seed), SharedSeed::global_random());
        Self {
            kind,
            told_sender,
            seed,
        }
    }

    /// The parts of a decision's key. They hold the action too, so that a decision never serves another question.
    #[inline]
    pub(crate) fn decision<'a>(&self, request: &Request<'a>, token: &'a str) -> Parts<'a> {
        let (place, sender) = match self.kind {
            CacheKey::Route => (request.route, Some(&request.sender)),
            CacheKey::Sender => (request.target, Some(&request.sender)),
            CacheKey::Article => (request.target, None),
        };
        let action = request.action as u8;
        Parts::of(
            action,
            request.method.as_bytes(),
            place.as_bytes(),
            sender,
            token,
        )
    }

    /// The parts of the key of what a token says: the token, and who shows it where that may change it.
    pub(super) fn token<'a>(&self, request: &Request<'a>, token: &'a str) -> Parts<'a> {
        let sender = self.told_sender.then_some(&request.sender);
        Parts::of(0, b"", b"", sender, token)
    }

    /// The key that keeps the parts and compares them all.
    #[inline]
    pub(super) fn exact<'k, 'a>(&self, parts: &'k Parts<'a>) -> Key<'k, 'a> {
        let [_, place, user_agent, token] = parts.texts;
        let mut hasher = self.seed.build_hasher();
        hasher.write_u64((place.len() as u64) << 32 | user_agent.len() as u64);
        if place.len() > PLACE_BYTES {
            hasher.write(place);
        } else {
            hasher.write_u128(u128::from_ne_bytes(ends(place)));
        }
        if parts.by != By::Nothing {
            // All of it: whoever has a valid token may choose it, and so much as a byte left out would fill a slot.
            hasher.write(user_agent);
            hasher.write_u128(u128::from_ne_bytes(parts.ip));
        }
        match token.last_chunk::<TOKEN_TAIL_BYTES>() {
            Some(tail) => hasher.write_u128(u128::from_ne_bytes(*tail)),
            None => hasher.write(token),
        }
        Key {
            slot: hasher.finish(),
            parts,
        }
    }
}

/// The first and the last eight bytes, with zeros between those of a shorter text: of one of a known length, up to
/// [`PLACE_BYTES`] long, they are all.
#[inline]
fn ends(text: &[u8]) -> [u8; PLACE_BYTES] {
    let ends = match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        (Some(first), Some(last)) => [u64::from_ne_bytes(*first), u64::from_ne_bytes(*last)],
        _ => [word(text), 0],
    };
    (u128::from(ends[0]) << 64 | u128::from(ends[1])).to_ne_bytes()
}

/// The same of up to eight bytes; of a longer text, eight of them.
#[inline]
fn word(text: &[u8]) -> u64 {
    match (text.first_chunk::<4>(), text.last_chunk::<4>(), text) {
        (Some(first), Some(last), _) => {
            u64::from(u32::from_ne_bytes(*first)) << 32 | u64::from(u32::from_ne_bytes(*last))
        }
        (.., []) => 0,
        (.., text) => {
            let [first, middle, last] = [0, text.len() / 2, text.len() - 1].map(|at| text[at]);
            u64::from(first) << 16 | u64::from(middle) << 8 | u64::from(last)
        }
    }
}

impl<'a> Parts<'a> {
    #[inline]
    fn of(
        action: u8,
        method: &'a [u8],
        place: &'a [u8],
        sender: Option<&Sender<'a>>,
        token: &'a str,
    ) -> Self {
        let (told, ip, by): (&[u8], _, _) = match sender {
            None => (b"", [0; 16], By::Nothing),
            Some(Sender {
                proof: Some(Proof::Certificate(thumbprint)),
                ..
            }) => (thumbprint.as_bytes(), [0; 16], By::Certificate),
            Some(sender) => (sender.user_agent, sender.ip_bytes(), By::Address),
        };
        Self {
            ip,
            by,
            action,
            texts: [method, place, told, token.as_bytes()],
        }
    }

    /// What has a fixed size.
    #[inline]
    fn head(&self) -> Head {
        let [method, place, ..] = self.texts;
        let mut head = [0; size_of::<Head>()];
        let (fixed, more) = head.split_at_mut(HEAD_BYTES);
        fixed.copy_from_slice(&self.pieces().0);
        more[..METHOD_BYTES].copy_from_slice(&word(method).to_ne_bytes());
        more[METHOD_BYTES..].copy_from_slice(&ends(place));
        head
    }

    /// The parts but for the token, with how much of each the head has.
    #[inline]
    fn told(&self) -> [(&'a [u8], usize); PARTS - 1] {
        let [method, place, told, _token] = self.texts;
        [(method, METHOD_BYTES), (place, PLACE_BYTES), (told, 0)]
    }

    fn token(&self) -> &'a [u8] {
        let [.., token] = self.texts;
        token
    }

    /// All of it, in pieces whose borders the first one tells: two different keys never give the same bytes.
    #[inline]
    pub(super) fn pieces(&self) -> ([u8; HEAD_BYTES], [&'a [u8]; PARTS]) {
        let mut head = [0; HEAD_BYTES];
        for (bytes, part) in head.chunks_exact_mut(4).zip(self.texts) {
            bytes.copy_from_slice(&(part.len() as u32).to_le_bytes());
        }
        head[16..32].copy_from_slice(&self.ip);
        head[32] = self.by as u8;
        head[33] = self.action;
        (head, self.texts)
    }

    /// Whether those that a sender chooses are short enough to be kept.
    pub(super) fn may_be_kept(&self) -> bool {
        let [chosen @ .., _token] = self.texts;
        let chosen_bytes: usize = chosen.iter().map(|part| part.len()).sum();
        chosen_bytes <= MOST_CHOSEN_BYTES
    }

    /// All of it in one.
    #[cfg(test)]
    pub(super) fn owned(&self) -> Box<[u8]> {
        let (head, parts) = self.pieces();
        let mut bytes =
            Vec::with_capacity(HEAD_BYTES + parts.iter().map(|part| part.len()).sum::<usize>());
        bytes.extend_from_slice(&head);
        for part in parts {
            bytes.extend_from_slice(part);
        }
        bytes.into()
    }
}

impl Key<'_, '_> {
    /// The owned form, for an insert.
    pub(super) fn stored(&self, patterns: &Patterns) -> StoredKey {
        StoredKey {
            slot: self.slot,
            bytes: patterns.bytes_of(self.parts),
        }
    }

    /// Whether a stored key has exactly these parts, wherever its slot is.
    #[inline]
    pub(super) fn is_parts_of(&self, stored: &StoredKey) -> bool {
        let Some(pattern) = self.parts.token_of(&stored.bytes.pattern) else {
            return false;
        };
        stored.bytes.is_token(pattern, self.parts.token())
    }
}

impl Parts<'_> {
    /// All of it in one, for a pattern.
    fn whole(&self) -> Arc<[u8]> {
        let [method, place, told, token] = self.texts;
        let bytes = [&self.head(), method, place, told, token].concat();
        bytes.into()
    }

    /// The token in a pattern of what this key has but for its own token; it is as long as that.
    #[inline]
    fn token_of<'b>(&self, pattern: &'b [u8]) -> Option<&'b [u8]> {
        let (head, mut rest) = pattern.split_first_chunk()?;
        if *head != self.head() {
            return None;
        }
        for (part, in_head) in self.told() {
            let (same, after) = rest.split_at_checked(part.len())?;
            if part.len() > in_head && same != part {
                return None;
            }
            rest = after;
        }
        Some(rest)
    }
}

impl StoredKey {
    /// All of it, in order.
    fn bytes(&self) -> impl Iterator<Item = u8> {
        let pattern = &*self.bytes.pattern;
        let (told, token) = pattern.split_at(pattern.len() - self.bytes.token_length());
        let pieces = self.bytes.token(token).unwrap_or_default();
        [told].into_iter().chain(pieces).flatten().copied()
    }
}

impl PartialEq for StoredKey {
    fn eq(&self, other: &Self) -> bool {
        self.slot == other.slot && self.bytes().eq(other.bytes())
    }
}

impl Eq for StoredKey {}

impl Equivalent<StoredKey> for Key<'_, '_> {
    #[inline]
    fn equivalent(&self, stored: &StoredKey) -> bool {
        self.slot == stored.slot && self.is_parts_of(stored)
    }
}

impl fmt::Debug for Parts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parts([redacted])")
    }
}

impl fmt::Debug for Key<'_, '_> {
    /// Without the parts: the token is one of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key([redacted])")
    }
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredKey([redacted])")
    }
}

impl Hash for Key<'_, '_> {
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
pub(crate) struct BySlot;

#[derive(Debug, Default)]
pub(crate) struct SlotHasher(u64);

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
