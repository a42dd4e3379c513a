//! Nonces of the server in DPoP proofs (RFC 9449 §8, §9): who has a key for a moment cannot make proofs for later.
//!
//! A nonce is the number of a period and a keyed digest of it, so that none has to be kept. Each is accepted in its own period
//! and in the next one.

use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::clock::Timestamp;

/// How many bytes of a digest a nonce has: nobody guesses 128 bits.
const DIGEST_BYTES: usize = 16;

/// What nonces are made with, of 256 bits.
type Key = [u8; blake3::KEY_LEN];

/// The nonces of this server, or of all that share them.
pub(crate) struct Nonces {
    period: Duration,
    key: RwLock<Key>,
}

impl Nonces {
    /// A new nonce each period, under a key that is drawn.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub(super) fn open(period: Duration) -> Result<Self, getrandom::Error> {
        let mut key = Key::default();
        getrandom::fill(&mut key)?;
        Ok(Self {
            period,
            key: RwLock::new(key),
        })
    }

    /// The nonce that a proof should have now.
    pub(crate) fn current(&self, now: Timestamp) -> String {
        self.of_period(self.number(now))
    }

    /// Whether a proof may have this nonce now.
    pub(super) fn accepts(&self, shown: &str, now: Timestamp) -> bool {
        let number = self.number(now);
        let is = |number| bool::from(self.of_period(number).as_bytes().ct_eq(shown.as_bytes()));
        is(number) || number.checked_sub(1).is_some_and(is)
    }

    /// The key as text, for the servers that share it.
    pub(crate) fn key_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(*self.key.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the key of another server; whether it is one.
    pub(crate) fn take_key(&self, text: &str) -> bool {
        let key = URL_SAFE_NO_PAD.decode(text).map(Key::try_from);
        let Ok(Ok(key)) = key else {
            return false;
        };
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = key;
        true
    }

    fn number(&self, now: Timestamp) -> u64 {
        now.nanoseconds() / (self.period.as_nanos() as u64).max(1)
    }

    fn of_period(&self, number: u64) -> String {
        let key = *self.key.read().unwrap_or_else(PoisonError::into_inner);
        let number = number.to_be_bytes();
        let digest = blake3::keyed_hash(&key, &number);
        let (digest, _) = digest.as_bytes().split_at(DIGEST_BYTES);
        URL_SAFE_NO_PAD.encode([&number, digest].concat())
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_accepted_in_its_period_and_the_next_under_its_key_alone() {
        let nonces = Nonces::open(Duration::from_secs(30)).unwrap();
        let at = Timestamp::from_seconds;
        let nonce = nonces.current(at(1_800_000_000));
        for (seconds, accepted) in [(0, true), (29, true), (30, true), (59, true), (60, false)] {
            let now = at(1_800_000_000 + seconds);
            assert_eq!(nonces.accepts(&nonce, now), accepted, "{seconds}");
        }
        assert!(!nonces.accepts(&nonce, at(1_800_000_000 - 1)), "of later");
        let now = at(1_800_000_000);
        for wrong in ["", "n", &nonce[1..], &format!("{nonce}A")] {
            assert!(!nonces.accepts(wrong, now), "{wrong}");
        }
        let other = Nonces::open(Duration::from_secs(30)).unwrap();
        assert!(!other.accepts(&nonce, now));
        assert!(other.take_key(&nonces.key_text()));
        assert!(other.accepts(&nonce, now));
        assert!(!other.take_key("short") && other.accepts(&nonce, now));
        // In the first period of all there is none before.
        let first = nonces.current(at(0));
        assert!(nonces.accepts(&first, at(1)) && !nonces.accepts(&first, at(60)));
    }
}
