//! The whole life of a request on one page: [`Lab::authorize`], straight down.

use std::sync::Arc;
use std::time::Duration;

use crate::binding::Binding;
use crate::clock::{Clock, Timestamp};
use crate::credential::{Claims, Credential, Facts, RefreshKind, SecretError, refresh};
use crate::decisions::{Cache, Kept};
use crate::denied::Denied;
use crate::freshness::{Freshness, Revoked};
use crate::hashing::Hashing;
use crate::policy::{PolicyKind, Role, Roles, decide};
use crate::request::{Grant, IssuedToken, Mark, Request, Sender, TokenId, Verified};
use crate::sessions::{Refreshed, Sessions, Turned};
use crate::setup::Design;
use crate::stages::{Laps, Stage, StageTimes, Stopwatch, Untimed};
use crate::subjects::Subjects;
use crate::users::{Users, UsersError};

/// A design, opened: everything that a request meets.
#[derive(Debug)]
pub struct Lab {
    design: Design,
    clock: Clock,
    subjects: Subjects,
    users: Users,
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
            hashing,
            credential: Credential::open(&design)?,
            sessions: Sessions::open(),
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
        let candidate = self.users.find(name, &self.hashing).await?;
        let matches = self
            .hashing
            .verify(candidate.stored, password.into())
            .await?;
        let roles = candidate.roles.filter(|_| matches);
        let roles = roles.ok_or(Denied::BadLogin)?;

        let bound = self.binding.seal(sender, &self.hashing).await?;
        let now = self.clock.now();
        let (session, refresh_token) = match self.design.refresh {
            RefreshKind::None => (None, None),
            RefreshKind::Rotate => {
                let id = TokenId::draw()?;
                let (token, kept) = refresh::draw(id)?;
                let session = Refreshed {
                    name: name.into(),
                    bound,
                    end: now.after(self.design.refresh_ttl.0),
                    kept,
                };
                self.sessions.begin_refreshed(id, session, now)?;
                (Some(id), Some(token))
            }
        };
        let facts = Facts {
            roles,
            bound,
            lifetime_seconds: self.design.token_ttl.0.as_secs(),
            session,
        };
        self.issue(name, facts, refresh_token, now)
    }

    /// A session's next access token, and its next refresh token: roles as they are now, the sender as it was.
    ///
    /// # Errors
    /// [`Denied::BadRefresh`]: a token that was used before also ends its session. [`Denied::WrongSender`],
    /// [`Denied::Busy`] and [`Denied::Unavailable`] leave it as it was.
    pub async fn refresh(&self, token: &str, sender: &Sender<'_>) -> Result<IssuedToken, Denied> {
        let (id, kept) = refresh::read(token)?;
        let session = self.sessions.look(id, self.clock.now());
        let session = session.ok_or(Denied::BadRefresh)?;
        self.binding
            .check(&session.bound, sender, &self.hashing)
            .await?;
        let account = self.users.find(&session.name, &self.hashing).await?;
        let (next, next_kept) = refresh::draw(id)?;
        let now = self.clock.now();
        match self.sessions.turn(id, &kept, next_kept, now) {
            Ok(()) => {}
            Err(Turned::Unknown) => return Err(Denied::BadRefresh),
            Err(Turned::Again) => {
                self.end_session(id, now, now);
                return Err(Denied::BadRefresh);
            }
        }
        let Some(roles) = account.roles else {
            self.end_session(id, now, now);
            return Err(Denied::BadRefresh);
        };
        let left = session.end.seconds().saturating_sub(now.seconds());
        let facts = Facts {
            roles,
            bound: session.bound,
            lifetime_seconds: self.design.token_ttl.0.as_secs().min(left),
            session: Some(id),
        };
        self.issue(&session.name, facts, Some(next), now)
    }

    fn issue(
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
            .issue(&claims, subject, &self.sessions, now)?;
        Ok(IssuedToken {
            access_token,
            expires_in: facts.lifetime_seconds,
            refresh_token,
        })
    }

    /// Ends a session that is refreshed, and every access token of it: those of this design, and one that is known to
    /// end as late as `at_least`.
    fn end_session(&self, id: TokenId, at_least: Timestamp, now: Timestamp) {
        self.sessions.end_refreshed(id);
        // Whatever was issued for it ends within a token's lifetime, and one may be on its way.
        let end = now.after(self.design.token_ttl.0 + Duration::from_secs(60));
        self.sessions.revoke(id, end.max(at_least), now);
        self.freshness.revoked(Revoked::Token(id));
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
            Some(grant) => Ok(grant),
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
        let verified = match known {
            Some(verified) => {
                self.credential.check(verified.id, &self.sessions)?;
                verified
            }
            None => self.verify(token)?,
        };
        verified.in_time(now)?;
        laps.ended(Stage::Verify);

        self.binding
            .check(&verified.bound, &request.sender, &self.hashing)
            .await?;
        let now = if self.binding.waits() {
            // The hashes waited for their turn: whoever revoked meanwhile was answered, and time went on.
            let now = self.clock.now();
            verified.in_time(now)?;
            self.credential.check(verified.id, &self.sessions)?;
            now
        } else {
            now
        };
        laps.ended(Stage::Binding);

        decide(verified.scopes, request.action)?;
        if known.is_none() {
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
    pub fn revoke(&self, request: &Request<'_>) -> Result<(), Denied> {
        let verified = self.verify(request.presented.token()?)?;
        let now = self.clock.now();
        verified.in_time(now)?;
        if self.design.refresh == RefreshKind::Rotate {
            // It may be of an earlier, longer --token-ttl.
            let end = Timestamp::from_seconds(verified.expires_at);
            self.end_session(verified.id, end, now);
            return Ok(());
        }
        // Committed first, then numbered: who reads the number before a verification also meets the commit.
        self.credential.revoke(&verified, &self.sessions, now);
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
    fn verify(&self, token: &str) -> Result<Verified, Denied> {
        let number = self.freshness.number();
        let mut verified = self
            .credential
            .verify(token, &self.sessions, &self.subjects)?;
        verified.mark.number = number;
        Ok(verified)
    }

    fn keep(&self, verified: &Verified, now: Timestamp) -> Kept {
        let end = Timestamp::from_seconds(verified.expires_at);
        Kept {
            from: Timestamp::from_seconds(verified.not_before),
            until: self.freshness.keep_until(now, end),
        }
    }
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
