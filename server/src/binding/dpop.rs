//! Demonstrating Proof of Possession (RFC 9449): the token names a key, and each request carries a proof that its sender
//! holds it: a signed statement of method, address, time and token, good for once.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::nonce::Nonces;
use crate::bound::{Bound, Seal};
use crate::bounded::Bounded;
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::grant::TokenId;
use crate::jwk::{Jwk, PublicKey};
use crate::members::{object, present, read_object, rounded_down, some};
use crate::path;
use crate::request::{DpopProof, Proof, Sender};
use crate::sessions::redis::RedisSessions;
use crate::subjects::Subject;

/// How far a proof's `iat` may be from our clock, before and after (RFC 9449 §11.1: seconds or minutes).
const WINDOW: Duration = Duration::from_secs(60);

/// A proof with an RSA key of 4096 bits has less than 2 KiB, and one with a key of ML-DSA-87 less than 12.
const MOST_PROOF_BYTES: usize = 12 * 1024;

/// How many proofs are remembered at once.
const MOST_PROOFS: usize = 1_000_000;

/// How many of those may be one subject's: all of the last minute at 800 requests a second, and at more those of a shorter
/// time.
const MOST_PROOFS_OF_ONE: usize = MOST_PROOFS / 10;

pub(crate) struct DpopBinding {
    /// Scheme and authority that proofs are made for.
    origin: Option<url::Origin>,
    used: Mutex<Used>,
    /// The second since which used proofs are remembered.
    born: u64,
    /// Where a proof must have a nonce of the server's.
    nonces: Option<Nonces>,
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    typ: Cow<'a, str>,
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "object")]
    jwk: Jwk<'a>,
    /// Extensions that must be understood (RFC 7515 §4.1.11), and none are.
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    /// Changes what is signed (RFC 7797 §3).
    #[serde(default, deserialize_with = "present")]
    b64: bool,
}

#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    jti: Cow<'a, str>,
    #[serde(borrow)]
    htm: Cow<'a, str>,
    #[serde(borrow)]
    htu: Cow<'a, str>,
    #[serde(deserialize_with = "rounded_down")]
    iat: u64,
    #[serde(borrow, default, deserialize_with = "some")]
    ath: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some")]
    nonce: Option<Cow<'a, str>>,
}

impl DpopBinding {
    /// Takes proofs that are made for this server, not older than `since`, and have one of these nonces where there are any.
    pub(super) fn open(issuer: &str, since: Timestamp, nonces: Option<Nonces>) -> Self {
        Self {
            origin: Url::parse(issuer).ok().map(|url| url.origin()),
            used: Mutex::default(),
            born: since.seconds(),
            nonces,
        }
    }

    pub(super) fn nonces(&self) -> Option<&Nonces> {
        self.nonces.as_ref()
    }

    /// Binds a token that is being issued to the key that this request proves.
    pub(super) fn seal(
        &self,
        sender: &Sender<'_>,
        subject: Subject,
        now: Timestamp,
    ) -> Result<Proven, Denied> {
        self.prove(&proof_of(sender)?, subject, None, None, now)
    }

    /// Whether this request proves the key that the token names.
    pub(super) fn check(
        &self,
        bound: &Bound,
        subject: Subject,
        sender: &Sender<'_>,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<Proven, Denied> {
        let Bound::Key(named) = bound else {
            return Err(Denied::WrongSender);
        };
        self.prove(&proof_of(sender)?, subject, token, Some(named), now)
    }

    /// The key that a proof proves (RFC 9449 §4.3): the one that is named, where one is.
    fn prove(
        &self,
        proof: &DpopProof<'_>,
        subject: Subject,
        token: Option<&str>,
        named: Option<&Seal>,
        now: Timestamp,
    ) -> Result<Proven, Denied> {
        if proof.jwt.len() > MOST_PROOF_BYTES {
            return Err(Denied::BadProof);
        }
        let (key, claims) = signed(proof.jwt).ok_or(Denied::BadProof)?;
        let claims: Claims<'_> = read_object(&claims).ok_or(Denied::BadProof)?;
        let about_now = now.seconds().abs_diff(claims.iat) <= WINDOW.as_secs();
        let for_this_token = token.is_none_or(|token| {
            claims.ath.as_deref() == Some(&*URL_SAFE_NO_PAD.encode(Sha256::digest(token)))
        });
        let fits = claims.htm == proof.method
            && self.is_here(&claims.htu, proof.path)
            && about_now
            && claims.iat >= self.born
            && for_this_token
            && !claims.jti.is_empty();
        if !fits {
            return Err(Denied::BadProof);
        }
        if named.is_some_and(|named| !key.matches(named)) {
            return Err(Denied::WrongSender);
        }
        if let Some(nonces) = &self.nonces {
            let shown = claims.nonce.as_deref();
            if !shown.is_some_and(|shown| nonces.accepts(shown, now)) {
                return Err(Denied::NeedsNonce);
            }
        }
        // Last, so that of those who show a token nobody without its key fills the memory.
        let mut digest = Sha256::new();
        digest.update(key.as_str());
        digest.update(claims.jti.as_bytes());
        let digest: [u8; 32] = digest.finalize().into();
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        let id = TokenId::of(u128::from_be_bytes(half));
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.remember(id, subject, claims.iat, now)?;
        Ok(Proven {
            key,
            id,
            end: end_of(claims.iat),
        })
    }

    /// Whether an `htu` names this server and the path of the request, without query and fragment (RFC 9449 §4.3). Both
    /// sides are compared in the form in which paths are routed, so that what is proven is what is asked for.
    fn is_here(&self, htu: &str, path: &str) -> bool {
        // The parser mends what is no URI: blanks, tabs and backslashes.
        if !htu
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        {
            return false;
        }
        let Ok(proven) = Url::parse(htu) else {
            return false;
        };
        let names_nobody = proven.username().is_empty() && proven.password().is_none();
        if !names_nobody || Some(proven.origin()) != self.origin {
            return false;
        }
        match (path::normal(proven.path()), path::normal(path)) {
            (Ok(proven), Ok(asked)) => proven == asked,
            _ => false,
        }
    }
}

fn proof_of<'a>(sender: &Sender<'a>) -> Result<DpopProof<'a>, Denied> {
    match sender.proof {
        Some(Proof::Dpop(proof)) => Ok(proof),
        Some(Proof::Certificate(_)) | None => Err(Denied::BadProof),
    }
}

/// A proof that was not used at this server before.
pub(super) struct Proven {
    key: Seal,
    id: TokenId,
    end: Timestamp,
}

impl Proven {
    /// The key that is bound to, once the proof was used at no other server either.
    pub(super) async fn at_all(self, redis: &RedisSessions) -> Result<Bound, Denied> {
        if redis.use_once(self.id, self.end).await? {
            Ok(self.here())
        } else {
            Err(Denied::BadProof)
        }
    }

    /// The same where there is no other server.
    pub(super) fn here(self) -> Bound {
        Bound::Key(self.key)
    }
}

/// It passes until the end of the second that is WINDOW after its `iat`.
fn end_of(iat: u64) -> Timestamp {
    Timestamp::from_seconds(iat).after(WINDOW + Duration::from_secs(1))
}

/// A proof's key and claims, once its signature is proven by that very key.
fn signed(jwt: &str) -> Option<(Seal, Vec<u8>)> {
    let (message, signature) = jwt.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let header = URL_SAFE_NO_PAD.decode(header).ok()?;
    let header: Header<'_> = read_object(&header)?;
    // RFC 7515 §4.1.9: compared without case.
    if !header.typ.eq_ignore_ascii_case("dpop+jwt") || header.crit || header.b64 {
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

/// Which proofs were used, each until it could not pass any more. One that had to make room early is remembered by its
/// subject's floor: no proof of that subject passes that is as old.
struct Used {
    proofs: Bounded<Subject, u64>,
    floors: HashMap<Subject, u64>,
}

impl Default for Used {
    fn default() -> Self {
        Self::new(MOST_PROOFS, MOST_PROOFS_OF_ONE)
    }
}

impl Used {
    fn new(most: usize, share: usize) -> Self {
        Self {
            proofs: Bounded::new(most, share),
            floors: HashMap::new(),
        }
    }

    fn remember(
        &mut self,
        id: TokenId,
        subject: Subject,
        iat: u64,
        now: Timestamp,
    ) -> Result<(), Denied> {
        let floors = &mut self.floors;
        self.proofs.forget_ended(now, |proofs, gone| {
            // The first of a subject to leave is the oldest: when none is left, what its floor stands for has ended too.
            if proofs.count(&gone.owner) == 0 {
                floors.remove(&gone.owner);
            }
        });
        if self.proofs.contains(id) {
            return Err(Denied::BadProof);
        }
        if self.floors.get(&subject).is_some_and(|floor| iat <= *floor) {
            // It may have been used: so many came that this is not known.
            return Err(Denied::Busy);
        }
        if let Some(evicted) = self.proofs.make_room(&subject)? {
            let floor = self.floors.entry(evicted.owner).or_default();
            *floor = evicted.value.max(*floor);
        }
        self.proofs.insert(id, subject, iat, end_of(iat));
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

    const NOW: u64 = 1_800_000_000;

    #[derive(Clone, Debug)]
    struct Sent {
        later_ms: u64,
        number: u8,
        subject: u8,
        /// Of its `iat` from the time at which it is first sent.
        off: i64,
    }

    fn sent() -> impl Strategy<Value = Sent> {
        (0_u64..30_000, 0_u8..40, -70_i64..=70).prop_map(|(later_ms, number, off)| Sent {
            later_ms,
            number,
            // Three in four are subject 0's.
            subject: if number % 4 == 0 { number } else { 0 },
            off,
        })
    }

    proptest! {
        /// However time goes on between them, however many others come, and whatever had to make room: no proof passes
        /// twice while it could. And who sends few is never refused because another sends many.
        #[test]
        fn a_proof_is_known_for_as_long_as_it_could_pass_again(
            all in prop::collection::vec(sent(), 1..200),
            share in 1_usize..12,
        ) {
            let mut used = Used::new(40, share);
            let mut firsts = HashMap::new();
            let mut passed = std::collections::HashSet::new();
            let mut now_ms = NOW * 1000;
            for sent in all {
                now_ms += sent.later_ms;
                let seconds = now_ms / 1000;
                let here = Timestamp::from_seconds(0).after(Duration::from_millis(now_ms));
                let first = *firsts.entry(sent.number).or_insert(seconds);
                let iat = first.saturating_add_signed(sent.off);
                // One proof has one `iat`: another is another proof.
                let id = TokenId::of(u128::from(sent.number) << 64 | u128::from(iat));
                let could_pass = seconds.abs_diff(iat) <= WINDOW.as_secs();
                if !could_pass {
                    continue;
                }
                let answer = used.remember(id, Subject(sent.subject.into()), iat, here);
                let fresh = answer.is_ok();
                prop_assert!(!(fresh && passed.contains(&id)), "{sent:?} again");
                if fresh {
                    passed.insert(id);
                }
                let alone = sent.subject != 0 && share > 1 && !passed.contains(&id);
                prop_assert!(fresh || !alone || used.floors.contains_key(&Subject(sent.subject.into())), "{sent:?} {answer:?}");
            }
            prop_assert!(used.proofs.len() <= 40);
        }
    }

    /// A subject that sends more than its share keeps passing with new proofs, and no old one passes again.
    #[test]
    fn a_subject_beyond_its_share_passes_with_new_proofs_only() {
        let mut used = Used::new(100, 10);
        let at = Timestamp::from_seconds;
        let id = |number: u64| TokenId::of(u128::from(number));
        for second in 0..30 {
            assert_eq!(
                used.remember(id(second), Subject(0), NOW + second, at(NOW + second)),
                Ok(())
            );
        }
        let now = at(NOW + 30);
        for second in 0..30 {
            let again = used.remember(id(second), Subject(0), NOW + second, now);
            assert!(again.is_err(), "{second}");
        }
        assert_eq!(used.remember(id(100), Subject(0), NOW + 30, now), Ok(()));
        // As old as one that made room: whether it was used is not known.
        assert_eq!(
            used.remember(id(101), Subject(0), NOW + 5, now),
            Err(Denied::Busy)
        );
        assert_eq!(used.remember(id(102), Subject(1), NOW + 5, now), Ok(()));
        // What a floor stood for has ended.
        let later = at(NOW + 200);
        assert_eq!(used.remember(id(103), Subject(0), NOW + 200, later), Ok(()));
        assert_eq!((used.proofs.len(), used.floors.len()), (1, 0));
    }
}
