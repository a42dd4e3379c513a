//! Single-flight: of the requests of one key that miss together, one is the leader, and the others follow. The leader's decision
//! is made apart from any of their connections, so that a client that hangs up hurts no other one.
//!
//! It is our own, because the caches' own helpers do not fit: `quick_cache` lets failures queue up one after the other, and
//! moka's panics a follower after 200 that hung up.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::Lab;
use super::authorize::Lookup;
use crate::allowance;
use crate::cause;
use crate::decisions::{CacheKey, Digest, Digests, Keys};
use crate::denied::Denied;
use crate::grant::Grant;
use crate::policy::Action;
use crate::request::{Presented, Request, Sender};
use crate::stages::{Laps, Stage, Untimed};
use crate::verification::Verification;

/// How often a request follows before it is decided alone.
const MOST_WAITS: usize = 3;

/// How many keys may be verified at once; a request beyond with another is refused for now.
const MOST: usize = 4096;

type Outcome = Result<Grant, Denied>;

impl Lab {
    /// Decides as the leader, or follows one.
    pub(super) async fn decide_together<L: Laps>(
        &self,
        flights: &Flights,
        request: &Request<'_>,
        token: &str,
        mut lookup: Lookup,
        laps: &mut L,
    ) -> Outcome {
        for _ in 0..MOST_WAITS {
            let Ok(runtime) = Handle::try_current() else {
                break;
            };
            let changes = self.freshness.changes();
            let (flight, leads) = match flights.join(request, token, changes)? {
                Joined::Follower(flight) => (flight, false),
                Joined::Leader(flight, landing) => {
                    self.lead(&runtime, Owned::of(request, token), lookup, landing);
                    (flight, true)
                }
            };
            let is_of_now = flight.begun == changes;
            let outcome = flight.outcome().await;
            laps.ended(Stage::Verify);
            // One that began before this request came may not know what was changed before it.
            let counts = match &outcome {
                Ok(grant) => leads || self.holds_for_follower(request, token, grant).await?,
                Err(_) => leads || is_of_now,
            };
            if counts {
                return outcome;
            }
            lookup = self.look_up_elsewhere(request, token).await?;
            laps.ended(Stage::Cache);
            if let Lookup::Hit(_) = lookup {
                break;
            }
        }
        self.decide_from(request, |_| lookup, laps).await
    }

    /// Decides apart from any connection.
    fn lead(&self, runtime: &Handle, request: Owned, lookup: Lookup, landing: Landing) {
        let Some(lab) = self.me.upgrade() else {
            return;
        };
        runtime.spawn(async move {
            let request = request.request();
            // The leader before may have ended since the caches were asked. Asking Redis again would cost more than it saves.
            let look = |token: &str| match lookup {
                Lookup::Miss(_) if !lab.asks_redis => lab.look_up(&request, token),
                lookup => lookup,
            };
            let decide = async { lab.decide_from(&request, look, &mut Untimed).await };
            landing.land(allowance::of_request(decide).await);
        });
    }

    /// Whether a grant that another request led to holds for this one, which may have come after that began.
    async fn holds_for_follower(
        &self,
        request: &Request<'_>,
        token: &str,
        grant: &Grant,
    ) -> Result<bool, Denied> {
        let now = self.clock.now();
        if now.seconds() >= grant.expires_at || !self.freshness.holds(&grant.mark, &self.clock) {
            return Ok(false);
        }
        if self.cache.is_shared() && matches!(self.world.verification, Verification::Introspect(_))
        {
            // What was revoked is known where the decision is kept, if anywhere.
            let lookup = self.look_up_elsewhere(request, token).await?;
            return Ok(matches!(lookup, Lookup::Hit(_)));
        }
        if !self.freshness.asks() && self.world.sessions.in_redis().is_none() {
            return Ok(true);
        }
        self.stands(&grant.mark).await
    }
}

/// What is being verified.
#[derive(Debug)]
pub(super) struct Flights {
    keys: Keys,
    /// No token and no password lies here while it is verified.
    digests: Digests,
    under_way: Arc<Mutex<HashMap<Digest, Flight>>>,
}

/// A decision under way.
#[derive(Clone, Debug)]
struct Flight {
    outcome: watch::Receiver<Option<Outcome>>,
    /// How many changes there were when it began.
    begun: u64,
}

/// A request's part in a decision.
enum Joined {
    /// Another request leads.
    Follower(Flight),
    /// It is for this one to decide.
    Leader(Flight, Landing),
}

/// The end of a decision: it lands once, whatever becomes of the leader.
#[derive(Debug)]
struct Landing {
    outcome: watch::Sender<Option<Outcome>>,
    under_way: Arc<Mutex<HashMap<Digest, Flight>>>,
    key: Digest,
    landed: bool,
}

impl Flights {
    pub(super) fn new() -> Self {
        Self {
            // By everything that a decision may depend on, whatever the cache's key leaves out: policies know the route.
            keys: Keys::new(CacheKey::Route, true),
            digests: Digests::open(),
            under_way: Arc::default(),
        }
    }

    /// Follows the decision of this request that is under way, or leads one.
    ///
    /// # Errors
    /// [`Denied::Busy`] when too many are under way.
    fn join(&self, request: &Request<'_>, token: &str, changes: u64) -> Result<Joined, Denied> {
        let key = self.digests.of(&self.keys.decision(request, token));
        let mut under_way = lock(&self.under_way);
        if let Some(flight) = under_way.get(&key) {
            return Ok(Joined::Follower(flight.clone()));
        }
        if under_way.len() >= MOST {
            return Err(Denied::Busy);
        }
        let (sender, outcome) = watch::channel(None);
        let flight = Flight {
            outcome,
            begun: changes,
        };
        under_way.insert(key, flight.clone());
        drop(under_way);
        let landing = Landing {
            outcome: sender,
            under_way: Arc::clone(&self.under_way),
            key,
            landed: false,
        };
        Ok(Joined::Leader(flight, landing))
    }
}

impl Flight {
    /// What was decided. Of one that never landed nothing is known.
    async fn outcome(mut self) -> Outcome {
        let landed = self.outcome.wait_for(Option::is_some).await;
        let outcome = landed.ok().and_then(|outcome| *outcome);
        outcome.unwrap_or_else(|| Err(cause::unanswered("a decision that others waited for")))
    }
}

impl Landing {
    /// Tells all followers. A request that comes now finds the decision in the cache, or begins another.
    fn land(mut self, outcome: Outcome) {
        self.leave();
        let _ = self.outcome.send(Some(outcome));
    }

    /// Once: afterwards the key may be another's.
    fn leave(&mut self) {
        if !std::mem::replace(&mut self.landed, true) {
            lock(&self.under_way).remove(&self.key);
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.leave();
    }
}

fn lock(under_way: &Mutex<HashMap<Digest, Flight>>) -> MutexGuard<'_, HashMap<Digest, Flight>> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request that outlives its connection.
struct Owned {
    method: Box<str>,
    route: Box<str>,
    target: Box<str>,
    user_agent: Box<[u8]>,
    ip: IpAddr,
    token: Box<str>,
    action: Action,
}

impl Owned {
    fn of(request: &Request<'_>, token: &str) -> Self {
        Self {
            method: request.method.into(),
            route: request.route.into(),
            target: request.target.into(),
            user_agent: request.sender.user_agent.into(),
            ip: request.sender.ip,
            token: token.into(),
            action: request.action,
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            route: &self.route,
            target: &self.target,
            sender: Sender {
                user_agent: &self.user_agent,
                ip: self.ip,
                // What is proven on each request is nobody's to share: see `Design::flies_together`.
                proof: None,
            },
            presented: Presented::Bearer(&self.token),
            action: self.action,
        }
    }
}
