//! JWT access tokens (RFC 9068) over the `aws_lc_rs` backend of jsonwebtoken. The signature is the crate's to check;
//! form, algorithm, `typ`, `crit`, issuer, audience and all times are ours.
//!
//! Not by the crate's `decode`: it parses the header twice, with a map of its own for what it does not know, and the
//! claims twice, once for its own rules. That took three times what the signature does.

mod wire;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header};
use serde::{Deserialize, Serialize};

use super::key::Key;
use super::{CredentialKind, Facts, SecretError};
use crate::binding::Bound;
use crate::denied::Denied;
use crate::policy::{Roles, Scopes};
use crate::request::TokenId;
use crate::setup::Design;
use wire::{AccessToken, Addressed, SessionToken};

/// RFC 9068 §2.1: an ID token or any other JWT under the same key is no access token.
const ACCESS: &str = "at+jwt";

/// What only names a session says too little to be one (RFC 8725 §3.11: a type of its own).
const SESSION: &str = "session+jwt";

/// What an access token says.
pub(crate) struct Claims {
    pub(crate) sub: String,
    pub(crate) roles: Roles,
    pub(crate) scopes: Scopes,
    issued_at: u64,
    pub(crate) not_before: u64,
    pub(crate) expires_at: u64,
    pub(crate) id: TokenId,
    pub(crate) session: Option<TokenId>,
    pub(crate) bound: Bound,
}

/// What a token says that only names a session.
pub(crate) struct Named {
    pub(crate) sub: String,
    pub(crate) session: TokenId,
    pub(crate) not_before: u64,
    pub(crate) expires_at: u64,
}

impl Claims {
    pub(super) fn of(subject: &str, facts: Facts, id: TokenId, now_seconds: u64) -> Self {
        Self {
            sub: subject.to_owned(),
            roles: facts.roles,
            scopes: facts.scopes,
            issued_at: now_seconds,
            not_before: 0,
            expires_at: now_seconds.saturating_add(facts.lifetime_seconds),
            id,
            session: facts.session,
            bound: facts.bound,
        }
    }
}

/// Keys and rules, made once.
pub(crate) struct Jwt {
    algorithm: Algorithm,
    key: Key,
    typ: &'static str,
    /// The header as our tokens carry it: whatever has these very bytes needs no parsing.
    own_header: String,
    issuer: Box<str>,
    audience: Box<str>,
}

impl Jwt {
    pub(super) fn open(design: &Design) -> Result<Self, SecretError> {
        let key = Key::open(design.jwt, &design.secret_file, &design.key_file)?;
        let algorithm = design.jwt.into();
        let mut header = Header::new(algorithm);
        let typ = match design.credential {
            CredentialKind::SessionJwt => SESSION,
            _ => ACCESS,
        };
        header.typ = Some(typ.to_owned());
        header.kid = key.id().map(ToOwned::to_owned);
        // An empty one equals no header: then all of them are parsed.
        let own_header = serde_json::to_vec(&header)
            .map(|header| URL_SAFE_NO_PAD.encode(header))
            .unwrap_or_default();
        Ok(Self {
            algorithm,
            key,
            typ,
            own_header,
            issuer: design.issuer().into(),
            audience: design.audience().into(),
        })
    }

    /// The key that others verify by, as a JWK; a secret has none.
    pub(super) fn public_jwk(&self) -> Option<String> {
        self.key.public_jwk(self.algorithm)
    }

    pub(super) fn issue(&self, claims: &Claims) -> Result<String, Denied> {
        self.sealed(&AccessToken::of(claims, &self.issuer, &self.audience))
    }

    pub(super) fn verify(&self, token: &str) -> Result<Claims, Denied> {
        let payload = self.opened(token)?;
        self.addressed::<AccessToken<'_>>(&payload)?
            .claims()
            .ok_or(Denied::Malformed)
    }

    /// A token that says no more than whose and which session.
    pub(super) fn name(&self, named: &Named, now_seconds: u64) -> Result<String, Denied> {
        let token = SessionToken::of(named, &self.issuer, &self.audience, now_seconds);
        self.sealed(&token)
    }

    pub(super) fn named(&self, token: &str) -> Result<Named, Denied> {
        let payload = self.opened(token)?;
        Ok(self.addressed::<SessionToken<'_>>(&payload)?.named())
    }

    /// Claims of this issuer, for this audience.
    fn addressed<'a, T: Deserialize<'a> + Addressed>(
        &self,
        payload: &'a [u8],
    ) -> Result<T, Denied> {
        let claims: T = serde_json::from_slice(payload).map_err(|_| Denied::Malformed)?;
        if claims.is_from(&self.issuer) && claims.is_for(&self.audience) {
            Ok(claims)
        } else {
            Err(Denied::Malformed)
        }
    }

    fn sealed(&self, claims: &impl Serialize) -> Result<String, Denied> {
        let claims = serde_json::to_vec(claims).map_err(|_| Denied::Unavailable)?;
        let mut token = format!("{}.{}", self.own_header, URL_SAFE_NO_PAD.encode(claims));
        let signature = self.key.sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&signature);
        Ok(token)
    }

    /// The claims of a token, once header and signature are proven.
    fn opened(&self, token: &str) -> Result<Vec<u8>, Denied> {
        let (message, signature) = token.rsplit_once('.').ok_or(Denied::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Denied::Malformed)?;
        if header.is_empty() || header != self.own_header {
            self.check_header(token)?;
        }
        self.key.verify(message.as_bytes(), signature)?;
        // A fourth part's dot is no base64, so it ends here.
        URL_SAFE_NO_PAD
            .decode(payload)
            .map_err(|_| Denied::Malformed)
    }

    /// A header that is not ours to the byte, but may mean the same.
    fn check_header(&self, token: &str) -> Result<(), Denied> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Denied::Malformed)?;
        let typ = header.typ.as_deref().unwrap_or("");
        // RFC 9068 §4: `application/at+jwt` is the same type; RFC 7515 §4.1.9: compared without case.
        let bare = typ.split_once('/').map_or(typ, |(media, rest)| {
            if media.eq_ignore_ascii_case("application") {
                rest
            } else {
                typ
            }
        });
        // RFC 7515 §4.1.11: extensions that must be understood, and we understand none. The algorithm is ours to
        // choose, never the token's (RFC 8725 §3.1).
        // A key that the token names is ours, or none of ours; `jwk` and `x5c` are never looked at.
        let names_ours = header
            .kid
            .as_deref()
            .is_none_or(|kid| Some(kid) == self.key.id());
        let accepted = header.alg == self.algorithm
            && names_ours
            && bare.eq_ignore_ascii_case(self.typ)
            && header.crit.is_none();
        if accepted {
            Ok(())
        } else {
            Err(Denied::Malformed)
        }
    }
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
