//! JWT access tokens (RFC 9068) over the `aws_lc_rs` backend of jsonwebtoken. The signature is the crate's to check;
//! form, algorithm, `typ`, `crit`, issuer, audience and all times are ours.
//!
//! Not by the crate's `decode`: it parses the header twice, with a map of its own for what it does not know, and the
//! claims twice, once for its own rules. That took three times what the signature does.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::key::Key;
use super::{Facts, SecretError};
use crate::binding::Bound;
use crate::denied::Denied;
use crate::policy::{Roles, Scopes};
use crate::request::TokenId;
use crate::setup::Design;

/// Who issues, and for whom: only this server.
const ISSUER: &str = "authlab";

/// RFC 9068 §2.1: an ID token or any other JWT under the same key is no access token.
const TYPE: &str = "at+jwt";

/// The claims of an access token. A duplicated or mistyped one fails.
#[derive(Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: Issuer,
    pub(crate) sub: String,
    pub(crate) roles: Roles,
    #[serde(rename = "scope")]
    pub(crate) scopes: Scopes,
    iat: u64,
    #[serde(default, skip_serializing_if = "is_zero", rename = "nbf")]
    pub(crate) not_before: u64,
    #[serde(rename = "exp")]
    pub(crate) expires_at: u64,
    #[serde(rename = "jti")]
    pub(crate) id: TokenId,
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "sid")]
    pub(crate) session: Option<TokenId>,
    #[serde(default, skip_serializing_if = "Bound::is_empty", rename = "bnd")]
    pub(crate) bound: Bound,
    /// A token that was meant for some audience was not meant for us, who have no name (RFC 7519 §4.1.3).
    #[serde(default, skip_serializing)]
    aud: Option<IgnoredAny>,
}

/// This server, and no other text.
struct Issuer;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(seconds: &u64) -> bool {
    *seconds == 0
}

impl Claims {
    pub(super) fn of(subject: &str, facts: Facts, id: TokenId, now_seconds: u64) -> Self {
        Self {
            iss: Issuer,
            sub: subject.to_owned(),
            roles: facts.roles,
            scopes: facts.roles.scopes(),
            iat: now_seconds,
            not_before: 0,
            expires_at: now_seconds.saturating_add(facts.lifetime_seconds),
            id,
            session: facts.session,
            bound: facts.bound,
            aud: None,
        }
    }
}

/// Keys and rules, made once.
pub(crate) struct Jwt {
    algorithm: Algorithm,
    key: Key,
    /// The header as our tokens carry it: whatever has these very bytes needs no parsing.
    own_header: String,
}

impl Jwt {
    pub(super) fn open(design: &Design) -> Result<Self, SecretError> {
        let key = Key::open(design.jwt, &design.secret_file, &design.key_file)?;
        let algorithm = design.jwt.into();
        let mut header = Header::new(algorithm);
        header.typ = Some(TYPE.to_owned());
        header.kid = key.id().map(ToOwned::to_owned);
        // An empty one equals no header: then all of them are parsed.
        let own_header = serde_json::to_vec(&header)
            .map(|header| URL_SAFE_NO_PAD.encode(header))
            .unwrap_or_default();
        Ok(Self {
            algorithm,
            key,
            own_header,
        })
    }

    pub(super) fn issue(&self, claims: &Claims) -> Result<String, Denied> {
        let claims = serde_json::to_vec(claims).map_err(|_| Denied::Unavailable)?;
        let mut token = format!("{}.{}", self.own_header, URL_SAFE_NO_PAD.encode(claims));
        let signature = self.key.sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&signature);
        Ok(token)
    }

    pub(super) fn verify(&self, token: &str) -> Result<Claims, Denied> {
        let (message, signature) = token.rsplit_once('.').ok_or(Denied::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Denied::Malformed)?;
        if header.is_empty() || header != self.own_header {
            self.check_header(token)?;
        }
        self.key.verify(message.as_bytes(), signature)?;
        // A fourth part's dot is no base64, so it ends here.
        let payload = URL_SAFE_NO_PAD
            .decode(payload)
            .map_err(|_| Denied::Malformed)?;
        let claims: Claims = serde_json::from_slice(&payload).map_err(|_| Denied::Malformed)?;
        if claims.aud.is_some() {
            return Err(Denied::Malformed);
        }
        Ok(claims)
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
            && bare.eq_ignore_ascii_case(TYPE)
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

impl Serialize for Issuer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(ISSUER)
    }
}

impl<'de> Deserialize<'de> for Issuer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        if text == ISSUER {
            Ok(Self)
        } else {
            Err(serde::de::Error::custom("another issuer"))
        }
    }
}

impl Serialize for TokenId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", self.0))
    }
}

impl<'de> Deserialize<'de> for TokenId {
    /// Exactly as we write it, so that one id has one text.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let ours = text.len() == 32 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        let id = if ours {
            u128::from_str_radix(&text, 16).ok()
        } else {
            None
        };
        id.map(Self)
            .ok_or_else(|| serde::de::Error::custom("jti and sid must be 32 hexadecimal digits"))
    }
}
