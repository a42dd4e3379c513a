//! A design, opened. What it does is in the modules of this folder: `authorize` is the life of a request on one page, and
//! `single_flight` its detour; `sign_in`, `refresh`, `devices` and `oauth` issue tokens; `revoke` and `admin` end them.

mod admin;
mod authorize;
mod common;
mod devices;
mod listed;
mod oauth;
mod refresh;
mod revoke;
mod secrets;
mod sign_in;
mod single_flight;
mod view;
mod world;

use std::sync::{Arc, Weak};

use crate::clock::Clock;
use crate::decisions::{Cache, CacheKind, Negative};
use crate::freshness::Freshness;
use crate::grant::{Grant, Mark, TokenId};
use crate::open::{self, OpenError};
use crate::period::Period;
use crate::policy::{Action, PolicyKind, Roles};
use crate::request::Request;
use crate::routes::Routes;
use crate::sessions::WrongSessions;
use crate::setup::Design;
use crate::subjects::Subjects;
pub(crate) use devices::Naming;
pub(crate) use oauth::Introspected;
use sign_in::SignedIn;
use single_flight::Flights;
use view::View;
use world::World;

/// A design, opened: everything that a request meets. What a hit needs is here, the rest in its world.
#[derive(Debug)]
pub struct Lab {
    design: Design,
    clock: Clock,
    cache: Cache,
    freshness: Freshness,
    negative: Option<Negative>,
    /// Where verifying takes so long that it is done once for all who wait.
    flights: Option<Flights>,
    /// Whether a decision that is not cached may have to wait for others: for Redis, for other requests, for a status list.
    asks_elsewhere: bool,
    /// Whether Redis has what is cached, or knows whether it still stands.
    asks_redis: bool,
    /// What others change, where sessions are in Redis.
    view: Option<Box<View>>,
    /// The control's grant.
    control: Grant,
    world: Arc<World>,
    /// Itself, for what outlives a request.
    me: Weak<Self>,
}

impl Lab {
    /// Opens a design on the system's clock.
    ///
    /// # Errors
    /// One line: a users file or a secret that cannot be used, or threads that cannot be started.
    pub fn open(design: Design) -> Result<Arc<Self>, OpenError> {
        Self::open_at(design, Clock::Coarse)
    }

    /// Opens a design on a clock of the caller's.
    ///
    /// # Errors
    /// As [`Lab::open`].
    pub fn open_at(design: Design, clock: Clock) -> Result<Arc<Self>, OpenError> {
        if let Some(clash) = design.clash() {
            return Err(OpenError::Clash(clash));
        }
        let world = World::open(&design, clock.now())?;
        let lab = Self::of(design, clock, Arc::new(world));
        lab.rename_shared();
        Ok(lab)
    }

    /// The same server without its cache: the same accounts, sessions, keys and policy, and each request decided anew. It is
    /// what a cached decision is held to. It is for asking: a change that is made here does not reach what the other remembers.
    #[must_use]
    pub fn uncached(&self) -> Arc<Self> {
        let design = Design {
            cache: CacheKind::None,
            negative_capacity: 0,
            lease: Period::ZERO,
            ..self.design.clone()
        };
        Self::of(design, self.clock.clone(), Arc::clone(&self.world))
    }

    fn of(design: Design, clock: Clock, world: Arc<World>) -> Arc<Self> {
        let cache = open::cache(&design);
        let freshness = open::freshness(&design);
        let in_redis = world.sessions.in_redis().is_some();
        let view = in_redis.then(|| Box::new(View::new(design.lease.0, &freshness)));
        let flights = design.flies_together().then(Flights::new);
        let asks_redis = match design.cache {
            CacheKind::None => false,
            CacheKind::Token => in_redis,
            CacheKind::Decision => cache.is_shared() || freshness.asks() && in_redis,
        };
        let reads_list = design.cache == CacheKind::Decision && freshness.reads_list();
        Arc::new_cyclic(|me| Self {
            asks_elsewhere: flights.is_some() || asks_redis || view.is_some() || reads_list,
            asks_redis,
            view,
            flights,
            negative: open::negative(&design),
            control: control(&world.subjects),
            cache,
            freshness,
            clock,
            world,
            design,
            me: Weak::clone(me),
        })
    }

    /// What is worth a warning about what was found when the design was opened, each in a line.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        self.world.users.notes()
    }

    /// The design that was opened.
    #[must_use]
    pub fn design(&self) -> &Design {
        &self.design
    }

    /// The grant of the control, where this design is it: everything, without a look.
    #[must_use]
    pub fn control(&self) -> Option<Grant> {
        match self.design.policy {
            PolicyKind::AllowAll => Some(self.control),
            PolicyKind::Enforce | PolicyKind::Cedar => None,
        }
    }

    /// The same for a request: what administrators may, nobody else may in the control either.
    pub(crate) fn control_of(&self, request: &Request<'_>) -> Option<Grant> {
        self.control()
            .filter(|_| request.action != Action::Administer)
    }

    /// The nonce that a proof of a key must have now, where it must have one.
    pub(crate) fn dpop_nonce(&self) -> Option<String> {
        let nonces = self.world.binding.nonces()?;
        Some(nonces.current(self.clock.now()))
    }

    /// How many slow hashes run or wait.
    #[must_use]
    pub fn pending_hashes(&self) -> usize {
        self.world.hashing.pending()
    }

    /// How many denials are remembered.
    #[must_use]
    pub fn negative_entries(&self) -> u64 {
        self.negative.as_ref().map_or(0, Negative::entries)
    }

    /// How many entries left the cache to make room.
    #[must_use]
    pub fn cache_evictions(&self) -> u64 {
        self.cache.evictions()
    }

    /// How many entries the cache holds.
    #[must_use]
    pub fn cache_entries(&self) -> u64 {
        self.cache.entries()
    }

    /// Whether the store of sessions answers.
    pub async fn sessions_answer(&self) -> bool {
        self.world.sessions.answers().await
    }

    /// Checks the store of sessions with the commands that requests will use. The answer is what an operator should know, one
    /// line each; a store that is away may come, and is no error.
    ///
    /// # Errors
    /// [`WrongSessions`]: the store answers, and refuses what the configuration says.
    pub async fn check_sessions(&self) -> Result<Vec<String>, WrongSessions> {
        let Some(redis) = self.world.sessions.in_redis() else {
            return Ok(Vec::new());
        };
        let now = self.clock.now();
        redis.probe(now, self.cache.probe(redis)).await
    }

    /// What forward authorization asks for each path.
    pub(crate) fn routes(&self) -> &Routes {
        &self.world.routes
    }

    /// The name behind a grant.
    #[must_use]
    pub fn name(&self, grant: &Grant) -> Arc<str> {
        self.world.subjects.name(grant.subject())
    }

    /// How many password and binding hashes were asked for since the start, slow or fast.
    #[must_use]
    pub fn hashes(&self) -> u64 {
        self.world.hashing.computed()
    }
}

fn control(subjects: &Subjects) -> Grant {
    let roles = Roles::all();
    let mark = Mark {
        number: 0,
        id: TokenId::NONE,
        subject: subjects.intern("anyone"),
        generation: 0,
    };
    Grant {
        mark,
        roles,
        scopes: roles.scopes(),
        expires_at: u64::MAX,
    }
}
