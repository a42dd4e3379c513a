//! What a client shows: a signed token that says everything itself, or a random one that the server looks up.

mod jwt;
mod key;
mod opaque;
pub(crate) mod refresh;
mod secret;

use crate::axis::axis;
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::request::{TokenId, Verified};
use crate::sessions::Sessions;
use crate::setup::Design;
use crate::subjects::{Subject, Subjects};
pub(crate) use jwt::Claims;
pub use key::KeyFrom;
pub use secret::{SecretError, SecretFrom};

axis! {
    /// What a client shows on each request.
    pub enum CredentialKind opens Credential: "credential" {
        /// a bearer JWT (RFC 9068)
        Jwt(Box<jwt::Jwt>) = "jwt",
        /// a random bearer token; what it stands for is looked up by a digest of it
        Opaque = "opaque",
        /// the same as the cookie of a session
        Session = "session",
    }
}

axis! {
    /// What follows an access token that ends.
    pub enum RefreshKind: "refresh" {
        /// nothing: the user signs in again
        None = "none",
        /// a refresh token that changes at each use (RFC 9700 §4.14.2): an old one ends the session
        Rotate = "rotate",
    }
}

axis! {
    /// How a JWT is signed.
    pub enum JwtAlgorithm: "jwt" {
        /// HMAC with SHA-256 (RFC 7518 §3.2)
        HS256 = "HS256",
        /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3)
        RS256 = "RS256",
        /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4)
        ES256 = "ES256",
        /// Ed25519 (RFC 8037 §3.1)
        EdDSA = "EdDSA",
    }
}

impl Credential {
    pub(crate) fn open(design: &Design) -> Result<Self, SecretError> {
        match design.credential {
            CredentialKind::Jwt => {
                let jwt = jwt::Jwt::open(design)?;
                Ok(Self::Jwt(Box::new(jwt)))
            }
            CredentialKind::Opaque => Ok(Self::Opaque),
            CredentialKind::Session => Ok(Self::Session),
        }
    }

    /// A token for the claims: signed, or drawn and remembered.
    pub(crate) fn issue(
        &self,
        claims: &Claims,
        subject: Subject,
        sessions: &Sessions,
        now: Timestamp,
    ) -> Result<String, Denied> {
        match self {
            Self::Jwt(jwt) => jwt.issue(claims),
            Self::Opaque | Self::Session => {
                let (token, id) = opaque::draw()?;
                let session = Verified::of(claims, subject).renamed(id);
                sessions.begin(session, now)?;
                Ok(token)
            }
        }
    }

    /// What the token says, once it is proven and not revoked. Its times are not judged here: see
    /// [`Verified::in_time`].
    pub(crate) fn verify(
        &self,
        token: &str,
        sessions: &Sessions,
        subjects: &Subjects,
    ) -> Result<Verified, Denied> {
        match self {
            Self::Jwt(jwt) => {
                let claims = jwt.verify(token)?;
                let verified = Verified::of(&claims, subjects.intern(&claims.sub));
                sessions.check(verified.id)?;
                Ok(verified)
            }
            Self::Opaque | Self::Session => sessions.find(opaque::id(token)),
        }
    }

    /// Whether a token that was proven before is still not revoked.
    pub(crate) fn check(&self, id: TokenId, sessions: &Sessions) -> Result<(), Denied> {
        match self {
            Self::Jwt(_) => sessions.check(id),
            Self::Opaque | Self::Session => sessions.find(id).map(|_| ()),
        }
    }

    /// Commits its revocation.
    pub(crate) fn revoke(&self, verified: &Verified, sessions: &Sessions, now: Timestamp) {
        match self {
            Self::Jwt(_) => {
                let end = Timestamp::from_seconds(verified.expires_at);
                sessions.revoke(verified.id, end, now);
            }
            Self::Opaque | Self::Session => sessions.end(verified.id),
        }
    }
}

impl Claims {
    /// The claims of a new token.
    pub(crate) fn new(subject: &str, facts: Facts, now: Timestamp) -> Result<Self, Denied> {
        let id = TokenId::draw()?;
        Ok(Self::of(subject, facts, id, now.seconds()))
    }
}

/// What is known about a token's subject when it is issued.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) roles: crate::policy::Roles,
    pub(crate) bound: crate::binding::Bound,
    pub(crate) lifetime_seconds: u64,
    /// The session that it belongs to, where that outlives it.
    pub(crate) session: Option<TokenId>,
}
