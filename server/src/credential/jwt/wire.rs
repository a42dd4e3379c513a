//! Header and claims as they travel. A member that is known here fails when it is doubled, mistyped or `null`. Members
//! that are not known here are passed over (RFC 7515 §4, RFC 7519 §4).

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Claims, JwtAlgorithm, Named};
use crate::bound::{Bound, Confirmation, SealedSender};
use crate::clients::CLIENT;
use crate::grant::{Generation, TokenId};
use crate::members::{present, rounded_down, rounded_up, some, some_object, text};
use crate::policy::{Roles, Scopes};
use crate::status_list::index_of;

/// The client of the server's own ways to sign in.
const OWN_CLIENT: &str = "authlab";

/// The header of a token (RFC 7515 §4.1). Members that point to a key are typed but not used: the key is always the
/// server's own.
#[derive(Deserialize)]
pub(super) struct JoseHeader<'a> {
    #[serde(borrow)]
    pub(super) alg: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) typ: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "some")]
    pub(super) kid: Option<Cow<'a, str>>,
    /// Extensions that must be understood (§4.1.11). None are understood here, so its presence is a refusal, whatever
    /// its value.
    #[serde(default, deserialize_with = "present")]
    pub(super) crit: bool,
    /// Changes what is signed (RFC 7797 §3), and is valid with `crit` only.
    #[serde(default, deserialize_with = "present")]
    pub(super) b64: bool,
    /// Means an encrypted token (RFC 7516 §4.1.2).
    #[serde(default, deserialize_with = "present")]
    pub(super) enc: bool,
    #[serde(borrow, default, deserialize_with = "some", rename = "cty")]
    _cty: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some", rename = "jku")]
    _jku: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some", rename = "x5u")]
    _x5u: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some", rename = "x5t")]
    _x5t: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some", rename = "x5t#S256")]
    _x5t_s256: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some", rename = "x5c")]
    _x5c: Option<Vec<Cow<'a, str>>>,
    #[serde(default, deserialize_with = "some_object", rename = "jwk")]
    _jwk: Option<IgnoredAny>,
}

/// The header of our own tokens.
#[derive(Serialize)]
pub(super) struct OwnHeader<'a> {
    pub(super) typ: &'a str,
    pub(super) alg: JwtAlgorithm,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kid: Option<&'a str>,
}

/// An access token's claims (RFC 9068 §2.2).
#[derive(Serialize, Deserialize)]
pub(super) struct AccessToken<'a> {
    #[serde(borrow)]
    iss: Cow<'a, str>,
    #[serde(borrow)]
    aud: Audience<'a>,
    #[serde(borrow)]
    sub: Cow<'a, str>,
    /// Who asked for it. Read by others; here the subject says it.
    #[serde(skip_deserializing)]
    client_id: &'a str,
    roles: Roles,
    /// Of a token with fewer scopes than its subject's roles carry: those roles. `roles` is then empty, so that a server
    /// that does not know this claim grants nothing by a role.
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    narrowed_from: Option<Roles>,
    #[serde(rename = "scope")]
    scopes: Scopes,
    #[serde(deserialize_with = "rounded_down")]
    iat: u64,
    #[serde(
        default,
        deserialize_with = "rounded_up",
        skip_serializing_if = "is_zero"
    )]
    nbf: u64,
    #[serde(deserialize_with = "rounded_down")]
    exp: u64,
    jti: TokenId,
    #[serde(
        default,
        deserialize_with = "some",
        skip_serializing_if = "Option::is_none"
    )]
    sid: Option<TokenId>,
    /// The subject's generation, from its second on.
    #[serde(default, rename = "gen", skip_serializing_if = "is_first")]
    generation: Generation,
    #[serde(
        default,
        deserialize_with = "some_object",
        skip_serializing_if = "Option::is_none"
    )]
    bnd: Option<SealedSender>,
    #[serde(
        default,
        deserialize_with = "some_object",
        skip_serializing_if = "Option::is_none"
    )]
    cnf: Option<Confirmation>,
    #[serde(
        borrow,
        default,
        deserialize_with = "some_object",
        skip_serializing_if = "Option::is_none"
    )]
    status: Option<Status<'a>>,
    /// Read by others.
    #[serde(skip_deserializing, skip_serializing_if = "<[String]>::is_empty")]
    groups: &'a [String],
}

/// Where the status of a token is told (draft-ietf-oauth-status-list-21 §6.1). Other mechanisms are passed over.
#[derive(Serialize, Deserialize)]
struct Status<'a> {
    #[serde(
        borrow,
        default,
        deserialize_with = "some_object",
        skip_serializing_if = "Option::is_none"
    )]
    status_list: Option<Place<'a>>,
}

/// A token's place in a status list (§6.2).
#[derive(Serialize, Deserialize)]
struct Place<'a> {
    idx: u64,
    #[serde(borrow)]
    uri: Cow<'a, str>,
}

/// The claims of a token that only names a session.
#[derive(Serialize, Deserialize)]
pub(super) struct SessionToken<'a> {
    #[serde(borrow)]
    iss: Cow<'a, str>,
    #[serde(borrow)]
    aud: Audience<'a>,
    #[serde(borrow)]
    sub: Cow<'a, str>,
    sid: TokenId,
    #[serde(deserialize_with = "rounded_down")]
    iat: u64,
    #[serde(
        default,
        deserialize_with = "rounded_up",
        skip_serializing_if = "is_zero"
    )]
    nbf: u64,
    #[serde(deserialize_with = "rounded_down")]
    exp: u64,
}

/// For whom a token is: a name, or several (RFC 7519 §4.1.3).
pub(super) enum Audience<'a> {
    One(Cow<'a, str>),
    Several(Vec<Cow<'a, str>>),
}

/// What comes from somebody, for somebody.
pub(super) trait Addressed {
    fn is_from(&self, issuer: &str) -> bool;
    fn is_for(&self, audience: &str) -> bool;
}

impl Addressed for AccessToken<'_> {
    fn is_from(&self, issuer: &str) -> bool {
        self.iss == issuer
    }

    fn is_for(&self, audience: &str) -> bool {
        self.aud.names(audience)
    }
}

impl Addressed for SessionToken<'_> {
    fn is_from(&self, issuer: &str) -> bool {
        self.iss == issuer
    }

    fn is_for(&self, audience: &str) -> bool {
        self.aud.names(audience)
    }
}

impl<'a> AccessToken<'a> {
    pub(super) fn of(
        claims: &'a Claims<'_>,
        issuer: &'a str,
        audience: &'a str,
        groups: &'a [String],
        status_list: Option<&'a str>,
    ) -> Self {
        let (bnd, cnf) = claims.bound.claims();
        Self {
            iss: issuer.into(),
            aud: Audience::One(audience.into()),
            sub: Cow::Borrowed(&claims.sub),
            client_id: claims.sub.strip_prefix(CLIENT).unwrap_or(OWN_CLIENT),
            roles: if claims.narrowed {
                Roles::default()
            } else {
                claims.roles
            },
            narrowed_from: claims.narrowed.then_some(claims.roles),
            scopes: claims.scopes,
            iat: claims.issued_at,
            nbf: claims.not_before,
            exp: claims.expires_at,
            jti: claims.id,
            sid: claims.session,
            generation: claims.generation,
            bnd,
            cnf,
            status: status_list.map(|uri| Status {
                status_list: Some(Place {
                    idx: index_of(claims.id) as u64,
                    uri: uri.into(),
                }),
            }),
            groups,
        }
    }

    /// Whether it names its own place in this list.
    pub(super) fn is_listed(&self, uri: &str) -> bool {
        let place = self.status.as_ref();
        let place = place.and_then(|status| status.status_list.as_ref());
        place.is_some_and(|place| place.uri == uri && place.idx == index_of(self.jti) as u64)
    }

    /// What they say; `None` where a token would be bound twice.
    pub(super) fn claims(self) -> Option<Claims<'a>> {
        Some(Claims {
            sub: self.sub,
            roles: self.narrowed_from.unwrap_or(self.roles),
            narrowed: self.narrowed_from.is_some(),
            scopes: self.scopes,
            issued_at: self.iat,
            not_before: self.nbf,
            expires_at: self.exp,
            id: self.jti,
            session: self.sid,
            generation: self.generation,
            bound: Bound::of_claims(self.bnd, self.cnf)?,
        })
    }
}

impl<'a> SessionToken<'a> {
    pub(super) fn of(named: &'a Named, issuer: &'a str, audience: &'a str, iat: u64) -> Self {
        Self {
            iss: issuer.into(),
            aud: Audience::One(audience.into()),
            sub: named.sub.as_str().into(),
            sid: named.session,
            iat,
            nbf: named.not_before,
            exp: named.expires_at,
        }
    }

    pub(super) fn named(self) -> Named {
        Named {
            sub: self.sub.into_owned(),
            session: self.sid,
            not_before: self.nbf,
            expires_at: self.exp,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(seconds: &u64) -> bool {
    *seconds == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_first(generation: &Generation) -> bool {
    *generation == 0
}

impl Audience<'_> {
    fn names(&self, wanted: &str) -> bool {
        match self {
            Self::One(name) => name == wanted,
            Self::Several(names) => names.iter().any(|name| name == wanted),
        }
    }
}

impl Serialize for Audience<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(name) => serializer.serialize_str(name),
            Self::Several(names) => serializer.collect_seq(names),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Audience<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Audience<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name, or a list of names")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Audience::One(name.into()))
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Audience::One(name.to_owned().into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Self::Value, A::Error> {
                let mut several = Vec::new();
                while let Some(name) = names.next_element()? {
                    several.push(name);
                }
                Ok(Audience::Several(several))
            }
        }
        deserializer.deserialize_any(Names)
    }
}

impl Serialize for TokenId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", self.number()))
    }
}

impl<'de> Deserialize<'de> for TokenId {
    /// Exactly as we write it, so that one id has one text.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "32 hexadecimal digits", id)
    }
}

pub(super) fn id(text: &str) -> Option<TokenId> {
    let (high, low) = text.as_bytes().split_first_chunk::<16>()?;
    Some(TokenId::of_halves(half(high)?, half(low.try_into().ok()?)?))
}

/// Sixteen digits of a number, in lower case.
fn half(digits: &[u8; 16]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(value))
    })
}
