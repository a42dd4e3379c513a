//! Token Status Lists (draft-ietf-oauth-status-list-21): one bit for each token that was issued, published by the issuer, signed
//! and compressed; who verifies tokens fetches it and keeps it for its `ttl`.
//!
//! The index of a token (§6.2) is part of its id, so that whatever is kept of a token tells it.

mod source;

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use crate::clock::{Clock, Timestamp};
use crate::denied::Denied;
use crate::grant::{Mark, TokenId};
pub(crate) use source::Source;

/// Where a server publishes its list.
pub(crate) const PATH: &str = "/status-list";

/// The media type of a list (§8.2).
pub(crate) const MEDIA_TYPE: &str = "application/statuslist+jwt";

/// How many tokens may live at once that a list tells of: the list takes 128 KiB before it is compressed.
pub(crate) const STATUSES: usize = 1 << 20;

/// The shortest list: a shorter one would tell how few tokens there are.
const LEAST_STATUSES: usize = 1 << 13;

/// The largest list before it is compressed, of any number of bits: a few compressed bytes may claim to be gigabytes.
const MOST_BYTES: usize = STATUSES;

/// The index of a token in its issuer's list.
pub(crate) const fn index_of(id: TokenId) -> usize {
    (id.number() % STATUSES as u128) as usize
}

/// Why a text is no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAList {
    #[error("a status list has 1, 2, 4 or 8 bits for each token")]
    Bits,
    #[error("a status list is not zlib in base64url")]
    Encoding,
    #[error("a status list is larger than {MOST_BYTES} bytes")]
    TooLarge,
}

/// The statuses of tokens by index, each of so many bits (§4.1): 0 is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatusList {
    bits: u8,
    bytes: Vec<u8>,
}

impl StatusList {
    /// A list of one bit each, of so many tokens at least, all valid.
    fn of_valid(tokens: usize) -> Self {
        let statuses = tokens.next_power_of_two().clamp(LEAST_STATUSES, STATUSES);
        Self {
            bits: 1,
            bytes: vec![0; statuses / 8],
        }
    }

    fn end(&mut self, index: usize) {
        if let Some(byte) = self.bytes.get_mut(index / 8) {
            *byte |= 1 << (index % 8);
        }
    }

    /// As its members `bits` and `lst` say (§4.2).
    pub(crate) fn unpack(bits: u8, lst: &str) -> Result<Self, NotAList> {
        if !matches!(bits, 1 | 2 | 4 | 8) {
            return Err(NotAList::Bits);
        }
        let packed = URL_SAFE_NO_PAD.decode(lst);
        let packed = packed.map_err(|_| NotAList::Encoding)?;
        let mut bytes = Vec::new();
        let mut unpacked = ZlibDecoder::new(&*packed).take(MOST_BYTES as u64 + 1);
        unpacked
            .read_to_end(&mut bytes)
            .map_err(|_| NotAList::Encoding)?;
        if bytes.len() > MOST_BYTES {
            return Err(NotAList::TooLarge);
        }
        Ok(Self { bits, bytes })
    }

    pub(crate) const fn bits(&self) -> u8 {
        self.bits
    }

    /// Its member `lst`, at the highest level of compression (§4.1).
    pub(crate) fn pack(&self) -> std::io::Result<String> {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&self.bytes)?;
        Ok(URL_SAFE_NO_PAD.encode(packed.finish()?))
    }

    /// The status at an index; none beyond the list's end.
    pub(crate) fn status(&self, index: usize) -> Option<u8> {
        let bit = index.checked_mul(usize::from(self.bits))?;
        let byte = self.bytes.get(bit / 8)?;
        let mask = u8::MAX >> (8 - self.bits);
        Some((byte >> (bit % 8)) & mask)
    }

    /// Which of the 64 tokens from `64 * word` on may not be used: those that are not valid, and those that it does not tell of
    /// (§8.3).
    fn ended(&self, word: usize) -> u64 {
        if self.bits == 1 {
            let mut eight = [u8::MAX; 8];
            let left = self.bytes.get(word * 8..).unwrap_or_default();
            let told = left.len().min(8);
            eight[..told].copy_from_slice(&left[..told]);
            return u64::from_le_bytes(eight);
        }
        (0..64).fold(0, |ended, bit| {
            let ends = self.status(word * 64 + bit) != Some(0);
            ended | u64::from(ends) << bit
        })
    }
}

/// What a server knows of the list that it fetched last.
#[derive(Debug)]
pub(crate) struct Statuses {
    /// The number of what was last changed that the list does not tell of: this server's own keys and policy.
    pub(crate) everyone: AtomicU64,
    ended: Box<[AtomicU64]>,
    /// Until when it may be used, on [`Clock::running`].
    until: AtomicU64,
}

impl Default for Statuses {
    /// No list.
    fn default() -> Self {
        let ended = (0..STATUSES / 64).map(|_| AtomicU64::new(u64::MAX));
        Self {
            everyone: AtomicU64::new(0),
            ended: ended.collect(),
            until: AtomicU64::new(0),
        }
    }
}

impl Statuses {
    /// Whether the list is not older than its `ttl`.
    pub(crate) fn is_current(&self, clock: &Clock) -> bool {
        clock.running().nanoseconds() < self.until.load(Ordering::Acquire)
    }

    /// Whether a fact still holds: the list is current, and its token valid. The time is looked at first, as a list that is
    /// taken after it may only be newer.
    pub(crate) fn holds(&self, mark: &Mark, clock: &Clock) -> bool {
        let index = index_of(mark.id);
        self.is_current(clock)
            && self.everyone.load(Ordering::Acquire) <= mark.number
            && self.ended[index / 64].load(Ordering::Acquire) >> (index % 64) & 1 == 0
    }

    /// Takes a list that may be used until then. One that was asked for later must be taken later.
    pub(crate) fn take(&self, list: &StatusList, until: Timestamp) {
        for (word, ended) in self.ended.iter().enumerate() {
            ended.store(list.ended(word), Ordering::Release);
        }
        // Last: whoever finds it current finds what it says.
        self.until.store(until.nanoseconds(), Ordering::Release);
    }
}

/// The tokens that this server issued and that have not ended, by index.
#[derive(Debug, Default)]
pub(crate) struct Issued(Mutex<Live>);

#[derive(Debug, Default)]
struct Live {
    tokens: Vec<Token>,
    /// The next index.
    next: usize,
}

#[derive(Clone, Copy, Debug)]
struct Token {
    mark: Mark,
    end_seconds: u64,
}

/// How many tokens are looked at before others may be issued.
const AT_ONCE: usize = 4096;

impl Issued {
    /// Gives a token that is being issued the next index (§13.3: never that of another that lives), and says the id which tells it.
    ///
    /// # Errors
    /// [`Denied::Busy`]: as many tokens live as the list has room for.
    pub(crate) fn admit(
        &self,
        mark: Mark,
        end_seconds: u64,
        now: Timestamp,
    ) -> Result<TokenId, Denied> {
        let mut live = self.live();
        let index = live.next;
        let drawn = mark.id.number();
        let id = TokenId::of(drawn - drawn % STATUSES as u128 + index as u128);
        let mark = Mark { id, ..mark };
        let token = Token { mark, end_seconds };
        match live.tokens.get_mut(index) {
            Some(held) if held.end_seconds > now.seconds() => return Err(Denied::Busy),
            Some(held) => *held = token,
            None => live.tokens.push(token),
        }
        live.next = (index + 1) % STATUSES;
        Ok(id)
    }

    /// The list as it is now: ended are those that do not stand. What ended by its time needs no status.
    pub(crate) fn list(&self, now: Timestamp, stands: impl Fn(&Mark) -> bool) -> StatusList {
        // Room for as many again: a token that the list does not tell of is verified anew.
        let mut list = StatusList::of_valid(2 * self.live().tokens.len());
        let mut from = 0;
        loop {
            let live = self.live();
            let some = live.tokens.get(from..).unwrap_or_default();
            let some = &some[..some.len().min(AT_ONCE)];
            if some.is_empty() {
                return list;
            }
            for (at, token) in some.iter().enumerate() {
                if token.end_seconds > now.seconds() && !stands(&token.mark) {
                    list.end(from + at);
                }
            }
            from += AT_ONCE;
        }
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A list's times (§5.1): it counts for `ttl` from when it was asked for, and not beyond `exp`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lasts {
    pub(crate) ttl: Duration,
    pub(crate) expires_at: u64,
}

impl Lasts {
    /// Of a list that is made now. It expires after twice its `ttl`, so that one that is handed out a `ttl` later may still be
    /// kept for as long.
    pub(crate) fn from(now: Timestamp, ttl: Duration) -> Self {
        Self {
            ttl,
            expires_at: now.after(2 * ttl).seconds() + 1,
        }
    }

    /// Until when it may be used that was asked for at `sent`, while the clock shows `now`; this server keeps none for longer
    /// than `most`. `None` where it has expired.
    pub(crate) fn until(
        self,
        sent: Timestamp,
        now: Timestamp,
        most: Duration,
    ) -> Option<Timestamp> {
        let left = Timestamp::from_seconds(self.expires_at).since(now);
        (!left.is_zero()).then(|| sent.after(self.ttl.min(most).min(left)))
    }
}

#[cfg(test)]
mod tests;
