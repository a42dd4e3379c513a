//! What is asked, by whom, and what is granted.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::binding::Bound;
use crate::clock::Timestamp;
use crate::credential::Claims;
use crate::denied::Denied;
use crate::freshness::session_slot;
use crate::policy::{Action, Roles, Scopes};
use crate::subjects::Subject;

/// A request to authorize, borrowed from wherever it came.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The matched route, without a trailing slash: `/items`, `/todos/{id}`.
    pub route: &'a str,
    /// Path and query as they were sent.
    pub target: &'a str,
    /// Who sent it.
    pub sender: Sender<'a>,
    /// The credentials that came with it.
    pub presented: Presented<'a>,
    /// What it asks to do.
    pub action: Action,
}

/// Who sent a request, as far as the network and a proof tell.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// The `User-Agent` header's bytes; empty when there was none.
    pub user_agent: &'a [u8],
    /// The peer's address.
    pub ip: IpAddr,
    /// The proof of a key that came with the request.
    pub proof: Option<Proof<'a>>,
}

/// A `DPoP` header (RFC 9449 §4.1), and what it has to be a proof for.
#[derive(Clone, Copy)]
pub struct Proof<'a> {
    /// The header's text.
    pub jwt: &'a str,
    /// The request's method.
    pub method: &'a str,
    /// The request's path, without a query.
    pub path: &'a str,
}

impl fmt::Debug for Proof<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof([redacted])")
    }
}

impl Sender<'_> {
    /// The address in its one form: an IPv4 address is the same sender over an IPv6 socket.
    pub(crate) fn canonical_ip(&self) -> IpAddr {
        self.ip.to_canonical()
    }

    /// The address in sixteen bytes, injectively.
    #[inline]
    pub(crate) fn ip_bytes(&self) -> [u8; 16] {
        match self.ip {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => Ipv6Addr::octets(&ip),
        }
    }
}

/// The credentials that a request carried.
#[derive(Clone, Copy)]
pub enum Presented<'a> {
    /// None, or of a kind that this server does not take.
    Nothing,
    /// A bearer token (RFC 6750 §2.1).
    Bearer(&'a str),
    /// A token that goes with a proof (RFC 9449 §7.1).
    Dpop(&'a str),
    /// The cookie of a session.
    Cookie(&'a str),
    /// More than one.
    Ambiguous,
}

impl<'a> Presented<'a> {
    /// The token, however it came: a server takes one kind alone.
    #[inline]
    pub(crate) fn token(self) -> Result<&'a str, Denied> {
        match self {
            Self::Bearer(token) | Self::Dpop(token) | Self::Cookie(token) => Ok(token),
            Self::Nothing => Err(Denied::NoCredentials),
            Self::Ambiguous => Err(Denied::AmbiguousCredentials),
        }
    }
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Bearer(_) => "Bearer([redacted])",
            Self::Dpop(_) => "Dpop([redacted])",
            Self::Cookie(_) => "Cookie([redacted])",
            Self::Ambiguous => "Ambiguous",
        })
    }
}

/// What a request may be answered with: small and `Copy`, so that a cache hands it out without a reference count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    pub(crate) mark: Mark,
    pub(crate) roles: Roles,
    pub(crate) scopes: Scopes,
    pub(crate) expires_at: u64,
}

impl Grant {
    /// Whose request it is.
    #[must_use]
    pub const fn subject(&self) -> Subject {
        self.mark.subject
    }

    /// The subject's roles.
    #[must_use]
    pub const fn roles(&self) -> Roles {
        self.roles
    }

    /// What the subject may do.
    #[must_use]
    pub const fn scopes(&self) -> Scopes {
        self.scopes
    }

    /// When the token behind it ends, in seconds since the Unix epoch.
    #[must_use]
    pub const fn expires_at(&self) -> u64 {
        self.expires_at
    }
}

/// What [`crate::freshness`] needs to know of a cached fact: whom it concerns, and how new it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The revocation sequence's number, read before verification began.
    pub(crate) number: u64,
    pub(crate) subject: Subject,
    /// The slot of the token's session, or of the token.
    pub(crate) session: u16,
}

/// A token's own number, 128 bits: of a JWT from the system's generator, of an opaque token out of its digest. Never
/// guessed, never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TokenId(pub(crate) u128);

impl TokenId {
    pub(crate) fn draw() -> Result<Self, Denied> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| Denied::Unavailable)?;
        Ok(Self(u128::from_be_bytes(random)))
    }
}

/// Everything a verified token says, interned and without strings: what the `token` cache keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verified {
    /// What is revoked to end it: its session's, where it has one, or its own.
    pub(crate) id: TokenId,
    pub(crate) mark: Mark,
    pub(crate) roles: Roles,
    pub(crate) scopes: Scopes,
    pub(crate) not_before: u64,
    pub(crate) expires_at: u64,
    pub(crate) bound: Bound,
}

impl Verified {
    /// What a token's claims say of a subject, not yet numbered.
    pub(crate) fn of(claims: &Claims, subject: Subject) -> Self {
        let id = claims.session.unwrap_or(claims.id);
        Self {
            id,
            mark: Mark {
                number: 0,
                subject,
                session: session_slot(id),
            },
            roles: claims.roles,
            scopes: claims.scopes,
            not_before: claims.not_before,
            expires_at: claims.expires_at,
            bound: claims.bound,
        }
    }

    /// The same under another id: that of the token which was drawn for it.
    pub(crate) fn renamed(mut self, id: TokenId) -> Self {
        self.id = id;
        self.mark.session = session_slot(id);
        self
    }

    /// Our clock judges, without leeway, on a hit and on a miss alike (RFC 7519 §4.1.4, §4.1.5).
    pub(crate) fn in_time(&self, now: Timestamp) -> Result<(), Denied> {
        if now >= Timestamp::from_seconds(self.expires_at) {
            return Err(Denied::Expired);
        }
        if now < Timestamp::from_seconds(self.not_before) {
            return Err(Denied::NotYetValid);
        }
        Ok(())
    }

    pub(crate) fn grant(&self) -> Grant {
        Grant {
            mark: self.mark,
            roles: self.roles,
            scopes: self.scopes,
            expires_at: self.expires_at,
        }
    }
}

/// A token that was just issued.
#[derive(Clone)]
pub struct IssuedToken {
    /// The token itself.
    pub access_token: String,
    /// `Bearer`, or `DPoP` for one that is bound to a key (RFC 6749 §7.1).
    pub token_type: &'static str,
    /// For how long it is valid, in seconds.
    pub expires_in: u64,
    /// What it may be used for.
    pub scopes: Scopes,
    /// What its next one is had for, once.
    pub refresh_token: Option<String>,
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}
