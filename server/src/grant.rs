//! What is known of a token once it is verified, and what a request with it is granted.

use std::fmt;

use crate::bound::Bound;
use crate::cause;
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::policy::{Roles, Scopes};
use crate::subjects::Subject;

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

    /// The same under another number of this server's: see [`crate::freshness`].
    pub(crate) fn numbered(mut self, number: u64) -> Self {
        self.mark.number = number;
        self
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
    /// What is revoked to end it: its session's, where it has one, or its own.
    pub(crate) id: TokenId,
    pub(crate) subject: Subject,
    /// The subject's, as it was when the token was issued.
    pub(crate) generation: Generation,
}

/// How often what a subject is, knows or may was changed: a token ends with the generation that it is of.
pub(crate) type Generation = u32;

/// A token's own number, 128 bits: of a JWT from the system's generator, of an opaque token out of its digest. Never
/// guessed, never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TokenId {
    // Two halves: as one, a number of sixteen bytes would align whatever holds it to as many.
    high: u64,
    low: u64,
}

impl TokenId {
    /// Of what is no token: name and password on each request.
    pub(crate) const NONE: Self = Self { high: 0, low: 0 };

    pub(crate) const fn of(number: u128) -> Self {
        Self::of_halves((number >> 64) as u64, number as u64)
    }

    pub(crate) const fn of_halves(high: u64, low: u64) -> Self {
        Self { high, low }
    }

    pub(crate) const fn number(self) -> u128 {
        ((self.high as u128) << 64) | self.low as u128
    }

    pub(crate) fn draw() -> Result<Self, Denied> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(cause::no_randomness)?;
        Ok(Self::of(u128::from_be_bytes(random)))
    }
}

/// Everything a verified token says, interned and without strings: what the `token` cache keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verified {
    pub(crate) mark: Mark,
    pub(crate) roles: Roles,
    pub(crate) scopes: Scopes,
    /// Whether the client asked for fewer scopes than the roles carry: what a role alone permits is then not granted.
    pub(crate) narrowed: bool,
    pub(crate) not_before: u64,
    pub(crate) expires_at: u64,
    pub(crate) bound: Bound,
}

impl Verified {
    /// The same under another id: that of the token which was drawn for it.
    pub(crate) fn renamed(mut self, id: TokenId) -> Self {
        self.mark.id = id;
        self
    }

    /// The same, verified under this number, which was read before.
    pub(crate) fn numbered(mut self, number: u64) -> Self {
        self.mark.number = number;
        self
    }

    /// Itself, if it is in time: our clock judges, without leeway, on a hit and on a miss alike (RFC 7519 §4.1.4, §4.1.5).
    pub(crate) fn in_time(self, now: Timestamp) -> Result<Self, Denied> {
        if now >= Timestamp::from_seconds(self.expires_at) {
            return Err(Denied::Expired);
        }
        if now < Timestamp::from_seconds(self.not_before) {
            return Err(Denied::NotYetValid);
        }
        Ok(self)
    }

    /// The roles that it grants. A narrowed token has less authority than its subject (RFC 6749 §3.3, §6), so its roles
    /// only limit its scopes: what a role alone permits needs a token that was not narrowed.
    pub(crate) fn granted_roles(&self) -> Roles {
        if self.narrowed {
            Roles::default()
        } else {
            self.roles
        }
    }

    /// What it may do, with the scopes that it has left.
    pub(crate) fn grant(&self, scopes: Scopes) -> Grant {
        Grant {
            mark: self.mark,
            roles: self.granted_roles(),
            scopes,
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
