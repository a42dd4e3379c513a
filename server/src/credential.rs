//! What a client shows: a signed token that says everything itself, or a random one that the server looks up.

pub(crate) mod api_key;
pub(crate) mod basic;
mod jwt;
mod key;
mod opaque;
mod secret;

use std::borrow::Cow;

use crate::axis::axis;
use crate::cause::{self, Source};
use crate::clock::Timestamp;
use crate::denied::Denied;
use crate::grant::{Generation, Mark, TokenId, Verified};
pub use crate::jwk::JwtAlgorithm;
use crate::sessions::memory::MemorySessions;
use crate::sessions::{Sessions, Standing};
use crate::status_list::{Lasts, StatusList};
use crate::subjects::{Subject, Subjects};
pub(crate) use jwt::{Claims, KeySource, Named, NextKey, SignedBy};
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
        /// a bearer JWT that only names a session; account and roles are looked up
        SessionJwt(Box<jwt::Jwt>) = "session-jwt",
        /// an API key in X-API-Key, kept by a hash as --password makes it
        ApiKey = "api-key",
        /// name and password on each request (RFC 7617): the slowest, and common
        Basic = "basic",
    }
}

impl CredentialKind {
    /// Whether it is signed.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::Jwt | Self::SessionJwt)
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

impl Credential {
    pub(crate) fn open(kind: CredentialKind, signed: SignedBy) -> Result<Self, SecretError> {
        let open = |typ| jwt::Jwt::open(typ, signed).map(Box::new);
        match kind {
            CredentialKind::Jwt => Ok(Self::Jwt(open(jwt::ACCESS)?)),
            CredentialKind::Opaque => Ok(Self::Opaque),
            CredentialKind::Session => Ok(Self::Session),
            CredentialKind::SessionJwt => Ok(Self::SessionJwt(open(jwt::SESSION)?)),
            CredentialKind::ApiKey => Ok(Self::ApiKey),
            CredentialKind::Basic => Ok(Self::Basic),
        }
    }

    /// Whether its tokens belong to sessions that are refreshed: those that are looked up are ended by themselves.
    pub(crate) fn is_refreshed(&self, refresh: RefreshKind) -> bool {
        matches!(self, Self::Jwt(_)) && refresh == RefreshKind::Rotate
    }

    fn signed(&self) -> Option<&jwt::Jwt> {
        match self {
            Self::Jwt(jwt) | Self::SessionJwt(jwt) => Some(jwt),
            Self::Opaque | Self::Session | Self::ApiKey | Self::Basic => None,
        }
    }

    /// The key that others verify its tokens by, as a JWK; there is none of a secret, nor of what is looked up.
    pub(crate) fn public_jwk(&self) -> Option<String> {
        self.signed()?.public_jwk()
    }

    /// A text that only servers of the same key have; empty where nothing is signed.
    pub(crate) fn fingerprint(&self) -> Result<String, Denied> {
        self.signed()
            .map_or(Ok(String::new()), jwt::Jwt::fingerprint)
    }

    /// The status list of its tokens, signed.
    pub(crate) fn list_statuses(
        &self,
        list: &StatusList,
        lasts: Lasts,
        now: Timestamp,
    ) -> Result<String, Denied> {
        let jwt = self.signed().ok_or_else(not_of_this_kind)?;
        jwt.list_statuses(list, lasts, now.seconds())
    }

    /// What a status list of its tokens says, once it is proven.
    pub(crate) fn statuses(&self, token: &str) -> Result<(StatusList, Lasts), Denied> {
        self.signed().ok_or_else(not_of_this_kind)?.statuses(token)
    }

    /// Another key, drawn or read from its file anew. It is not taken yet.
    pub(crate) fn next_key(&self) -> Result<NextKey, Denied> {
        self.signed().ok_or(Denied::ReadOnly)?.next()
    }

    /// Takes another key: every token that was signed so far ends.
    pub(crate) fn take_key(&self, next: NextKey) {
        if let Some(jwt) = self.signed() {
            jwt.take(next);
        }
    }

    /// What servers whose keys are had in the same way call theirs; nothing where nothing is signed.
    pub(crate) fn kind_of_key(&self) -> Option<String> {
        self.signed().map(jwt::Jwt::kind_of_key)
    }

    /// Whether its key is this process's own.
    pub(crate) fn draws_key(&self) -> bool {
        self.signed().is_some_and(jwt::Jwt::is_drawn)
    }

    /// A token for a device's session that has begun.
    pub(crate) fn name(&self, named: &Named, now: Timestamp) -> Result<String, Denied> {
        let jwt = self.signed().ok_or_else(not_of_this_kind)?;
        jwt.name(named, now.seconds())
    }

    /// A token for the claims: signed, or drawn and remembered; and the token that was evicted to make room for it. What only names a session has [`Credential::name`], and what
    /// is compared with a slow hash is the [`crate::lab`]'s to make.
    pub(crate) async fn issue(
        &self,
        claims: &Claims<'_>,
        subject: Subject,
        sessions: &Sessions,
        now: Timestamp,
    ) -> Result<(String, Option<TokenId>), Denied> {
        match self {
            Self::Jwt(jwt) => {
                if claims.session.is_none() {
                    let end = Timestamp::from_seconds(claims.expires_at);
                    sessions.begin_signed(claims.id, end).await?;
                }
                Ok((jwt.issue(claims)?, None))
            }
            Self::Opaque | Self::Session => {
                let (token, id) = opaque::draw()?;
                let session = Standing {
                    verified: claims.verified(subject).renamed(id),
                    secret: None,
                };
                let evicted = sessions.begin(&claims.sub, session, now).await?;
                Ok((token, evicted))
            }
            Self::SessionJwt(_) | Self::ApiKey | Self::Basic => Err(not_of_this_kind()),
        }
    }

    /// What the token says, once it is proven and not revoked. Its times are not judged here: see
    /// [`Verified::in_time`]. What is compared with a slow hash is the [`crate::lab`]'s to verify.
    pub(crate) async fn verify(
        &self,
        token: &str,
        sessions: &Sessions,
        subjects: &Subjects,
    ) -> Result<Verified, Denied> {
        match self {
            Self::Jwt(jwt) => {
                let verified = proven(jwt, token, sessions, subjects)?;
                sessions.check(&verified.mark, subjects).await?;
                Ok(verified)
            }
            Self::Opaque | Self::Session => sessions.find(opaque::id(token), subjects).await,
            // Boxed, as it is the largest and allocates anyway: futures that may look a session up are moved on a hit too.
            Self::SessionJwt(jwt) => Box::pin(look_up(jwt, token, sessions, subjects)).await,
            Self::ApiKey | Self::Basic => Err(not_of_this_kind()),
        }
    }

    /// What would be revoked of a token that is ours, revoked or not.
    pub(crate) fn id_of(&self, token: &str) -> Option<TokenId> {
        match self {
            Self::Jwt(jwt) => {
                let revoked_by = |claims: Claims<'_>| claims.session.unwrap_or(claims.id);
                jwt.verify(token, revoked_by).ok()
            }
            Self::SessionJwt(jwt) => Some(jwt.named(token).ok()?.session),
            Self::Opaque | Self::Session => Some(opaque::id(token)),
            Self::ApiKey => Some(api_key::read(token).ok()?.0),
            Self::Basic => None,
        }
    }

    /// Whether what was proven before is still not revoked.
    pub(crate) async fn check(
        &self,
        mark: &Mark,
        sessions: &Sessions,
        subjects: &Subjects,
    ) -> Result<(), Denied> {
        match (sessions.in_memory(), self) {
            (Some(memory), _) => self.check_in(memory, mark, subjects),
            (None, Self::Jwt(_)) => sessions.check(mark, subjects).await,
            (None, Self::Basic) => sessions.check_generation(mark, subjects).await,
            (None, Self::Opaque | Self::Session | Self::ApiKey) => {
                sessions.find(mark.id, subjects).await.map(|_| ())
            }
            (None, Self::SessionJwt(_)) => {
                let name = subjects.name(mark.subject);
                let device = sessions.device(&name, mark.subject, mark.id);
                Box::pin(device).await.map(|_| ())
            }
        }
    }

    /// The same of a store that makes nobody wait.
    pub(crate) fn check_in(
        &self,
        memory: &MemorySessions,
        mark: &Mark,
        subjects: &Subjects,
    ) -> Result<(), Denied> {
        match self {
            Self::Jwt(_) | Self::Basic => memory.check(mark),
            Self::Opaque | Self::Session | Self::ApiKey => memory.stands(mark),
            Self::SessionJwt(_) => {
                let name = subjects.name(mark.subject);
                memory.device(&name, mark.subject, mark.id).map(|_| ())
            }
        }
    }

    /// Commits its revocation. The answer is a subject all of whose tokens ended with it.
    pub(crate) async fn revoke(
        &self,
        verified: &Verified,
        sessions: &Sessions,
        subjects: &Subjects,
        now: Timestamp,
    ) -> Result<Option<Subject>, Denied> {
        let id = verified.mark.id;
        match self {
            Self::Jwt(_) => {
                let end = Timestamp::from_seconds(verified.expires_at);
                sessions.revoke(id, verified.mark.subject, end, now).await
            }
            Self::Opaque | Self::Session | Self::ApiKey => sessions.end(id).await.map(|()| None),
            Self::SessionJwt(_) => {
                let name = subjects.name(verified.mark.subject);
                sessions.sign_out(&name, id).await.map(|()| None)
            }
            // Who knows the password goes on knowing it.
            Self::Basic => Err(Denied::UnsupportedGrant),
        }
    }
}

/// Another credential is made or verified elsewhere, so a call that ends here is a fault of this server.
fn not_of_this_kind() -> Denied {
    cause::unavailable(
        Source::Server,
        &"a credential was taken for one of another kind",
    )
}

/// The id of a token that is random text, here as on the server that issued it.
pub(crate) fn id_of_text(token: &str) -> TokenId {
    opaque::id(token)
}

/// What a signed token says by itself. Its claims end here, before anybody waits.
fn proven(
    jwt: &jwt::Jwt,
    token: &str,
    sessions: &Sessions,
    subjects: &Subjects,
) -> Result<Verified, Denied> {
    jwt.verify(token, |claims| {
        sessions.remembers(claims.issued_at)?;
        Ok(claims.verified(subjects.intern(&claims.sub)))
    })?
}

/// What the session says that a signed token names.
async fn look_up(
    jwt: &jwt::Jwt,
    token: &str,
    sessions: &Sessions,
    subjects: &Subjects,
) -> Result<Verified, Denied> {
    let named = jwt.named(token)?;
    let subject = subjects.intern(&named.sub);
    let device = sessions.device(&named.sub, subject, named.session).await?;
    Ok(Verified {
        mark: Mark {
            number: 0,
            id: named.session,
            subject,
            generation: device.generation,
        },
        roles: device.roles,
        scopes: device.scopes,
        narrowed: false,
        not_before: named.not_before,
        expires_at: named.expires_at.min(device.until.seconds()),
        bound: device.bound,
    })
}

impl<'a> Claims<'a> {
    /// The claims of a new token.
    pub(crate) fn new(
        subject: impl Into<Cow<'a, str>>,
        facts: Facts,
        now: Timestamp,
    ) -> Result<Self, Denied> {
        let id = TokenId::draw()?;
        Ok(Self::of(subject.into(), facts, id, now.seconds()))
    }
}

/// What is known about a token's subject when it is issued.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) roles: crate::policy::Roles,
    pub(crate) scopes: crate::policy::Scopes,
    /// Whether the client asked for fewer scopes than the roles carry.
    pub(crate) narrowed: bool,
    pub(crate) bound: crate::bound::Bound,
    pub(crate) lifetime_seconds: u64,
    /// The subject's, read before anything that these are made of.
    pub(crate) generation: Generation,
    /// The session that it belongs to, where that outlives it.
    pub(crate) session: Option<TokenId>,
}
