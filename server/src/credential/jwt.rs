//! JWT access tokens (RFC 9068). Signatures are jsonwebtoken's and its backend's, aws-lc-rs, to check; form, algorithm,
//! `typ`, `crit`, issuer, audience and all times are ours.
//!
//! Not by jsonwebtoken's `decode`: it parses the header twice, with a map of its own for what it does not know, and the
//! claims twice, once for its own rules. That took three times what the signature does.

mod own;
mod statuses;
mod wire;

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::key::Key;
use super::{Facts, JwtAlgorithm, KeyFrom, SecretError, SecretFrom};
use crate::bound::Bound;
use crate::cause;
use crate::denied::Denied;
use crate::grant::{Generation, Mark, TokenId, Verified};
use crate::members::read_object;
use crate::policy::{Roles, Scopes};
use crate::subjects::Subject;
use wire::{AccessToken, Addressed, JoseHeader, OwnHeader, SessionToken};

/// RFC 9068 §2.1: an ID token or any other JWT under the same key is no access token.
pub(super) const ACCESS: &str = "at+jwt";

/// What only names a session says too little to be one (RFC 8725 §3.11: a type of its own).
pub(super) const SESSION: &str = "session+jwt";

/// Claims that are read without allocating, in base64: those of our own tokens have half of it, without groups.
const MOST_IN_PLACE: usize = 1024;

/// What an access token says.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) struct Claims<'a> {
    pub(crate) sub: Cow<'a, str>,
    pub(crate) roles: Roles,
    pub(crate) scopes: Scopes,
    pub(crate) narrowed: bool,
    pub(crate) issued_at: u64,
    pub(crate) not_before: u64,
    pub(crate) expires_at: u64,
    pub(crate) id: TokenId,
    pub(crate) session: Option<TokenId>,
    pub(crate) generation: Generation,
    pub(crate) bound: Bound,
}

/// What a token says that only names a session.
pub(crate) struct Named {
    pub(crate) sub: String,
    pub(crate) session: TokenId,
    pub(crate) not_before: u64,
    pub(crate) expires_at: u64,
}

impl<'a> Claims<'a> {
    pub(super) fn of(subject: Cow<'a, str>, facts: Facts, id: TokenId, now_seconds: u64) -> Self {
        Self {
            sub: subject,
            roles: facts.roles,
            scopes: facts.scopes,
            narrowed: facts.narrowed,
            issued_at: now_seconds,
            not_before: 0,
            expires_at: now_seconds.saturating_add(facts.lifetime_seconds),
            id,
            session: facts.session,
            generation: facts.generation,
            bound: facts.bound,
        }
    }

    /// What they say of a subject, not yet numbered.
    pub(crate) fn verified(&self, subject: Subject) -> Verified {
        Verified {
            mark: Mark {
                number: 0,
                id: self.session.unwrap_or(self.id),
                subject,
                generation: self.generation,
            },
            roles: self.roles,
            scopes: self.scopes,
            narrowed: self.narrowed,
            not_before: self.not_before,
            expires_at: self.expires_at,
            bound: self.bound,
        }
    }
}

/// How tokens are signed, and what all of them say.
pub(crate) struct SignedBy {
    pub(crate) source: KeySource,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) claims_bytes: usize,
    /// Where the tokens' status list is, where they have one.
    pub(crate) status_list: Option<String>,
}

/// Where the key comes from.
pub(crate) struct KeySource {
    pub(crate) algorithm: JwtAlgorithm,
    pub(crate) secret: SecretFrom,
    pub(crate) pair: KeyFrom,
}

/// Keys and rules, made once; the key is made anew when it is rotated.
pub(crate) struct Jwt {
    algorithm: JwtAlgorithm,
    typ: &'static str,
    signing: RwLock<Signing>,
    source: KeySource,
    issuer: Box<str>,
    audience: Box<str>,
    /// How our tokens' claims begin.
    opening: Option<String>,
    /// What fattens a token (`--claims-bytes`): names of groups, as directories put them into tokens by the hundred.
    groups: Box<[String]>,
    /// Where their status list is, where they have one.
    status_list: Option<Box<str>>,
}

struct Signing {
    key: Key,
    /// The header as our tokens carry it: whatever has these very bytes needs no parsing.
    own_header: String,
}

/// A key that may be taken.
pub(crate) struct NextKey {
    signing: Signing,
    /// A text that only servers of the same key have.
    pub(crate) fingerprint: String,
}

impl Signing {
    /// A text that only servers of the same key have; it tells nothing of the key.
    fn fingerprint(&self) -> Result<String, Denied> {
        match self.key.id() {
            Some(id) => Ok(id.to_owned()),
            None => self.key.sign(b"whose decisions these are"),
        }
    }

    /// Header, claims and signature.
    fn sealed(&self, header: &str, claims: &[u8]) -> Result<String, Denied> {
        let mut token = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
        let signature = self.key.sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&signature);
        Ok(token)
    }
}

impl KeySource {
    fn open(&self, typ: &str) -> Result<Signing, SecretError> {
        let key = Key::open(self.algorithm, &self.secret, &self.pair)?;
        let header = OwnHeader {
            typ,
            alg: self.algorithm,
            kid: key.id(),
        };
        // An empty one equals no header: then all of them are parsed.
        let own_header = serde_json::to_vec(&header)
            .map(|header| URL_SAFE_NO_PAD.encode(header))
            .unwrap_or_default();
        Ok(Signing { key, own_header })
    }
}

impl Jwt {
    pub(super) fn open(typ: &'static str, by: SignedBy) -> Result<Self, SecretError> {
        Ok(Self {
            algorithm: by.source.algorithm,
            typ,
            signing: RwLock::new(by.source.open(typ)?),
            source: by.source,
            opening: own::opening(&by.issuer, &by.audience),
            issuer: by.issuer.into(),
            audience: by.audience.into(),
            groups: groups(by.claims_bytes),
            status_list: by.status_list.map(Into::into),
        })
    }

    /// Another key, drawn or read from its file anew. It is not taken yet.
    pub(super) fn next(&self) -> Result<NextKey, Denied> {
        // What is wrong with its file is for whoever runs the server, not for whoever asks.
        let next = self
            .source
            .open(self.typ)
            .map_err(|error| cause::unavailable(cause::Source::Key, &error))?;
        let fingerprint = next.fingerprint()?;
        if fingerprint == self.fingerprint()? {
            return Err(Denied::SameKey);
        }
        Ok(NextKey {
            signing: next,
            fingerprint,
        })
    }

    /// Takes another key: every token that was signed so far ends.
    pub(super) fn take(&self, next: NextKey) {
        *self.signing.write().unwrap_or_else(PoisonError::into_inner) = next.signing;
    }

    /// What servers whose keys are had in the same way call theirs: algorithm, and where the key is from.
    pub(super) fn kind_of_key(&self) -> String {
        let from = if self.is_drawn() { "drawn" } else { "file" };
        format!("key {} {from}", self.algorithm)
    }

    /// Whether its key is this process's own.
    pub(super) fn is_drawn(&self) -> bool {
        if self.algorithm.is_of_pairs() {
            self.source.pair == KeyFrom::Generated
        } else {
            self.source.secret == SecretFrom::Random
        }
    }

    fn signing(&self) -> RwLockReadGuard<'_, Signing> {
        self.signing.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A text that only servers of the same key have; it tells nothing of the key.
    pub(super) fn fingerprint(&self) -> Result<String, Denied> {
        self.signing().fingerprint()
    }

    /// The key that others verify by, as a JWK; a secret has none.
    pub(super) fn public_jwk(&self) -> Option<String> {
        self.signing().key.public_jwk()
    }

    pub(super) fn issue(&self, claims: &Claims<'_>) -> Result<String, Denied> {
        self.sealed(&AccessToken::of(
            claims,
            &self.issuer,
            &self.audience,
            &self.groups,
            self.status_list.as_deref(),
        ))
    }

    /// What is read of a token's claims, once they are proven.
    pub(super) fn verify<T>(
        &self,
        token: &str,
        read: impl FnOnce(Claims<'_>) -> T,
    ) -> Result<T, Denied> {
        self.opened(token, |payload| {
            if let Some(uri) = &self.status_list {
                let token = self.addressed::<AccessToken<'_>>(payload)?;
                let claims = token.is_listed(uri).then(|| token.claims()).flatten();
                return claims.map(read).ok_or(Denied::Malformed);
            }
            let opening = self.opening.as_deref();
            let claims = match opening.and_then(|opening| own::read(payload, opening)) {
                Some(claims) => Some(claims),
                None => self.addressed::<AccessToken<'_>>(payload)?.claims(),
            };
            claims.map(read).ok_or(Denied::Malformed)
        })
    }

    /// A token that says no more than whose and which session.
    pub(super) fn name(&self, named: &Named, now_seconds: u64) -> Result<String, Denied> {
        let token = SessionToken::of(named, &self.issuer, &self.audience, now_seconds);
        self.sealed(&token)
    }

    pub(super) fn named(&self, token: &str) -> Result<Named, Denied> {
        self.opened(token, |payload| {
            Ok(self.addressed::<SessionToken<'_>>(payload)?.named())
        })
    }

    /// Claims of this issuer, for this audience.
    fn addressed<'a, T: Deserialize<'a> + Addressed>(
        &self,
        payload: &'a [u8],
    ) -> Result<T, Denied> {
        let claims: T = read_object(payload).ok_or(Denied::Malformed)?;
        if claims.is_from(&self.issuer) && claims.is_for(&self.audience) {
            Ok(claims)
        } else {
            Err(Denied::Malformed)
        }
    }

    fn sealed(&self, claims: &impl Serialize) -> Result<String, Denied> {
        let claims = serde_json::to_vec(claims).map_err(|_| cause::unanswered("a token's text"))?;
        let signing = self.signing();
        signing.sealed(&signing.own_header, &claims)
    }

    /// What is read of the claims of a token, once header and signature are proven.
    fn opened<T>(
        &self,
        token: &str,
        read: impl FnOnce(&[u8]) -> Result<T, Denied>,
    ) -> Result<T, Denied> {
        let (message, signature) = token.rsplit_once('.').ok_or(Denied::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Denied::Malformed)?;
        let signing = self.signing();
        if header.is_empty() || header != signing.own_header {
            self.check_header(header, &signing.key, self.typ)?;
        }
        signing.key.verify(message.as_bytes(), signature)?;
        drop(signing);
        // A fourth part's dot is no base64, so it ends here.
        if payload.len() <= MOST_IN_PLACE {
            let mut bytes = [0; MOST_IN_PLACE];
            let decoded = URL_SAFE_NO_PAD.decode_slice(payload, &mut bytes);
            let length = decoded.map_err(|_| Denied::Malformed)?;
            read(&bytes[..length])
        } else {
            let decoded = URL_SAFE_NO_PAD.decode(payload);
            read(&decoded.map_err(|_| Denied::Malformed)?)
        }
    }

    /// A header that is not ours to the byte, but may mean the same.
    fn check_header(&self, header: &str, key: &Key, wanted: &str) -> Result<(), Denied> {
        let header = URL_SAFE_NO_PAD
            .decode(header)
            .map_err(|_| Denied::Malformed)?;
        let header: JoseHeader<'_> = read_object(&header).ok_or(Denied::Malformed)?;
        let typ = &*header.typ;
        // RFC 9068 §4: `application/at+jwt` is the same type; RFC 7515 §4.1.9: compared without case.
        let bare = typ.split_once('/').map_or(typ, |(media, rest)| {
            if media.eq_ignore_ascii_case("application") {
                rest
            } else {
                typ
            }
        });
        // The algorithm is ours to choose, never the token's (RFC 8725 §3.1), and its name has one spelling.
        // A key that the token names is ours, or none of ours; `jwk` and `x5c` are never looked at.
        let names_ours = header
            .kid
            .as_deref()
            .is_none_or(|kid| Some(kid) == key.id());
        let accepted = header.alg == self.algorithm.label()
            && names_ours
            && bare.eq_ignore_ascii_case(wanted)
            && !(header.crit || header.b64 || header.enc);
        if accepted {
            Ok(())
        } else {
            Err(Denied::Malformed)
        }
    }
}

/// Names of groups that take so many bytes in a token's claims, to the length of one.
fn groups(bytes: usize) -> Box<[String]> {
    let (mut groups, mut taken) = (Vec::new(), 0);
    while taken < bytes {
        let mut name = String::new();
        let _ = write!(name, "group-{:06}", groups.len());
        // With its quotes and its comma.
        taken += name.len() + 3;
        groups.push(name);
    }
    groups.into()
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
