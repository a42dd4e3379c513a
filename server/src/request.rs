//! What is asked, and by whom.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::denied::Denied;
use crate::policies::Question;
use crate::policy::Action;

/// A request to authorize, borrowed from wherever it came.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The matched route, without a trailing slash: `/items`, `/todos/{id}`.
    pub route: &'a str,
    /// Path and query, the path in its one form.
    pub target: &'a str,
    /// Who sent it.
    pub sender: Sender<'a>,
    /// The credentials that came with it.
    pub presented: Presented<'a>,
    /// What it asks to do.
    pub action: Action,
}

impl<'a> Request<'a> {
    /// What of it policies decide by.
    #[inline]
    pub(crate) fn question(&self) -> Question<'a> {
        Question {
            action: self.action,
            method: self.method,
            route: self.route,
        }
    }
}

/// Who sent a request, as far as the network and a proof of a key tell.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'a> {
    /// The `User-Agent` header's bytes; empty when there was none.
    pub user_agent: &'a [u8],
    /// The peer's address.
    pub ip: IpAddr,
    /// The proof of a key that came with the request.
    pub proof: Option<Proof<'a>>,
}

/// What proves that a sender holds a key.
#[derive(Clone, Copy)]
pub enum Proof<'a> {
    /// A statement that the key signed for this request.
    Dpop(DpopProof<'a>),
    /// The connection: the key of a certificate took part in its handshake (RFC 8705 §3). It is told by the certificate's
    /// SHA-256 thumbprint, in base64url.
    Certificate(&'a str),
}

/// A `DPoP` header (RFC 9449 §4.1), and what it has to be a proof for.
#[derive(Clone, Copy)]
pub struct DpopProof<'a> {
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

impl fmt::Debug for DpopProof<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DpopProof([redacted])")
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
    /// An API key, by a header of its own.
    ApiKey(&'a str),
    /// Name and password (RFC 7617 §2), in base64 as they came.
    Basic(&'a str),
    /// One with octets that no credential has.
    Unreadable,
    /// More than one.
    Ambiguous,
}

impl<'a> Presented<'a> {
    /// The token, however it came: a server takes one kind alone.
    #[inline]
    pub(crate) fn token(self) -> Result<&'a str, Denied> {
        match self {
            Self::Bearer(token)
            | Self::Dpop(token)
            | Self::Cookie(token)
            | Self::ApiKey(token)
            | Self::Basic(token) => Ok(token),
            Self::Nothing => Err(Denied::NoCredentials),
            Self::Unreadable => Err(Denied::Malformed),
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
            Self::ApiKey(_) => "ApiKey([redacted])",
            Self::Basic(_) => "Basic([redacted])",
            Self::Unreadable => "Unreadable",
            Self::Ambiguous => "Ambiguous",
        })
    }
}
