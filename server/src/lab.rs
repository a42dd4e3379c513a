//! The whole life of a request on one page: [`Lab::authorize`], straight down.

mod admin;
mod devices;
mod oauth;
mod recalled;
mod refresh;
mod secrets;
mod sign_in;
mod together;
mod world;

use std::sync::{Arc, Weak};

use crate::clock::{Clock, Timestamp};
use crate::credential::{Credential, id_of_text};
use crate::decisions::{Cache, CacheKind, Kept, Negative};
use crate::denied::Denied;
use crate::flight::Flights;
use crate::freshness::{Freshness, Revoked};
use crate::grant::{Grant, Mark, TokenId, Verified};
use crate::open::{self, OpenError};
use crate::policy::{Action, PolicyKind, Roles};
use crate::request::{Request, Sender};
use crate::routes::Routes;
use crate::sessions::WrongSessions;
use crate::setup::Design;
use crate::shares::Origin;
use crate::stages::{Laps, Stage, StageTimes, Stopwatch, Untimed};
use crate::subjects::{Subject, Subjects};
use crate::verification::Verification;
pub(crate) use devices::Naming;
pub(crate) use oauth::Introspected;
use recalled::{Begun, Known, Place, Recalled};
use sign_in::SignedIn;
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
    /// Whether a remembered decision has to be asked for, or about, where others answer.
    recalls: bool,
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
            ..self.design.clone()
        };
        Self::of(design, self.clock.clone(), Arc::clone(&self.world))
    }

    fn of(design: Design, clock: Clock, world: Arc<World>) -> Arc<Self> {
        let cache = open::cache(&design);
        let freshness = open::freshness(&design);
        let in_redis = world.sessions.in_redis().is_some();
        Arc::new_cyclic(|me| Self {
            recalls: cache.is_shared()
                || design.cache == CacheKind::Decision && freshness.asks() && in_redis,
            flights: design.flies_together().then(Flights::new),
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

    /// Authorizes a request.
    ///
    /// # Errors
    /// Why it is refused.
    #[inline]
    pub async fn authorize(&self, request: &Request<'_>) -> Result<Grant, Denied> {
        match self.remembered(request, &mut Untimed) {
            Some(grant) => Ok(grant),
            None => self.resolve(request, &mut Untimed).await,
        }
    }

    /// Authorizes a request, and says what each stage took.
    pub async fn authorize_timed(
        &self,
        request: &Request<'_>,
    ) -> (Result<Grant, Denied>, StageTimes) {
        let mut watch = Stopwatch::start();
        let decision = match self.remembered(request, &mut watch) {
            Some(grant) => {
                watch.hit();
                Ok(grant)
            }
            None => self.resolve(request, &mut watch).await,
        };
        (decision, watch.stop())
    }

    /// extract → decision key → hit? A hit ends here, before anything of the long way is made, its future included.
    #[inline]
    fn remembered<L: Laps>(&self, request: &Request<'_>, laps: &mut L) -> Option<Grant> {
        let token = request.presented.token().ok()?;
        let hit = self
            .cache
            .grant(request, token, &self.clock, &self.freshness)
            .filter(|grant| !self.freshness.asks() || self.stands(&grant.mark) == Some(true));
        laps.ended(Stage::Cache);
        hit
    }

    /// Whether what a fact was made of was not revoked, where that can be told at once.
    fn stands(&self, mark: &Mark) -> Option<bool> {
        let World {
            credential,
            verification,
            sessions,
            subjects,
            ..
        } = &*self.world;
        match verification {
            // What a central server said it alone takes back.
            Verification::Introspect(_) => Some(true),
            Verification::Local => {
                let memory = sessions.in_memory()?;
                Some(credential.check_in(memory, mark, subjects).is_ok())
            }
        }
    }

    /// What is granted without waiting for anything: what is remembered, and whatever the control is asked.
    #[inline]
    pub(crate) fn granted_at_once(&self, request: &Request<'_>) -> Option<Grant> {
        self.control_of(request)
            .or_else(|| self.remembered(request, &mut Untimed))
    }

    /// What is not granted at once, decided.
    pub(crate) async fn decided(&self, request: &Request<'_>) -> Result<Grant, Denied> {
        self.resolve(request, &mut Untimed).await
    }

    /// By itself, or together with whoever asks the same.
    async fn resolve<L: Laps>(&self, request: &Request<'_>, laps: &mut L) -> Result<Grant, Denied> {
        if self.flights.is_none() && !self.recalls {
            let begun = Begun::here(&self.freshness);
            return self.decide(request, begun, laps).await;
        }
        Box::pin(self.resolve_elsewhere(request, laps)).await
    }

    /// extract → known? → verify → revoked? → binding → policy → store → grant
    async fn decide<L: Laps>(
        &self,
        request: &Request<'_>,
        begun: Begun,
        laps: &mut L,
    ) -> Result<Grant, Denied> {
        let token = request.presented.token()?;
        let now = self.clock.now();
        let known = match self.known(request, token, now) {
            Known::AtOnce(known) => known,
            Known::IfItStands => Box::pin(self.known_if_it_stands(request, token, now)).await?,
        };
        laps.ended(Stage::Cache);
        let (verified, is_new) = if let Some(verified) = known {
            laps.hit();
            (verified.in_time(now)?, false)
        } else {
            if let Some(denied) = self.denied_for_good(request, token, now) {
                return Err(denied);
            }
            let rotations = self.rotations();
            let proven = self.verify(token, &request.sender).await;
            let proven = self.in_time_for_good(request, token, proven, rotations)?;
            (proven.numbered(begun.number), true)
        };
        laps.ended(Stage::Verify);

        self.world
            .binding
            .check(
                &verified.bound,
                verified.mark.subject,
                &request.sender,
                Some(token),
                &self.world.hashing,
                now,
            )
            .await?;
        let now = if self.design.waits() {
            // The hashes waited for their turn: whoever revoked meanwhile was answered, and time went on.
            let now = self.clock.now();
            verified.in_time(now)?;
            if let Some(grant) = self.checked(request, &verified.mark, &begun.place).await? {
                return Ok(grant);
            }
            now
        } else {
            now
        };
        laps.ended(Stage::Binding);

        let grant = self.world.grant(&verified);
        if !request.action.is_allowed(grant.roles, grant.scopes) {
            return Err(Denied::Insufficient(request.action));
        }
        if is_new {
            let kept = self.keep(&verified, now);
            match begun.place {
                Place::Here => self.cache.store(request, token, &verified, grant, kept),
                Place::Shared(place) => Box::pin(self.share(place, grant, kept, now)).await,
                Place::Nowhere | Place::Again(_) => {}
            }
        }
        laps.ended(Stage::Policy);
        Ok(grant)
    }

    /// A denial that is known, and can never turn.
    fn denied_for_good(
        &self,
        request: &Request<'_>,
        token: &str,
        now: Timestamp,
    ) -> Option<Denied> {
        self.negative.as_ref()?.denial(request, token, now)
    }

    /// How often the key was rotated, where denials are remembered.
    fn rotations(&self) -> u64 {
        self.negative.as_ref().map_or(0, Negative::rotations)
    }

    /// What was proven, if it is in time; a denial that can never turn is remembered.
    fn in_time_for_good(
        &self,
        request: &Request<'_>,
        token: &str,
        proven: Result<Verified, Denied>,
        rotations: u64,
    ) -> Result<Verified, Denied> {
        let verified = proven.and_then(|proven| proven.in_time(self.clock.now()));
        if let (Err(denied), Some(negative)) = (&verified, &self.negative) {
            negative.store(request, token, *denied, rotations, self.clock.now());
        }
        verified
    }

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
    async fn forget(&self, id: TokenId) -> Result<(), Denied> {
        let forgotten = self.world.sessions.make_stale(id).await;
        self.freshness.revoked(Revoked::Token(id));
        forgotten
    }

    async fn revoke_verified(&self, verified: &Verified) -> Result<(), Denied> {
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
    fn ended_too(&self, subject: Option<Subject>) {
        if let Some(subject) = subject {
            self.freshness.revoked(Revoked::Subject(subject));
        }
    }

    /// The grant of the control, where this design is it: everything, without a look.
    #[must_use]
    pub fn control(&self) -> Option<Grant> {
        match self.design.policy {
            PolicyKind::AllowAll => Some(self.control),
            PolicyKind::Enforce => None,
        }
    }

    /// The same for a request: what administrators may, nobody else may in the control either.
    pub(crate) fn control_of(&self, request: &Request<'_>) -> Option<Grant> {
        self.control()
            .filter(|_| request.action != Action::Administer)
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

    /// Proven and not revoked; its times are not judged, and it is not numbered.
    async fn verify(&self, token: &str, sender: &Sender<'_>) -> Result<Verified, Denied> {
        let world = &*self.world;
        match (&world.verification, &world.credential) {
            (Verification::Introspect(central), _) => {
                Box::pin(central.ask(token, Some(sender), &world.subjects)).await
            }
            (Verification::Local, Credential::Basic) => {
                Box::pin(world.by_password(token, Origin::of(sender.ip))).await
            }
            (Verification::Local, Credential::ApiKey) => {
                Box::pin(world.by_key(token, Origin::of(sender.ip))).await
            }
            (Verification::Local, credential) => {
                credential
                    .verify(token, &world.sessions, &world.subjects)
                    .await
            }
        }
    }

    /// Whether nothing was revoked since of what a token was found to say. Otherwise it is verified anew: of a revoked token
    /// that tells why, and a name and a password may have come to stand for something else.
    async fn still(&self, mark: Mark) -> Result<bool, Denied> {
        match self.check(&mark).await {
            Ok(()) => Ok(true),
            Err(Denied::Unavailable) => Err(Denied::Unavailable),
            Err(_) => Ok(false),
        }
    }

    /// Not revoked since it was proven. What a central server said it alone takes back, and it is not asked about that.
    async fn check(&self, mark: &Mark) -> Result<(), Denied> {
        let World {
            credential,
            verification,
            sessions,
            subjects,
            ..
        } = &*self.world;
        match verification {
            Verification::Local => credential.check(mark, sessions, subjects).await,
            Verification::Introspect(_) => Ok(()),
        }
    }

    fn keep(&self, verified: &Verified, now: Timestamp) -> Kept {
        let end = Timestamp::from_seconds(verified.expires_at);
        Kept {
            from: Timestamp::from_seconds(verified.not_before),
            until: self.freshness.keep_until(now, end),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::PasswordKind;
    use crate::request::Presented;

    /// A future is moved whole, whatever of it is used: into its task, its box, its pin.
    #[test]
    fn the_future_of_an_authorization_stays_small() {
        const MOST_BYTES: usize = 704;
        let lab = Lab::open(Design {
            password: PasswordKind::Sha256,
            ..Design::default()
        })
        .unwrap();
        let sender = Sender {
            user_agent: b"",
            ip: [127, 0, 0, 1].into(),
            proof: None,
        };
        let request = Request {
            method: "GET",
            route: "/items",
            target: "/items/",
            sender,
            presented: Presented::Nothing,
            action: Action::ItemsRead,
        };
        let bytes = size_of_val(&lab.authorize(&request));
        assert!(bytes <= MOST_BYTES, "{bytes}");
    }
}
