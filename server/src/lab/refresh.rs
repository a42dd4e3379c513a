//! What follows an access token that ends.

use std::time::Duration;

use subtle::ConstantTimeEq as _;

use super::{Lab, SignedIn, World};
use crate::clock::Timestamp;
use crate::credential::Facts;
use crate::denied::Denied;
use crate::freshness::Revoked;
use crate::grant::{IssuedToken, TokenId};
use crate::policy::Scopes;
use crate::request::Sender;
use crate::sessions::refresh;
use crate::sessions::{Refreshed, Turned};
use crate::shares::Origin;
use crate::subjects::Subject;

impl Lab {
    /// A session's next access token, and its next refresh token: roles as they are now, the sender as it was. The access
    /// token has the scopes that are wanted, or all of them; the session keeps all of them (RFC 6749 §6). With fewer
    /// scopes than the roles carry it is narrowed, and grants nothing by a role alone.
    ///
    /// # Errors
    /// [`Denied::BadScope`] for a scope that does not exist or goes beyond the session's: the refresh token stays good.
    /// [`Denied::BadRefresh`]: a token that was used before also ends its session. [`Denied::WrongSender`] and
    /// [`Denied::Busy`] leave it as it was. After [`Denied::Unavailable`] the turn may have been taken, and the same token may
    /// be shown to this server again.
    pub async fn refresh(
        &self,
        token: &str,
        wanted: Option<&str>,
        sender: &Sender<'_>,
    ) -> Result<IssuedToken, Denied> {
        let (id, kept) = refresh::read(token)?;
        self.keep_up().await?;
        let now = self.clock.now();
        let session = self.world.sessions.look(id, now).await?;
        let Some(session) = session else {
            self.forget(id).await?;
            return Err(Denied::BadRefresh);
        };
        let World {
            binding,
            hashing,
            sessions,
            subjects,
            policy,
            ..
        } = &*self.world;
        let subject = subjects.intern(&session.name);
        binding
            .check(&session.bound, subject, sender, None, self.world.means(now))
            .await?;
        let generation = sessions.generation(&session.name, Some(subject));
        if generation.await? != Some(session.generation) {
            self.end_session(id, subject, now, now).await?;
            return Err(Denied::BadRefresh);
        }
        let account = self
            .world
            .users
            .find(&session.name, &hashing.by(Origin::of(sender.ip)))
            .await?;
        let carried = account.roles.map(|roles| policy.carried(roles));
        // Of an old turn's token the scope does not matter: it ends its session.
        let is_current = bool::from(session.kept.ct_eq(&kept));
        let scopes = match (wanted, carried) {
            (Some(wanted), Some(carried)) if is_current => Scopes::requested(wanted)
                .filter(|wanted| carried.include(*wanted))
                .ok_or(Denied::BadScope)?,
            (_, carried) => carried.unwrap_or_default(),
        };
        let (next, next_kept) = refresh::draw(id)?;
        let now = self.clock.now();
        match sessions.turn(id, &kept, next_kept, now).await {
            Ok(()) => {}
            Err(Turned::Unknown) => return Err(Denied::BadRefresh),
            Err(Turned::Unavailable) => return Err(Denied::Unavailable),
            Err(Turned::Again) => {
                self.end_session(id, subject, now, now).await?;
                return Err(Denied::BadRefresh);
            }
        }
        let Some(roles) = account.roles else {
            self.end_session(id, subject, now, now).await?;
            return Err(Denied::BadRefresh);
        };
        let left = session.end.seconds().saturating_sub(now.seconds());
        let facts = Facts {
            roles,
            scopes,
            narrowed: carried.is_some_and(|carried| carried != scopes),
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
        let World {
            sessions, subjects, ..
        } = &*self.world;
        let evicted = sessions.begin_refreshed(id, session, now).await?;
        if let Some((evicted, session)) = evicted {
            let subject = subjects.intern(&session.name);
            let generation = sessions.generation(&session.name, Some(subject));
            // The access tokens of an earlier generation have ended already.
            if generation.await? == Some(session.generation) {
                let all_of = self.end_session(evicted, subject, now, now).await?;
                if all_of.is_some() && all_of == subjects.known(name) {
                    // So many sessions of this account were evicted that all of them ended, and this one too.
                    return Err(Denied::Busy);
                }
            }
        }
        Ok((id, token))
    }

    /// Ends a session that is refreshed, and every access token of it: those of this design, and one that is known to
    /// end as late as `at_least`. The answer is a subject all of whose tokens ended with it.
    pub(super) async fn end_session(
        &self,
        id: TokenId,
        subject: Subject,
        at_least: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Subject>, Denied> {
        // Whatever was issued for it ends within a token's lifetime, and one may be on its way.
        let end = now.after(self.design.token_ttl.0 + Duration::from_secs(60));
        let World { sessions, .. } = &*self.world;
        let ended = sessions
            .end_refreshed(id, subject, end.max(at_least), now)
            .await;
        // Whatever became of it there: here it is never wrong to look again.
        self.freshness.revoked(Revoked::Token(id));
        let all_of = ended?;
        self.ended_too(all_of);
        Ok(all_of)
    }
}
