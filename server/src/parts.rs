//! Each part of the pipeline alone, for whoever measures them: what a benchmark of one axis times, and nothing more.
//! Requests go through [`crate::Lab`], never through here.

use std::fmt;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::binding::{Binding, Means};
use crate::bound::Bound;
use crate::clock::{Clock, Timestamp};
use crate::credential::{Claims, Credential, Facts, Named};
use crate::decisions::{Digests, Kept, Keys, Store};
use crate::denied::Denied;
use crate::grant::{Grant, Verified};
use crate::hashing::Hashing;
use crate::open::{self, OpenError};
use crate::password::{self, HashError, Password, WrongParams};
use crate::policies::{Policies, PoliciesError};
use crate::policy::Roles;
use crate::request::{Request, Sender};
use crate::sessions::{Device, Sessions, Told};
use crate::setup::Design;
use crate::subjects::{Subject, Subjects};
use crate::users::Profile;

/// The password hash of a design, on the calling thread.
#[derive(Debug)]
pub struct PasswordPart(Password);

impl PasswordPart {
    /// The design's hash, at its cost.
    ///
    /// # Errors
    /// A cost that the hash does not take.
    pub fn open(design: &Design) -> Result<Self, WrongParams> {
        Ok(Self(open::password(design)?))
    }

    /// The stored form of a password.
    ///
    /// # Errors
    /// A password that bcrypt would not read to its end.
    pub fn hash(&self, password: &[u8]) -> Result<String, HashError> {
        self.0.hash(password)
    }

    /// Whether the password is the one that was stored.
    #[must_use]
    pub fn verify(&self, stored: &str, password: &[u8]) -> bool {
        password::verify(stored, password)
    }
}

/// The sender binding of a design, with the place where its slow hashes run.
#[derive(Debug)]
pub struct BindingPart {
    binding: Binding,
    hashing: Hashing,
    clock: Clock,
}

/// A sender as a token carries it.
#[derive(Clone, Copy, Debug)]
pub struct Sealed(Bound);

impl BindingPart {
    /// The design's binding.
    ///
    /// # Errors
    /// The hash pool's threads could not be started, or the system gives no randomness.
    pub fn open(design: &Design) -> Result<Self, OpenError> {
        Ok(Self {
            binding: open::binding(design, Clock::Coarse.now())?,
            hashing: open::hashing(design)?,
            clock: Clock::Coarse,
        })
    }

    /// Seals a sender, as at sign-in.
    ///
    /// # Errors
    /// [`Denied::Busy`] when too many hashes wait.
    pub async fn seal(&self, sender: &Sender<'_>) -> Result<Sealed, Denied> {
        self.binding
            .seal(sender, Subject(0), self.means())
            .await
            .map(Sealed)
    }

    /// Checks a sender, as on each request.
    ///
    /// # Errors
    /// [`Denied::WrongSender`], or [`Denied::Busy`].
    pub async fn check(&self, sealed: &Sealed, sender: &Sender<'_>) -> Result<(), Denied> {
        self.binding
            .check(&sealed.0, Subject(0), sender, None, self.means())
            .await
    }

    fn means(&self) -> Means<'_> {
        Means {
            hashing: &self.hashing,
            redis: None,
            now: self.clock.now(),
        }
    }
}

/// The token of a design: signing and verifying, without times, revocation or binding. For sessions in memory.
#[derive(Debug)]
pub struct CredentialPart {
    credential: Credential,
    sessions: Sessions,
    subjects: Subjects,
    lifetime_seconds: u64,
    clock: Clock,
}

/// What a token says, for a new one to be signed from.
pub struct TokenClaims(Claims<'static>);

impl CredentialPart {
    /// The design's credential.
    ///
    /// # Errors
    /// A secret file that cannot be used.
    pub fn open(design: &Design) -> Result<Self, OpenError> {
        let lifetime_seconds = design.token_ttl.0.as_secs();
        Ok(Self {
            credential: open::credential(design)?,
            sessions: open::sessions(design, Clock::Coarse.now())?,
            subjects: Subjects::default(),
            lifetime_seconds,
            clock: Clock::Coarse,
        })
    }

    /// The claims of a subject's new token, bound to a sealed sender.
    ///
    /// # Errors
    /// The system gave no randomness.
    pub fn claims(
        &self,
        subject: &str,
        roles: Roles,
        sealed: Sealed,
    ) -> Result<TokenClaims, Denied> {
        let facts = Facts {
            roles,
            scopes: roles.scopes(),
            narrowed: false,
            bound: sealed.0,
            generation: 0,
            lifetime_seconds: self.lifetime_seconds,
            session: None,
        };
        Claims::new(subject.to_owned(), facts, self.clock.now()).map(TokenClaims)
    }

    /// Signs them, or draws a token and keeps them under it.
    ///
    /// # Errors
    /// The signing library or the store refused.
    pub fn sign(&self, claims: &TokenClaims) -> Result<String, Denied> {
        let (claims, now) = (&claims.0, self.clock.now());
        if let Credential::SessionJwt(_) = self.credential {
            let device = Device {
                account: (*claims.sub).into(),
                name: "benchmark".into(),
                id: "benchmark".into(),
                told: Told::Name,
                ip: Ipv4Addr::LOCALHOST.into(),
                since: now,
                until: Timestamp::from_seconds(claims.expires_at),
                roles: claims.roles,
                scopes: claims.scopes,
                bound: claims.bound,
                generation: 0,
            };
            let profile = Profile::default();
            let begun = self
                .sessions
                .sign_in(claims.id, device, &profile, MOST_SESSIONS, now);
            at_once(begun)?;
            let named = Named {
                sub: claims.sub.clone().into_owned(),
                session: claims.id,
                not_before: 0,
                expires_at: claims.expires_at,
            };
            return self.credential.name(&named, now);
        }
        let subject = self.subjects.intern(&claims.sub);
        let issued = self.credential.issue(claims, subject, &self.sessions, now);
        at_once(issued).map(|(token, _)| token)
    }

    /// Proves a token's signature and form and reads it, or looks it up; and that it was not revoked.
    ///
    /// # Errors
    /// [`Denied::BadSignature`], [`Denied::Malformed`] or [`Denied::Unknown`].
    pub fn verify(&self, token: &str) -> Result<ProvenToken, Denied> {
        at_once(
            self.credential
                .verify(token, &self.sessions, &self.subjects),
        )
        .map(ProvenToken)
    }
}

/// As many of an account as a benchmark signs in.
const MOST_SESSIONS: usize = 10;

/// The answer of a store that makes nobody wait; of any other, a refusal.
fn at_once<T>(answer: impl Future<Output = Result<T, Denied>>) -> Result<T, Denied> {
    match pin!(answer).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => Err(Denied::Unavailable),
    }
}

/// What a token was proven to say.
#[derive(Clone, Copy, Debug)]
pub struct ProvenToken(
    #[expect(dead_code, reason = "a benchmark keeps it from being optimized away")] Verified,
);

impl fmt::Debug for TokenClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenClaims")
    }
}

/// The policy of a design: whether verified requests are allowed what they ask for.
#[derive(Debug)]
pub struct PolicyPart(Policies);

impl PolicyPart {
    /// The design's policy.
    ///
    /// # Errors
    /// Policies that cannot be used.
    pub fn open(design: &Design) -> Result<Self, PoliciesError> {
        Policies::open(design.policy, &design.cedar_policies).map(Self)
    }

    /// Whether an account with these roles, and the scopes that they carry at first, may do what a request asks for.
    #[must_use]
    pub fn allows(&self, request: &Request<'_>, account: &str, roles: Roles) -> bool {
        self.0
            .allow(request.question(), roles, roles.scopes(), || account)
    }
}

/// The decision cache of a design: key and store, without clock and freshness.
#[derive(Clone, Debug)]
pub struct DecisionPart(Arc<Store<Grant>>);

impl DecisionPart {
    /// The design's store with the design's key, whatever its `cache` says.
    #[must_use]
    pub fn open(design: &Design) -> Self {
        Self(Arc::new(open::store(design)))
    }

    /// Makes the key and looks it up.
    ///
    /// # Errors
    /// Credentials that no key can be made of.
    pub fn get(&self, request: &Request<'_>) -> Result<Option<Grant>, Denied> {
        let token = request.presented.token()?;
        Ok(self
            .0
            .get(self.0.keys.decision(request, token))
            .map(|entry| entry.fact()))
    }

    /// Makes the key and keeps a grant under it.
    ///
    /// # Errors
    /// Credentials that no key can be made of.
    pub fn insert(&self, request: &Request<'_>, grant: Grant) -> Result<(), Denied> {
        let token = request.presented.token()?;
        let until = Timestamp::from_seconds(grant.expires_at());
        let kept = Kept {
            from: Timestamp::from_seconds(0),
            until,
        };
        self.0
            .insert(self.0.keys.decision(request, token), kept.entry(grant));
        Ok(())
    }
}

/// The keyed hash of a decision's key, alone.
#[derive(Clone, Debug)]
pub struct DigestPart {
    keys: Keys,
    digests: Digests,
}

impl DigestPart {
    /// With the design's key, and a key of its own.
    #[must_use]
    pub fn open(design: &Design) -> Self {
        Self {
            keys: Keys::new(design.cache_key, false),
            digests: Digests::open(),
        }
    }

    /// The hash of the key that this request would have; as a number, so that nobody leaves it out.
    ///
    /// # Errors
    /// Credentials that no key can be made of.
    pub fn of(&self, request: &Request<'_>) -> Result<u128, Denied> {
        let token = request.presented.token()?;
        Ok(self
            .digests
            .of(&self.keys.decision(request, token))
            .number())
    }
}
