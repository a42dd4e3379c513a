//! What other servers ask for: tokens of their own, the state of anybody's, and its end.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::Lab;
use crate::clients::{CLIENT, Client, ClientGrant};
use crate::credential::{CredentialKind, Facts};
use crate::denied::Denied;
use crate::grant::{Grant, IssuedToken, Verified};
use crate::policies::Question;
use crate::policy::{PolicyKind, Roles, Scopes};
use crate::request::Sender;
use crate::sessions::refresh;
use crate::shares::Origin;
use crate::users::normal;

/// A token that is active (RFC 7662 §2.2).
pub(crate) struct Introspected {
    pub(crate) name: Arc<str>,
    pub(crate) verified: Verified,
    /// What it may do as policy is now.
    pub(crate) grant: Grant,
}

impl Lab {
    /// The client of this id and secret.
    ///
    /// # Errors
    /// [`Denied::BadClient`], the same for either.
    pub(crate) fn client(&self, id: &str, secret: &str) -> Result<&Client, Denied> {
        self.world.clients.find(id, secret)
    }

    /// A token of a client's own (RFC 6749 §4.4), without a refresh token (§4.4.3).
    ///
    /// # Errors
    /// [`Denied::UnauthorizedClient`] or [`Denied::BadScope`].
    pub(crate) async fn client_credentials(
        &self,
        client: &Client,
        wanted: Option<&str>,
        sender: &Sender<'_>,
    ) -> Result<IssuedToken, Denied> {
        if self.design.credential == CredentialKind::ApiKey {
            // A key is had by its owner's password.
            return Err(Denied::UnsupportedGrant);
        }
        client.may(ClientGrant::ClientCredentials)?;
        let scopes = match wanted {
            None => client.scopes(),
            Some(wanted) => Scopes::requested(wanted)
                .filter(|wanted| client.scopes().include(*wanted))
                .ok_or(Denied::BadScope)?,
        };
        self.keep_up().await?;
        // RFC 9068 §5: a client must not be taken for a user of its name.
        let name = format!("{CLIENT}{}", client.id());
        let subject = self.world.subjects.intern(&name);
        let sessions = &self.world.sessions;
        let generation = sessions.begin_generation(&name, Some(subject)).await?;
        let now = self.clock.now();
        let bound = self
            .world
            .binding
            .seal(sender, subject, self.world.means(now))
            .await?;
        let facts = Facts {
            roles: Roles::default(),
            scopes,
            narrowed: false,
            bound,
            lifetime_seconds: self.design.token_ttl.0.as_secs(),
            generation,
            session: None,
        };
        self.issue(&name, facts, None, now).await
    }

    /// A session's next tokens, for a client that may refresh.
    ///
    /// # Errors
    /// [`Denied::UnauthorizedClient`], [`Denied::UnsupportedGrant`] where nothing is refreshed, or as
    /// [`Lab::refresh`].
    pub(crate) async fn refresh_for(
        &self,
        client: &Client,
        token: &str,
        wanted: Option<&str>,
        sender: &Sender<'_>,
    ) -> Result<IssuedToken, Denied> {
        if !self.is_refreshed() {
            return Err(Denied::UnsupportedGrant);
        }
        client.may(ClientGrant::RefreshToken)?;
        match self.refresh(token, wanted, sender).await {
            // RFC 6749 §5.2: 401 would say that the client is wrong.
            Err(Denied::WrongSender) => Err(Denied::BadRefresh),
            other => other,
        }
    }

    /// Whether a token is active, for this sender where another server says who shows it, and what it says.
    ///
    /// # Errors
    /// [`Denied::Unavailable`] when a store cannot tell, [`Denied::Busy`] when too many hashes wait. Any other token is just
    /// not active.
    pub(crate) async fn introspect(
        &self,
        token: &str,
        sender: Option<&Sender<'_>>,
    ) -> Result<Option<Introspected>, Denied> {
        // Who asks is not who shows it.
        let unsaid = Sender {
            user_agent: b"",
            ip: Ipv4Addr::UNSPECIFIED.into(),
            proof: None,
        };
        self.keep_up().await?;
        let active = match self.verify(token, sender.unwrap_or(&unsaid)).await {
            Ok(verified) => verified.in_time(self.clock.now()),
            Err(denied) => Err(denied),
        };
        let active = match (active, sender) {
            (Ok(verified), Some(sender)) => {
                let may = self.may_use(&verified, sender, token).await;
                may.map(|()| verified)
            }
            (active, _) => active,
        };
        let active = match active {
            // The hashes waited for their turn: whoever revoked meanwhile was answered, and time went on.
            Ok(verified) if self.design.waits() => {
                let checked = self.check(&verified.mark).await;
                checked.and_then(|()| verified.in_time(self.clock.now()))
            }
            active => active,
        };
        match active {
            Ok(verified) => Ok(Some(Introspected {
                name: self.world.subjects.name(verified.mark.subject),
                grant: self.world.grant(&verified),
                verified,
            })),
            Err(denied @ (Denied::Unavailable | Denied::Busy)) => Err(denied),
            Err(_) => Ok(None),
        }
    }

    /// Whether this sender may use the token, as another server tells who shows it.
    async fn may_use(
        &self,
        verified: &Verified,
        sender: &Sender<'_>,
        token: &str,
    ) -> Result<(), Denied> {
        let binding = &self.world.binding;
        if binding.is_proven_elsewhere() {
            return Ok(());
        }
        let now = self.clock.now();
        binding
            .check(
                &verified.bound,
                verified.mark.subject,
                sender,
                Some(token),
                self.world.means(now),
            )
            .await
    }

    /// Whether an account may do this by its roles as they are now, whatever tokens it has.
    ///
    /// # Errors
    /// [`Denied::NoAccount`], [`Denied::Insufficient`]; [`Denied::Unavailable`] when the accounts cannot be read.
    pub(crate) async fn may(
        &self,
        name: &str,
        asked: Question<'_>,
        by: Origin,
    ) -> Result<(), Denied> {
        if self.design.policy == PolicyKind::AllowAll {
            return Ok(());
        }
        self.keep_up().await?;
        // Nobody signs in under a name that has no normal form, whatever a database holds.
        let name = normal(name).ok_or(Denied::NoAccount)?;
        let hashing = self.world.hashing.by(by);
        let candidate = self.world.users.find(&name, &hashing).await?;
        let roles = candidate.roles.ok_or(Denied::NoAccount)?;
        let scopes = self.world.policy.carried(roles);
        if self.world.policies.allow(asked, roles, scopes, || &name) {
            Ok(())
        } else {
            Err(Denied::Insufficient(asked.action))
        }
    }

    /// Ends a token, of either kind, and what hangs on it (RFC 7009 §2.1). One that is none is ended already (§2.2). A
    /// user's token is whose who holds it; a client's is that client's alone to end.
    ///
    /// # Errors
    /// [`Denied::UnauthorizedClient`]; [`Denied::Unavailable`] when a store fails: the token may still be good.
    pub(crate) async fn revoke_for(&self, client: &Client, token: &str) -> Result<(), Denied> {
        if self.is_refreshed()
            && let Ok((id, _)) = refresh::read(token)
        {
            let now = self.clock.now();
            let session = self.world.sessions.look(id, now).await?;
            // An old turn's token ends its session too: whoever holds one has held the session.
            return match session {
                Some(session) => {
                    let subject = self.world.subjects.intern(&session.name);
                    self.end_session(id, subject, now, now).await.map(|_| ())
                }
                None => self.forget(id).await,
            };
        }
        match self.introspect(token, None).await? {
            Some(active) => {
                let issued_to = active.name.strip_prefix(CLIENT);
                if issued_to.is_some_and(|id| id != client.id()) {
                    return Err(Denied::UnauthorizedClient);
                }
                self.revoke_verified(&active.verified).await
            }
            None => match self.world.credential.id_of(token) {
                Some(id) => self.forget(id).await,
                None => Ok(()),
            },
        }
    }

    /// Whether what a token names is its session, which is refreshed, rather than the token itself.
    pub(crate) fn names_sessions(&self) -> bool {
        self.is_refreshed()
    }

    /// The public keys of its tokens (RFC 7517 §5).
    pub(crate) fn jwks(&self) -> String {
        let key = self.world.credential.public_jwk().unwrap_or_default();
        format!(r#"{{"keys":[{key}]}}"#)
    }
}
