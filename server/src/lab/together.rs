//! Requests of one key that miss together: verified once, each answered.

use tokio::runtime::Handle;

use super::{Begun, Lab, Recalled};
use crate::denied::Denied;
use crate::flight::{Boarded, Flights, Landing, Owned};
use crate::grant::Grant;
use crate::request::Request;
use crate::stages::{Laps, Stage, Untimed};
use crate::verification::Verification;

/// How often somebody waits for others before it decides alone.
const MOST_WAITS: usize = 3;

impl Lab {
    pub(super) async fn together<L: Laps>(
        &self,
        flights: &Flights,
        request: &Request<'_>,
        mut begun: Begun,
        laps: &mut L,
    ) -> Result<Grant, Denied> {
        let token = request.presented.token()?;
        for _ in 0..MOST_WAITS {
            let Ok(runtime) = Handle::try_current() else {
                break;
            };
            let changes = self.freshness.changes();
            let (joined, is_first) = match flights.board(request, token, changes)? {
                Boarded::Joined(joined) => (joined, false),
                Boarded::First(joined, landing) => {
                    self.set_off(&runtime, Owned::of(request, token), begun, landing);
                    (joined, true)
                }
            };
            let is_of_now = joined.begun == changes;
            let outcome = joined.outcome().await;
            laps.ended(Stage::Verify);
            // One that began before this request came may not know what was changed before it.
            let counts = match &outcome {
                Ok(grant) => is_first || self.still_holds(request, token, grant).await?,
                Err(_) => is_first || is_of_now,
            };
            if counts {
                return outcome;
            }
            begun = match self.begin(request, token, laps).await? {
                Recalled::Grant(grant) => return Ok(grant),
                Recalled::Nothing(begun) => begun,
            };
        }
        self.decide(request, begun, laps).await
    }

    /// Decides apart from any connection.
    fn set_off(&self, runtime: &Handle, request: Owned, begun: Begun, landing: Landing) {
        let Some(lab) = self.me.upgrade() else {
            return;
        };
        runtime.spawn(async move {
            let outcome = lab.decide(&request.request(), begun, &mut Untimed).await;
            landing.land(outcome);
        });
    }

    /// Whether a grant that somebody else's request led to holds for this one, which may have come after it began.
    async fn still_holds(
        &self,
        request: &Request<'_>,
        token: &str,
        grant: &Grant,
    ) -> Result<bool, Denied> {
        let now = self.clock.now();
        if now.seconds() >= grant.expires_at || !self.freshness.holds(&grant.mark) {
            return Ok(false);
        }
        if self.cache.is_shared() && matches!(self.world.verification, Verification::Introspect(_))
        {
            // What was revoked is known where the decision is kept, if anywhere.
            let recalled = self.recall(request, token, now).await?;
            return Ok(matches!(recalled, Recalled::Grant(_)));
        }
        if !self.freshness.asks() && self.world.sessions.in_redis().is_none() {
            return Ok(true);
        }
        self.still(grant.mark).await
    }
}
