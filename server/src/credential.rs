//! What a client shows: here a signed token that says everything itself.

mod jwt;
mod secret;

use crate::axis::axis;
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::setup::Design;
pub(crate) use jwt::Claims;
pub use secret::{SecretError, SecretFrom};

axis! {
    /// What a client shows on each request.
    pub enum CredentialKind opens Credential: "credential" {
        /// a bearer JWT (RFC 9068)
        Jwt(jwt::Jwt) = "jwt",
    }
}

axis! {
    /// How a JWT is signed.
    pub enum JwtAlgorithm: "jwt" {
        /// HMAC with SHA-256 (RFC 7518 §3.2)
        HS256 = "HS256",
    }
}

impl Credential {
    pub(crate) fn open(design: &Design) -> Result<Self, SecretError> {
        match design.credential {
            CredentialKind::Jwt => Ok(Self::Jwt(jwt::Jwt::open(design.jwt, &design.secret_file)?)),
        }
    }

    /// Signs the claims.
    pub(crate) fn issue(&self, claims: &Claims) -> Result<String, Denied> {
        match self {
            Self::Jwt(jwt) => jwt.issue(claims),
        }
    }

    /// What the token says, once its signature and form are proven. Its times are not judged here: see
    /// [`crate::request::Verified::in_time`].
    pub(crate) fn verify(&self, token: &str) -> Result<Claims, Denied> {
        match self {
            Self::Jwt(jwt) => jwt.verify(token),
        }
    }
}

impl Claims {
    /// The claims of a new token.
    pub(crate) fn new(subject: &str, facts: Facts, now: Timestamp) -> Result<Self, Denied> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|_| Denied::Unavailable)?;
        Ok(Self::of(
            subject,
            facts,
            u128::from_be_bytes(id),
            now.seconds(),
        ))
    }
}

/// What is known about a token's subject when it is issued.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) roles: crate::policy::Roles,
    pub(crate) bound: crate::binding::Bound,
    pub(crate) lifetime_seconds: u64,
}
