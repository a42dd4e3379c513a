//! What follows an access token that ends.

use std::time::Duration;

use super::{Lab, SignedIn, World};
use crate::clock::Timestamp;
use crate::credential::{Facts, refresh};
use crate::denied::Denied;
use crate::freshness::Revoked;
use crate::request::{IssuedToken, Sender, TokenId};
use crate::sessions::{Refreshed, Turned};

impl Lab {
    /// A session's next access token, and its next refresh token: roles as they are now, the sender as it was.
    ///
    /// # Errors
    /// [`Denied::BadRefresh`]: a token that was used before also ends its session. [`Denied::WrongSender`] and
    /// [`Denied::Busy`] leave it as it was; so does [`Denied::Unavailable`], unless the store was lost while it
    /// answered.
    pub async fn refresh(&self, token: &str, sender: &Sender<'_>) -> Result<IssuedToken, Denied> {
        let (id, kept) = refresh::read(token)?;
        let now = self.clock.now();
        let session = self.world.sessions.look(id, now).await?;
        let session = session.ok_or(Denied::BadRefresh)?;
        self.world
            .binding
            .check(&session.bound, sender, None, &self.world.hashing, now)
            .await?;
        let subject = self.world.subjects.known(&session.name);
        let generation = self.world.sessions.generation(&session.name, subject);
        if generation.await? != session.generation {
            self.end_session(id, now, now).await?;
            return Err(Denied::BadRefresh);
        }
        let account = self
            .world
            .users
            .find(&session.name, &self.world.hashing)
            .await?;
        let (next, next_kept) = refresh::draw(id)?;
        let now = self.clock.now();
        match self.world.sessions.turn(id, &kept, next_kept, now).await {
            Ok(()) => {}
            Err(Turned::Unknown) => return Err(Denied::BadRefresh),
            Err(Turned::Unavailable) => return Err(Denied::Unavailable),
            Err(Turned::Again) => {
                self.end_session(id, now, now).await?;
                return Err(Denied::BadRefresh);
            }
        }
        let Some(roles) = account.roles else {
            self.end_session(id, now, now).await?;
            return Err(Denied::BadRefresh);
        };
        let left = session.end.seconds().saturating_sub(now.seconds());
        let facts = Facts {
            roles,
            scopes: self.world.policy.carried(roles),
            bound: session.bound,
            generation: session.generation,
            lifetime_seconds: self.design.token_ttl.0.as_secs().min(left),
            session: Some(id),
        };
        self.issue(&session.name, facts, Some(next), now).await
    }

    /// Begins a session that is refreshed: its id, and its first refresh token.
    pub(super) async fn begin_refreshed(
        &self,
        name: &str,
        signed_in: &SignedIn,
        now: Timestamp,
    ) -> Result<(TokenId, String), Denied> {
        let id = TokenId::draw()?;
        let (token, kept) = refresh::draw(id)?;
        let session = Refreshed {
            name: name.into(),
            bound: signed_in.bound,
            generation: signed_in.generation,
            end: now.after(self.design.refresh_ttl.0),
            kept,
        };
        self.world
            .sessions
            .begin_refreshed(id, session, now)
            .await?;
        Ok((id, token))
    }

    /// Ends a session that is refreshed, and every access token of it: those of this design, and one that is known to
    /// end as late as `at_least`.
    pub(super) async fn end_session(
        &self,
        id: TokenId,
        at_least: Timestamp,
        now: Timestamp,
    ) -> Result<(), Denied> {
        // Whatever was issued for it ends within a token's lifetime, and one may be on its way.
        let end = now.after(self.design.token_ttl.0 + Duration::from_secs(60));
        // The tokens first: whoever was told to come back still finds the session, and ends it again.
        let World { sessions, .. } = &*self.world;
        let ended = sessions.revoke(id, end.max(at_least), now).await;
        // Whatever became of it there: here it is never wrong to look again.
        self.freshness.revoked(Revoked::Token(id));
        ended?;
        sessions.end_refreshed(id).await
    }
}
