//! JWT access tokens (RFC 9068) over the `aws_lc_rs` backend of jsonwebtoken. Signature, algorithm and issuer are the
//! crate's to check; `typ`, `crit` and all times are ours.

use std::fmt;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Facts, JwtAlgorithm, SecretError, SecretFrom};
use crate::binding::Bound;
use crate::denied::Denied;
use crate::policy::{Roles, Scopes};
use crate::request::TokenId;

/// Who issues, and for whom: only this server.
const ISSUER: &str = "authlab";

/// RFC 9068 §2.1: an ID token or any other JWT under the same key is no access token.
const TYPE: &str = "at+jwt";

/// The claims of an access token. A duplicated or mistyped one fails.
#[derive(Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
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
    #[serde(default, skip_serializing_if = "Bound::is_empty", rename = "bnd")]
    pub(crate) bound: Bound,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(seconds: &u64) -> bool {
    *seconds == 0
}

impl Claims {
    pub(super) fn of(subject: &str, facts: Facts, id: u128, now_seconds: u64) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            sub: subject.to_owned(),
            roles: facts.roles,
            scopes: facts.roles.scopes(),
            iat: now_seconds,
            not_before: 0,
            expires_at: now_seconds.saturating_add(facts.lifetime_seconds),
            id: TokenId(id),
            bound: facts.bound,
        }
    }
}

/// Keys and rules, made once.
pub(crate) struct Jwt {
    header: Header,
    signing: EncodingKey,
    verifying: DecodingKey,
    rules: Validation,
}

impl Jwt {
    pub(super) fn open(algorithm: JwtAlgorithm, from: &SecretFrom) -> Result<Self, SecretError> {
        let algorithm = match algorithm {
            JwtAlgorithm::HS256 => Algorithm::HS256,
        };
        let secret = from.read()?;
        let mut header = Header::new(algorithm);
        header.typ = Some(TYPE.to_owned());
        let mut rules = Validation::new(algorithm);
        rules.set_required_spec_claims(&["exp", "iss", "sub"]);
        rules.set_issuer(&[ISSUER]);
        // The crate allows 60 s of leeway by a clock that tests cannot hold; ours judges without.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        Ok(Self {
            header,
            signing: EncodingKey::from_secret(secret.bytes()),
            verifying: DecodingKey::from_secret(secret.bytes()),
            rules,
        })
    }

    pub(super) fn issue(&self, claims: &Claims) -> Result<String, Denied> {
        jsonwebtoken::encode(&self.header, claims, &self.signing).map_err(|_| Denied::Unavailable)
    }

    pub(super) fn verify(&self, token: &str) -> Result<Claims, Denied> {
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.verifying, &self.rules);
        let token = decoded.map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => Denied::BadSignature,
            _ => Denied::Malformed,
        })?;
        let typ = token.header.typ.as_deref().unwrap_or("");
        // RFC 9068 §4: `application/at+jwt` is the same type; RFC 7515 §4.1.9: compared without case.
        let bare = typ.split_once('/').map_or(typ, |(media, rest)| {
            if media.eq_ignore_ascii_case("application") {
                rest
            } else {
                typ
            }
        });
        // RFC 7515 §4.1.11: extensions that must be understood, and we understand none.
        if !bare.eq_ignore_ascii_case(TYPE) || token.header.crit.is_some() {
            return Err(Denied::Malformed);
        }
        Ok(token.claims)
    }
}

impl fmt::Debug for Jwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt")
            .field("algorithm", &self.header.alg)
            .finish_non_exhaustive()
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
            .ok_or_else(|| serde::de::Error::custom("jti must be 32 hexadecimal digits"))
    }
}
