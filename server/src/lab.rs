//! The whole life of a request on one page: [`Lab::authorize`], straight down.

mod devices;
mod oauth;
mod refresh;

use std::sync::Arc;

use crate::binding::{Binding, BindingKind, Bound};
use crate::clients::{Clients, ClientsError};
use crate::clock::{Clock, Timestamp};
use crate::credential::{Claims, Credential, CredentialKind, Facts, SecretError};
use crate::decisions::{Cache, Kept};
use crate::denied::Denied;
use crate::freshness::{Freshness, Revoked};
use crate::hashing::Hashing;
use crate::password::Password;
use crate::policy::{PolicyKind, Role, Roles, decide};
use crate::request::{Grant, IssuedToken, Mark, Request, Sender, Verified};
use crate::routes::{Routes, RoutesError};
use crate::sessions::{NotSessions, Sessions};
use crate::setup::Design;
use crate::stages::{Laps, Stage, StageTimes, Stopwatch, Untimed};
use crate::subjects::Subjects;
use crate::users::{Profile, Users, UsersError};
pub(crate) use devices::Naming;
pub(crate) use oauth::Introspected;

/// A design, opened: everything that a request meets.
#[derive(Debug)]
pub struct Lab {
    design: Design,
    clock: Clock,
    subjects: Subjects,
    users: Users,
    password: Password,
    clients: Clients,
    routes: Routes,
    hashing: Hashing,
    credential: Credential,
    sessions: Sessions,
    binding: Binding,
    cache: Cache,
    freshness: Freshness,
    /// The control's grant.
    control: Grant,
}

/// Why a design could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There are no accounts.
    #[error(transparent)]
    Users(#[from] UsersError),
    /// There is no HMAC secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Two settings do not go together.
    #[error("{0}")]
    Clash(&'static str),
    /// There is no place for sessions.
    #[error("--sessions: {0}")]
    Sessions(#[from] NotSessions),
    /// There are no clients.
    #[error(transparent)]
    Clients(#[from] ClientsError),
    /// There are no routes.
    #[error(transparent)]
    Routes(#[from] RoutesError),
    /// The hash pool's threads could not be started.
    #[error("--hash-threads {threads}: {error}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        error: std::io::Error,
    },
}

impl Lab {
    /// Opens a design on the system's clock.
    ///
    /// # Errors
    /// One line: a users file or a secret that cannot be used, or threads that cannot be started.
    pub fn open(design: Design) -> Result<Self, OpenError> {
        Self::open_at(design, Clock::Coarse)
    }

    /// Opens a design on a clock of the caller's.
    ///
    /// # Errors
    /// As [`Lab::open`].
    pub fn open_at(design: Design, clock: Clock) -> Result<Self, OpenError> {
        if let Some(clash) = design.clash() {
            return Err(OpenError::Clash(clash));
        }
        let password = design.password.open(design.bcrypt_cost);
        let users = Users::open(&design.users, password)?;
        let threads = |error| OpenError::Threads {
            threads: design.hash_threads.get(),
            error,
        };
        let hashing = Hashing::open(&design).map_err(threads)?;
        let subjects = Subjects::default();
        let control = control(&subjects);
        Ok(Self {
            users,
            password,
            clients: Clients::open(&design)?,
            routes: Routes::open(&design.routes)?,
            hashing,
            credential: Credential::open(&design)?,
            sessions: Sessions::open(&design)?,
            binding: Binding::open(&design),
            cache: Cache::open(&design),
            freshness: Freshness::open(&design),
            control,
            subjects,
            clock,
            design,
        })
    }

    /// The design that was opened.
    #[must_use]
    pub fn design(&self) -> &Design {
        &self.design
    }

    /// Makes an account of a user's own.
    ///
    /// # Errors
    /// [`Denied::Taken`], [`Denied::Unfit`], [`Denied::ReadOnly`], or as [`Lab::login`].
    pub async fn sign_up(&self, name: &str, password: &str) -> Result<(), Denied> {
        let roles = [Role::User].into_iter().collect();
        self.users.add(name, password, roles, &self.hashing).await
    }

    /// Signs a user in.
    ///
    /// # Errors
    /// [`Denied::BadLogin`], [`Denied::Busy`] when too many hashes wait, [`Denied::Unavailable`] when a store fails.
    pub async fn login(
        &self,
        name: &str,
        password: &str,
        sender: &Sender<'_>,
    ) -> Result<IssuedToken, Denied> {
        let signed_in = self.authenticate(name, password, sender).await?;
        if self.design.credential == CredentialKind::SessionJwt {
            let issued = self.begin_device(name, signed_in, sender, Naming::default());
            return issued.await.map(|(issued, _)| issued);
        }
        let now = self.clock.now();
        let (session, refresh_token) = if self.credential.is_refreshed(self.design.refresh) {
            let (id, token) = self.begin_refreshed(name, signed_in.bound, now).await?;
            (Some(id), Some(token))
        } else {
            (None, None)
        };
        let facts = Facts {
            roles: signed_in.roles,
            scopes: signed_in.roles.scopes(),
            bound: signed_in.bound,
            lifetime_seconds: self.design.token_ttl.0.as_secs(),
            session,
        };
        self.issue(name, facts, refresh_token, now).await
    }

    /// Who signs in, once the password is the account's; and from where, as a token will carry it.
    async fn authenticate(
        &self,
        name: &str,
        password: &str,
        sender: &Sender<'_>,
    ) -> Result<SignedIn, Denied> {
        let candidate = self.users.find(name, &self.hashing).await?;
        let stored = Arc::clone(&candidate.stored);
        let matches = self
            .hashing
            .verify(candidate.stored, password.into())
            .await?;
        let roles = candidate.roles.filter(|_| matches);
        let roles = roles.ok_or(Denied::BadLogin)?;
        if self.users.may_store_anew() && self.password.supersedes(&stored) {
            self.store_anew(name, &stored, password).await;
        }
        let bound = self
            .binding
            .seal(sender, &self.hashing, self.clock.now())
            .await?;
        Ok(SignedIn {
            roles,
            bound,
            profile: candidate.profile,
        })
    }

    /// A password that was stored in another way, or at a lower cost, is stored as it is today, if it can be now: who
    /// signs in has shown it, and does so again.
    async fn store_anew(&self, name: &str, before: &str, password: &str) {
        let hashed = self.hashing.hash(self.password, password.into()).await;
        if let Ok(Ok(stored)) = hashed {
            let _ = self.users.store_anew(name, before, &stored).await;
        }
    }

    async fn issue(
        &self,
        name: &str,
        facts: Facts,
        refresh_token: Option<String>,
        now: Timestamp,
    ) -> Result<IssuedToken, Denied> {
        let claims = Claims::new(name, facts, now)?;
        let subject = self.subjects.intern(name);
        let access_token = self
            .credential
            .issue(&claims, subject, &self.sessions, now)
            .await?;
        Ok(IssuedToken {
            access_token,
            token_type: self.token_type(),
            expires_in: facts.lifetime_seconds,
            scopes: facts.scopes,
            refresh_token,
        })
    }

    /// What its tokens are called (RFC 6749 §7.1).
    pub(crate) fn token_type(&self) -> &'static str {
        match self.design.binding {
            BindingKind::Dpop => "DPoP",
            _ => "Bearer",
        }
    }

    /// Authorizes a request.
    ///
    /// # Errors
    /// Why it is refused.
    #[inline]
    pub async fn authorize(&self, request: &Request<'_>) -> Result<Grant, Denied> {
        match self.remembered(request, &mut Untimed) {
            Some(grant) => Ok(grant),
            None => self.decide(request, &mut Untimed).await,
        }
    }

    /// Authorizes a request, and says what each stage took.
    pub async fn authorize_timed(
        &self,
        request: &Request<'_>,
    ) -> (Result<Grant, Denied>, StageTimes) {
        let mut watch = Stopwatch::start();
        let decision = match self.remembered(request, &mut watch) {
            Some(grant) => {
                watch.hit();
                Ok(grant)
            }
            None => self.decide(request, &mut watch).await,
        };
        (decision, watch.stop())
    }

    /// extract → decision key → hit? A hit ends here, before anything of the long way is made, its future included.
    #[inline]
    fn remembered<L: Laps>(&self, request: &Request<'_>, laps: &mut L) -> Option<Grant> {
        let token = request.presented.token().ok()?;
        let hit = self
            .cache
            .grant(request, token, &self.clock, &self.freshness);
        laps.ended(Stage::Cache);
        hit
    }

    /// extract → known? → verify → revoked? → binding → policy → store → grant
    async fn decide<L: Laps>(&self, request: &Request<'_>, laps: &mut L) -> Result<Grant, Denied> {
        let token = request.presented.token()?;
        let now = self.clock.now();
        let known = self.cache.verified(token, now, &self.freshness);
        laps.ended(Stage::Cache);
        let (verified, is_new) = match known {
            Some(verified) => {
                laps.hit();
                self.check(&verified).await?;
                (verified, false)
            }
            None => (self.verify(token).await?, true),
        };
        verified.in_time(now)?;
        laps.ended(Stage::Verify);

        self.binding
            .check(
                &verified.bound,
                &request.sender,
                Some(token),
                &self.hashing,
                now,
            )
            .await?;
        let now = if self.binding.waits() {
            // The hashes waited for their turn: whoever revoked meanwhile was answered, and time went on.
            let now = self.clock.now();
            verified.in_time(now)?;
            self.check(&verified).await?;
            now
        } else {
            now
        };
        laps.ended(Stage::Binding);

        decide(verified.scopes, request.action)?;
        if is_new {
            self.cache
                .store(request, token, &verified, self.keep(&verified, now));
        }
        laps.ended(Stage::Policy);
        Ok(verified.grant())
    }

    /// Revokes a token, and with it its session where it has one: whoever holds it may end it, whoever it is bound to.
    ///
    /// # Errors
    /// As [`Lab::authorize`]: a token that is not valid cannot be revoked.
    pub async fn revoke(&self, request: &Request<'_>) -> Result<(), Denied> {
        let verified = self.verify(request.presented.token()?).await?;
        verified.in_time(self.clock.now())?;
        self.revoke_verified(&verified).await
    }

    async fn revoke_verified(&self, verified: &Verified) -> Result<(), Denied> {
        let now = self.clock.now();
        if self.credential.is_refreshed(self.design.refresh) {
            // It may be of an earlier, longer --token-ttl.
            let end = Timestamp::from_seconds(verified.expires_at);
            return self.end_session(verified.id, end, now).await;
        }
        // Committed first, then numbered: who reads the number before a verification also meets the commit.
        self.credential
            .revoke(verified, &self.sessions, &self.subjects, now)
            .await?;
        self.freshness.revoked(Revoked::Token(verified.id));
        Ok(())
    }

    /// The grant of the control, where this design is it: everything, without a look.
    #[must_use]
    pub fn control(&self) -> Option<Grant> {
        match self.design.policy {
            PolicyKind::AllowAll => Some(self.control),
            PolicyKind::Enforce => None,
        }
    }

    /// How many slow hashes run or wait.
    #[must_use]
    pub fn pending_hashes(&self) -> usize {
        self.hashing.pending()
    }

    /// How many entries left the cache to make room.
    #[must_use]
    pub fn cache_evictions(&self) -> u64 {
        self.cache.evictions()
    }

    /// How many entries the cache holds.
    #[must_use]
    pub fn cache_entries(&self) -> u64 {
        self.cache.entries()
    }

    /// Whether the store of sessions answers.
    pub async fn sessions_answer(&self) -> bool {
        self.sessions.answers().await
    }

    /// What forward authorization asks for each path.
    pub(crate) fn routes(&self) -> &Routes {
        &self.routes
    }

    /// The name behind a grant.
    #[must_use]
    pub fn name(&self, grant: &Grant) -> Arc<str> {
        self.subjects.name(grant.subject())
    }

    /// How many password and binding hashes were asked for since the start, slow or fast.
    #[must_use]
    pub fn hashes(&self) -> u64 {
        self.hashing.computed()
    }

    /// Proven and not revoked; its times are not judged.
    async fn verify(&self, token: &str) -> Result<Verified, Denied> {
        let number = self.freshness.number();
        let mut verified = self
            .credential
            .verify(token, &self.sessions, &self.subjects)
            .await?;
        verified.mark.number = number;
        Ok(verified)
    }

    /// Not revoked since it was proven.
    async fn check(&self, verified: &Verified) -> Result<(), Denied> {
        self.credential
            .check(verified, &self.sessions, &self.subjects)
            .await
    }

    fn keep(&self, verified: &Verified, now: Timestamp) -> Kept {
        let end = Timestamp::from_seconds(verified.expires_at);
        Kept {
            from: Timestamp::from_seconds(verified.not_before),
            until: self.freshness.keep_until(now, end),
        }
    }
}

/// Who signed in.
struct SignedIn {
    roles: Roles,
    bound: Bound,
    profile: Profile,
}

fn control(subjects: &Subjects) -> Grant {
    let roles = Roles::all();
    let mark = Mark {
        number: 0,
        subject: subjects.intern("anyone"),
        session: 0,
    };
    Grant {
        mark,
        roles,
        scopes: roles.scopes(),
        expires_at: u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::PasswordKind;
    use crate::policy::Action;
    use crate::request::Presented;

    /// A future is moved whole, whatever of it is used: into its task, its box, its pin.
    #[test]
    fn the_future_of_an_authorization_stays_small() {
        const MOST_BYTES: usize = 640;
        let lab = Lab::open(Design {
            password: PasswordKind::Sha256,
            ..Design::default()
        })
        .unwrap();
        let sender = Sender {
            user_agent: b"",
            ip: [127, 0, 0, 1].into(),
            proof: None,
        };
        let request = Request {
            method: "GET",
            route: "/items",
            target: "/items/",
            sender,
            presented: Presented::Nothing,
            action: Action::ItemsRead,
        };
        let bytes = size_of_val(&lab.authorize(&request));
        assert!(bytes <= MOST_BYTES, "{bytes}");
    }
}
