//! Signing up and in: an account's password, and what is issued for it.

use super::{Lab, Naming, World};
use crate::binding::BindingKind;
use crate::bound::Bound;
use crate::clock::Timestamp;
use crate::credential::{Claims, CredentialKind, Facts};
use crate::denied::Denied;
use crate::freshness::Revoked;
use crate::grant::{Generation, IssuedToken, TokenId};
use crate::policy::{Role, Roles};
use crate::request::Sender;
use crate::shares::Origin;
use crate::users::{Patience, Profile, called, check_password, normal};

/// Who signed in.
pub(super) struct SignedIn {
    pub(super) roles: Roles,
    pub(super) generation: Generation,
    pub(super) bound: Bound,
    pub(super) profile: Profile,
    /// From where.
    pub(super) by: Origin,
}

impl Lab {
    /// Makes an account of a user's own.
    ///
    /// # Errors
    /// [`Denied::Taken`], [`Denied::Unfit`], [`Denied::UnfitPassword`], [`Denied::ReadOnly`], or as [`Lab::login`].
    pub async fn sign_up(&self, name: &str, password: &str) -> Result<(), Denied> {
        self.sign_up_by(name, password, Origin::UNKNOWN).await
    }

    /// The same for a request from there.
    pub(crate) async fn sign_up_by(
        &self,
        name: &str,
        password: &str,
        by: Origin,
    ) -> Result<(), Denied> {
        let name = normal(name).ok_or(Denied::Unfit)?;
        check_password(password, self.design.min_password_bytes)?;
        let roles = [Role::User].into_iter().collect();
        let World { users, hashing, .. } = &*self.world;
        users.add(&name, password, roles, &hashing.by(by)).await?;
        self.freshness.changed();
        Ok(())
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
        let name = &*called(name);
        let signed_in = self.authenticate(name, password, sender).await?;
        let now = self.clock.now();
        match self.design.credential {
            CredentialKind::SessionJwt => {
                let issued = self.begin_device(name, signed_in, sender, Naming::default());
                return issued.await.map(|(issued, _)| issued);
            }
            CredentialKind::ApiKey => return self.issue_key(name, &signed_in, now).await,
            CredentialKind::Basic => return Ok(self.shown_anew(name, password, &signed_in)),
            CredentialKind::Jwt | CredentialKind::Opaque | CredentialKind::Session => {}
        }
        let (session, refresh_token) = if self.is_refreshed() {
            let (id, token) = self.begin_refreshed(name, &signed_in, now).await?;
            (Some(id), Some(token))
        } else {
            (None, None)
        };
        let facts = Facts {
            session,
            ..self.facts(&signed_in)
        };
        self.issue(name, facts, refresh_token, now).await
    }

    /// What a token of who signed in says.
    pub(super) fn facts(&self, signed_in: &SignedIn) -> Facts {
        Facts {
            roles: signed_in.roles,
            scopes: self.world.policy.carried(signed_in.roles),
            narrowed: false,
            bound: signed_in.bound,
            lifetime_seconds: self.design.token_ttl.0.as_secs(),
            generation: signed_in.generation,
            session: None,
        }
    }

    /// Whether its tokens belong to sessions that are refreshed.
    pub(super) fn is_refreshed(&self) -> bool {
        self.world.credential.is_refreshed(self.design.refresh)
    }

    /// Who signs in, once the password is the account's; and from where, as a token will carry it.
    pub(super) async fn authenticate(
        &self,
        name: &str,
        password: &str,
        sender: &Sender<'_>,
    ) -> Result<SignedIn, Denied> {
        let by = Origin::of(sender.ip);
        let account = self.world.account_of(name, password, by).await?;
        self.keep_up().await?;
        if self.world.users.may_store_anew() && self.world.password.supersedes(&account.stored) {
            self.store_anew(name, &account.stored, password, by).await;
        }
        let subject = self.world.subjects.intern(name);
        let bound = self
            .world
            .binding
            .seal(sender, subject, self.world.means(self.clock.now()))
            .await?;
        Ok(SignedIn {
            roles: account.roles,
            generation: account.generation,
            bound,
            profile: account.profile,
            by,
        })
    }

    /// A password that was stored in another way, or at a lower cost, is stored as it is today, if it can be now: who
    /// signs in has shown it, and does so again.
    pub(super) async fn store_anew(&self, name: &str, before: &str, password: &str, by: Origin) {
        let hashed = self
            .world
            .hashing
            .by(by)
            .hash(self.world.password, password.into())
            .await;
        if let Ok(Ok(stored)) = hashed {
            let users = &self.world.users;
            let stored = users.store_anew(name, before, &stored, Patience::AtOnceOrNot);
            let _ = stored.await;
        }
    }

    pub(super) async fn issue(
        &self,
        name: &str,
        facts: Facts,
        refresh_token: Option<String>,
        now: Timestamp,
    ) -> Result<IssuedToken, Denied> {
        let mut claims = Claims::new(name, facts, now)?;
        let subject = self.world.subjects.intern(name);
        if let Some(listed) = &self.world.listed {
            let mark = claims.verified(subject).mark;
            claims.id = listed.issued.admit(mark, claims.expires_at, now)?;
        }
        let (access_token, evicted) = self
            .world
            .credential
            .issue(&claims, subject, &self.world.sessions, now)
            .await?;
        self.evicted(evicted);
        Ok(IssuedToken {
            access_token,
            token_type: self.token_type(),
            expires_in: facts.lifetime_seconds,
            scopes: facts.scopes,
            refresh_token,
        })
    }

    /// A token that was evicted from the store ends like one that was revoked.
    pub(super) fn evicted(&self, token: Option<TokenId>) {
        if let Some(token) = token {
            self.freshness.revoked(Revoked::Token(token));
        }
    }

    /// What its tokens are called (RFC 6749 §7.1).
    pub(crate) fn token_type(&self) -> &'static str {
        match self.design.binding {
            BindingKind::Dpop => "DPoP",
            _ => "Bearer",
        }
    }
}
