//! The end of a token, or of the session that it belongs to.

use super::{Lab, World};
use crate::clock::Timestamp;
use crate::credential::id_of_text;
use crate::denied::Denied;
use crate::freshness::Revoked;
use crate::grant::{TokenId, Verified};
use crate::request::Request;
use crate::subjects::Subject;
use crate::verification::Verification;

impl Lab {
    /// Revokes a token, and with it its session where it has one: whoever holds it may end it, whoever it is bound to.
    ///
    /// # Errors
    /// As [`Lab::authorize`]: a token that is not valid cannot be revoked.
    pub async fn revoke(&self, request: &Request<'_>) -> Result<(), Denied> {
        let token = request.presented.token()?;
        if let Verification::Introspect(central) = &self.world.verification {
            // Asked without its sender: whoever holds it may end it.
            let verified = central.ask(token, None, &self.world.subjects).await;
            let id = verified.map_or_else(|_| id_of_text(token), |verified| verified.mark.id);
            let ended = central.revoke(token).await;
            self.freshness.revoked(Revoked::Token(id));
            ended?;
            return verified.map(|_| ());
        }
        self.keep_up().await?;
        let verified = match self.verify(token, &request.sender).await {
            Ok(verified) => verified,
            Err(denied) => {
                // It may have been revoked by a request that was cut short before this server knew.
                if let Some(id) = self.world.credential.id_of(token) {
                    self.forget(id).await?;
                }
                return Err(denied);
            }
        };
        self.revoke_verified(&verified.in_time(self.clock.now())?)
            .await
    }

    /// Makes stale what is remembered of a token that the store has no record of. The store may have lost the record, and a
    /// decision that was made of it may be left.
    pub(super) async fn forget(&self, id: TokenId) -> Result<(), Denied> {
        let forgotten = self.world.sessions.make_stale(id).await;
        self.freshness.revoked(Revoked::Token(id));
        forgotten
    }

    pub(super) async fn revoke_verified(&self, verified: &Verified) -> Result<(), Denied> {
        let now = self.clock.now();
        let id = verified.mark.id;
        if self.is_refreshed() {
            // It may be of an earlier, longer --token-ttl.
            let end = Timestamp::from_seconds(verified.expires_at);
            let ended = self.end_session(id, verified.mark.subject, end, now).await;
            return ended.map(|_| ());
        }
        // Committed first, then numbered: who reads the number before a verification also meets the commit. A store that did
        // not answer may have committed all the same.
        let World {
            credential,
            sessions,
            subjects,
            ..
        } = &*self.world;
        let committed = credential.revoke(verified, sessions, subjects, now).await;
        self.freshness.revoked(Revoked::Token(id));
        self.ended_too(committed?);
        Ok(())
    }

    /// All tokens of a subject ended to make room for a revocation.
    pub(super) fn ended_too(&self, subject: Option<Subject>) {
        if let Some(subject) = subject {
            self.freshness.revoked(Revoked::Subject(subject));
        }
    }
}
