//! Demonstrating Proof of Possession (RFC 9449): the token names a key, and each request carries a proof that its sender
//! holds it: a signed statement of method, address, time and token, good for once.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::{Bound, Seal};
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::jwk::{Jwk, PublicKey};
use crate::request::{Proof, Sender};

/// How far a proof's `iat` may be from our clock, before and after (RFC 9449 §11.1: seconds or minutes).
const WINDOW: Duration = Duration::from_secs(60);

/// A proof with an RSA key of 4096 bits has less than 2 KiB.
const MOST_PROOF_BYTES: usize = 4096;

/// The proofs that are remembered in one window; beyond it none is accepted (503) until the next one.
const MOST_PROOFS: usize = 1_000_000;

pub(crate) struct DpopBinding {
    /// Scheme and authority that proofs are made for.
    origin: Option<url::Origin>,
    used: Mutex<Used>,
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    typ: Cow<'a, str>,
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    jwk: Jwk<'a>,
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    jti: Cow<'a, str>,
    #[serde(borrow)]
    htm: Cow<'a, str>,
    #[serde(borrow)]
    htu: Cow<'a, str>,
    iat: u64,
    #[serde(borrow, default)]
    ath: Option<Cow<'a, str>>,
}

impl DpopBinding {
    pub(super) fn open(issuer: &str) -> Self {
        Self {
            origin: Url::parse(issuer).ok().map(|url| url.origin()),
            used: Mutex::default(),
        }
    }

    /// Binds a token that is being issued to the key that this request proves.
    pub(super) fn seal(&self, sender: &Sender<'_>, now: Timestamp) -> Result<Bound, Denied> {
        let proof = sender.proof.ok_or(Denied::BadProof)?;
        self.prove(&proof, None, None, now).map(Bound::Key)
    }

    /// Whether this request proves the key that the token names.
    pub(super) fn check(
        &self,
        bound: &Bound,
        sender: &Sender<'_>,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Denied> {
        let Bound::Key(named) = bound else {
            return Err(Denied::WrongSender);
        };
        let proof = sender.proof.ok_or(Denied::BadProof)?;
        self.prove(&proof, token, Some(named), now).map(|_| ())
    }

    /// The key that a proof proves (RFC 9449 §4.3): the one that is named, where one is.
    fn prove(
        &self,
        proof: &Proof<'_>,
        token: Option<&str>,
        named: Option<&Seal>,
        now: Timestamp,
    ) -> Result<Seal, Denied> {
        if proof.jwt.len() > MOST_PROOF_BYTES {
            return Err(Denied::BadProof);
        }
        let (key, claims) = signed(proof.jwt).ok_or(Denied::BadProof)?;
        let claims: Claims<'_> = serde_json::from_slice(&claims).map_err(|_| Denied::BadProof)?;
        let about_now = now.seconds().abs_diff(claims.iat) <= WINDOW.as_secs();
        let for_this_token = token.is_none_or(|token| {
            claims.ath.as_deref() == Some(&*URL_SAFE_NO_PAD.encode(Sha256::digest(token)))
        });
        let fits = claims.htm == proof.method
            && self.is_here(&claims.htu, proof.path)
            && about_now
            && for_this_token
            && !claims.jti.is_empty();
        if !fits {
            return Err(Denied::BadProof);
        }
        if named.is_some_and(|named| !key.matches(named)) {
            return Err(Denied::WrongSender);
        }
        // Last, so that of those who show a token nobody without its key fills the memory.
        let mut digest = Sha256::new();
        digest.update(key.as_str());
        digest.update(claims.jti.as_bytes());
        let id: [u8; 32] = digest.finalize().into();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.remember(id, now)?;
        Ok(key)
    }

    /// The address without query and fragment, both sides in their one spelling (RFC 3986 §6.2.2, §6.2.3).
    fn is_here(&self, htu: &str, path: &str) -> bool {
        let Ok(proven) = Url::parse(htu) else {
            return false;
        };
        let origin = proven.origin();
        let here = Url::parse(&format!("{}{path}", origin.ascii_serialization()));
        Some(origin) == self.origin && here.is_ok_and(|here| here.path() == proven.path())
    }
}

/// A proof's key and claims, once its signature is proven by that very key.
fn signed(jwt: &str) -> Option<(Seal, Vec<u8>)> {
    let (message, signature) = jwt.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let header = URL_SAFE_NO_PAD.decode(header).ok()?;
    let header: Header<'_> = serde_json::from_slice(&header).ok()?;
    // RFC 7515 §4.1.9: compared without case.
    if !header.typ.eq_ignore_ascii_case("dpop+jwt") || header.crit.is_some() {
        return None;
    }
    let key = PublicKey::of(&header.jwk, &header.alg)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    if !key.proves(message.as_bytes(), &signature) {
        return None;
    }
    let name = Seal::of_text(&key.thumbprint())?;
    Some((name, URL_SAFE_NO_PAD.decode(claims).ok()?))
}

/// Which proofs were used: those of this window and of the one before it, so that each is known for at least as long as it could
/// pass again.
#[derive(Default)]
struct Used {
    recent: HashSet<[u8; 32]>,
    before: HashSet<[u8; 32]>,
    since: Option<Timestamp>,
}

impl Used {
    fn remember(&mut self, id: [u8; 32], now: Timestamp) -> Result<(), Denied> {
        // A proof passes from WINDOW before its `iat` until the end of the second that is WINDOW after it.
        let period = 2 * WINDOW + Duration::from_secs(1);
        match self.since {
            Some(since) if now < since.after(period) => {}
            Some(since) if now < since.after(2 * period) => {
                self.before = std::mem::take(&mut self.recent);
                self.since = Some(now);
            }
            _ => {
                *self = Self {
                    since: Some(now),
                    ..Self::default()
                };
            }
        }
        if self.recent.contains(&id) || self.before.contains(&id) {
            return Err(Denied::BadProof);
        }
        if self.recent.len() >= MOST_PROOFS {
            return Err(Denied::Unavailable);
        }
        self.recent.insert(id);
        Ok(())
    }
}

impl fmt::Debug for DpopBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopBinding").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However time goes on between them, and however many others come: no proof passes twice while it could.
        #[test]
        fn a_proof_is_known_for_as_long_as_it_could_pass_again(
            steps in prop::collection::vec((0_u64..90_000, 0_u8..40), 1..200),
        ) {
            let mut used = Used::default();
            let mut last = std::collections::HashMap::new();
            let mut now = 1_000_000_000;
            for (later_ms, number) in steps {
                now += later_ms;
                let here = Timestamp::from_seconds(0).after(Duration::from_millis(now));
                let fresh = used.remember([number; 32], here).is_ok();
                let could_pass = last.get(&number).is_some_and(|then| now - then < 121_000);
                prop_assert!(!(fresh && could_pass), "{number} again after {}", now - last[&number]);
                if fresh {
                    last.insert(number, now);
                }
            }
            prop_assert!(used.recent.len() + used.before.len() <= 80);
        }
    }
}
