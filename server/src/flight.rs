//! One verification for many waiters: requests of one key that miss together wait for one decision, which is made apart from
//! any of their connections, so that whoever hangs up hurts nobody else.
//!
//! Ours, because the caches' own helpers do not fit: `quick_cache` lets failures queue up one after the other, and moka's
//! panics a waiter after 200 that hung up.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::cause;
use crate::decisions::{CacheKey, Digest, Digests, Keys};
use crate::denied::Denied;
use crate::grant::Grant;
use crate::policy::Action;
use crate::request::{Presented, Request, Sender};

/// How many keys may be verified at once; who comes beyond with another is told to come back.
const MOST: usize = 4096;

type Outcome = Result<Grant, Denied>;
type Key = Digest;

/// What is being verified.
#[derive(Debug)]
pub(crate) struct Flights {
    keys: Keys,
    /// No token and no password lies here while it is verified.
    digests: Digests,
    under_way: Arc<Mutex<HashMap<Key, Joined>>>,
}

/// A decision under way.
#[derive(Clone, Debug)]
pub(crate) struct Joined {
    outcome: watch::Receiver<Option<Outcome>>,
    /// How many changes there were when it began.
    pub(crate) begun: u64,
}

/// A place in a decision under way.
pub(crate) enum Boarded {
    /// Somebody else began it.
    Joined(Joined),
    /// It is for us to begin.
    First(Joined, Landing),
}

/// The end of a decision: it lands once, whatever becomes of whoever makes it.
#[derive(Debug)]
pub(crate) struct Landing {
    outcome: watch::Sender<Option<Outcome>>,
    under_way: Arc<Mutex<HashMap<Key, Joined>>>,
    key: Key,
    landed: bool,
}

impl Flights {
    pub(crate) fn new() -> Self {
        Self {
            // By everything that a decision may depend on, whatever the cache's key leaves out.
            keys: Keys::new(CacheKey::Sender, true),
            digests: Digests::open(),
            under_way: Arc::default(),
        }
    }

    /// Joins the decision of this request, or begins it.
    ///
    /// # Errors
    /// [`Denied::Busy`] when too many are under way.
    pub(crate) fn board(
        &self,
        request: &Request<'_>,
        token: &str,
        changes: u64,
    ) -> Result<Boarded, Denied> {
        let key = self.digests.of(&self.keys.decision(request, token));
        let mut under_way = lock(&self.under_way);
        if let Some(joined) = under_way.get(&key) {
            return Ok(Boarded::Joined(joined.clone()));
        }
        if under_way.len() >= MOST {
            return Err(Denied::Busy);
        }
        let (sender, outcome) = watch::channel(None);
        let joined = Joined {
            outcome,
            begun: changes,
        };
        under_way.insert(key, joined.clone());
        drop(under_way);
        let landing = Landing {
            outcome: sender,
            under_way: Arc::clone(&self.under_way),
            key,
            landed: false,
        };
        Ok(Boarded::First(joined, landing))
    }
}

impl Joined {
    /// What was decided. Of one that never landed nothing is known.
    pub(crate) async fn outcome(mut self) -> Outcome {
        let landed = self.outcome.wait_for(Option::is_some).await;
        let outcome = landed.ok().and_then(|outcome| *outcome);
        outcome.unwrap_or_else(|| Err(cause::unanswered("a decision that others waited for")))
    }
}

impl Landing {
    /// Everybody who waits is told. Who comes now finds the decision in the cache, or begins another.
    pub(crate) fn land(mut self, outcome: Outcome) {
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

fn lock(under_way: &Mutex<HashMap<Key, Joined>>) -> MutexGuard<'_, HashMap<Key, Joined>> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request that outlives its connection.
pub(crate) struct Owned {
    method: Box<str>,
    route: Box<str>,
    target: Box<str>,
    user_agent: Box<[u8]>,
    ip: IpAddr,
    token: Box<str>,
    action: Action,
}

impl Owned {
    pub(crate) fn of(request: &Request<'_>, token: &str) -> Self {
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

    pub(crate) fn request(&self) -> Request<'_> {
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
