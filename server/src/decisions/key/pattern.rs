//! What keys of the `exact` form have in common, kept once: tokens of one sender at one place differ in a few dozen bytes
//! (their times, their id and their signature), while method, place, `User-Agent` and most claims are the same.
//!
//! A pattern is the whole key of one entry. Another entry keeps what its own token has different, and finds the rest in the
//! pattern. All bytes are there, and all are compared. Which pattern a key is given decides what an entry takes, and nothing
//! else: where another sender's took its place, the next key is kept whole.

use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::quality::RandomState;

use super::Parts;

/// How many patterns are at hand for keys to come. Entries hold theirs for as long as they are kept.
const MOST_AT_HAND: usize = 1024;

/// A token is compared with a pattern's in pieces of so many bytes.
const PIECE_BYTES: usize = 16;

/// Patterns, each in the place that its head, method, route and `User-Agent` choose.
pub(crate) struct Patterns {
    choice: RandomState,
    at_hand: Box<[Place]>,
}

/// Where a pattern lies for keys to come.
type Place = Mutex<Option<Arc<[u8]>>>;

/// A key's bytes: those of the pattern, but for what is its own.
pub(super) struct Bytes {
    /// The key of this entry or of another one: head, method, place, `User-Agent`, token.
    pub(super) pattern: Arc<[u8]>,
    /// The token's bytes between the first and the second border, and from the third on; the other ones are the pattern's.
    own: Box<[u8]>,
    borders: [u32; 3],
}

impl Patterns {
    /// For a cache of so many entries.
    pub(crate) fn open(capacity: usize) -> Self {
        let places = capacity.clamp(1, MOST_AT_HAND);
        Self {
            choice: RandomState::default(),
            at_hand: (0..places).map(|_| Mutex::default()).collect(),
        }
    }

    /// The bytes of a key that is to be kept. Alone they take at most half a token more than the key does.
    pub(super) fn bytes_of(&self, key: &Parts<'_>) -> Bytes {
        let place = self.choice.hash_one((key.head(), key.told())) as usize % self.at_hand.len();
        let mut at_hand = self.at_hand[place]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let like = at_hand.as_ref().and_then(|pattern| {
            let own = Own::between(key.token_of(pattern)?, key.token())?;
            Some(own.bytes(Arc::clone(pattern), key.token()))
        });
        like.unwrap_or_else(|| {
            let whole = Bytes::whole(key);
            *at_hand = Some(Arc::clone(&whole.pattern));
            whole
        })
    }
}

/// Which bytes of a token are its own.
struct Own([usize; 3]);

impl Own {
    /// By a pattern's token of the same length; `None` where more than half of it would be its own.
    fn between(pattern: &[u8], token: &[u8]) -> Option<Self> {
        let pieces = pattern
            .chunks_exact(PIECE_BYTES)
            .zip(token.chunks_exact(PIECE_BYTES));
        let mut same = pieces.map(|(one, other)| one == other).enumerate();
        let whole = token.len() / PIECE_BYTES;
        let first = same.find(|(_, same)| !same).map_or(whole, |(at, _)| at);
        // The longest run of pieces that are the same, after the first one that is not.
        let (mut longest, mut run) = (whole..whole, whole..whole);
        for (at, same) in same {
            if !same {
                run = whole..whole;
                continue;
            }
            run = if run.is_empty() { at } else { run.start }..at + 1;
            if run.len() > longest.len() {
                longest = run.clone();
            }
        }
        let borders = [first, longest.start, longest.end].map(|at| at * PIECE_BYTES);
        let own = Self(borders);
        (2 * own.count(token) <= token.len()).then_some(own)
    }

    fn count(&self, token: &[u8]) -> usize {
        let [first, second, third] = self.0;
        second - first + token.len() - third
    }

    fn bytes(&self, pattern: Arc<[u8]>, token: &[u8]) -> Bytes {
        let [first, second, third] = self.0;
        Bytes {
            pattern,
            own: [&token[first..second], &token[third..]].concat().into(),
            borders: self.0.map(|border| border as u32),
        }
    }
}

impl Bytes {
    /// A key that is its own pattern.
    pub(super) fn whole(key: &Parts<'_>) -> Self {
        Self {
            pattern: key.whole(),
            own: Box::default(),
            borders: [key.token().len() as u32; 3],
        }
    }

    /// How long the token is: here and in the pattern.
    pub(super) fn token_length(&self) -> usize {
        let [first, second, third] = self.borders.map(|border| border as usize);
        first + self.own.len() + third - second
    }

    /// The token, of a pattern's token and of what is its own.
    #[inline]
    pub(super) fn token<'a>(&'a self, pattern: &'a [u8]) -> Option<[&'a [u8]; 4]> {
        let [first, second, third] = self.borders.map(|border| border as usize);
        let (middle, end) = self.own.split_at_checked(second.checked_sub(first)?)?;
        Some([
            pattern.get(..first)?,
            middle,
            pattern.get(second..third)?,
            end,
        ])
    }

    /// Whether it is this token, by all its bytes.
    #[inline]
    pub(super) fn is_token(&self, pattern: &[u8], token: &[u8]) -> bool {
        if self.own.is_empty() {
            return token == pattern;
        }
        let Some(pieces) = self.token(pattern) else {
            return false;
        };
        let mut rest = token;
        for piece in pieces {
            match rest.split_at_checked(piece.len()) {
                Some((same, after)) if same == piece => rest = after,
                _ => return false,
            }
        }
        rest.is_empty()
    }
}

impl fmt::Debug for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Patterns([redacted])")
    }
}
