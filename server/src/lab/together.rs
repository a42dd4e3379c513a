//! Requests of one key that miss together: verified once, each answered.

use tokio::runtime::Handle;

use super::Lab;
use crate::denied::Denied;
use crate::flight::{Boarded, Flights, Landing, Outcome, Owned};
use crate::request::{Grant, Request};
use crate::stages::{Hit, Laps, Stage};

/// How often somebody waits for others before it decides alone.
const MOST_WAITS: usize = 3;

impl Lab {
    pub(super) async fn together<L: Laps>(
        &self,
        flights: &Flights,
        request: &Request<'_>,
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
                    self.set_off(&runtime, Owned::of(request, token), landing);
                    (joined, true)
                }
            };
            let is_of_now = joined.begun == changes;
            let Outcome { decision, hit } = joined.outcome().await;
            laps.ended(if hit { Stage::Cache } else { Stage::Verify });
            // One that began before this request came may not know what was changed before it.
            let counts = match &decision {
                Ok(grant) => is_first || self.still_holds(request, token, grant).await?,
                Err(_) => is_first || is_of_now,
            };
            if counts {
                if hit {
                    laps.hit();
                }
                return decision;
            }
        }
        self.decide(request, laps).await
    }

    /// Decides apart from any connection.
    fn set_off(&self, runtime: &Handle, request: Owned, landing: Landing) {
        let Some(lab) = self.me.upgrade() else {
            return;
        };
        runtime.spawn(async move {
            let mut hit = Hit::default();
            let decision = lab.decide(&request.request(), &mut hit).await;
            landing.land(Outcome {
                decision,
                hit: hit.0,
            });
        });
    }

    /// Whether a grant that somebody else's request led to holds for this one.
    async fn still_holds(
        &self,
        request: &Request<'_>,
        token: &str,
        grant: &Grant,
    ) -> Result<bool, Denied> {
        if self.recalls {
            let now = self.clock.now();
            let recalled = self.recall(request, token, now).await?;
            return Ok(matches!(recalled, super::Recalled::Grant(_)));
        }
        let stands = !self.freshness.asks() || self.stands(grant);
        Ok(stands && self.freshness.holds(&grant.mark))
    }
}
