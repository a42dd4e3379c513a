//! The life of a request on one page: [`Lab::authorize`], straight down.

use super::{Lab, World};
use crate::binding::BindingKind;
use crate::clock::Timestamp;
use crate::credential::Credential;
use crate::decisions::{Kept, Negative, Place as SharedPlace};
use crate::denied::Denied;
use crate::grant::{Grant, Mark, Verified};
use crate::request::{Request, Sender};
use crate::shares::Origin;
use crate::stages::{Laps, Stage, StageTimes, Stopwatch, Untimed};
use crate::verification::Verification;

/// What the caches know of a request.
pub(super) enum Lookup {
    /// The decision, and it still stands.
    Hit(Grant),
    /// What the token says, and it still stands. Binding and policy are checked again.
    Verified(Verified),
    /// Nothing.
    Miss(Begun),
}

/// A decision that begins.
pub(super) struct Begun {
    /// The number of the last revocation, read before verification begins: see [`crate::freshness`].
    pub(super) number: u64,
    /// Where the decision will be kept.
    pub(super) place: Place,
}

/// Where a decision is kept.
pub(super) enum Place {
    /// In this server's cache.
    Here,
    /// In Redis, for all servers.
    Shared(Box<SharedPlace>),
    /// Nowhere. The same request was decided so many times before, as what its name stands for had changed meanwhile.
    Nowhere { tries: u8 },
}

impl Lab {
    /// Authorizes a request.
    ///
    /// # Errors
    /// Why it is refused.
    #[inline]
    pub async fn authorize(&self, request: &Request<'_>) -> Result<Grant, Denied> {
        match self.cached(request, &mut Untimed) {
            Some(grant) => Ok(grant),
            None => self.decide(request, &mut Untimed).await,
        }
    }

    /// Authorizes a request, and says what each stage took.
    pub async fn authorize_timed(
        &self,
        request: &Request<'_>,
    ) -> (Result<Grant, Denied>, StageTimes) {
        let mut watch = Stopwatch::start();
        let decision = match self.cached(request, &mut watch) {
            Some(grant) => {
                watch.hit();
                Ok(grant)
            }
            None => self.decide(request, &mut watch).await,
        };
        (decision, watch.stop())
    }

    /// What is granted without waiting for anything: a decision that is cached here, and whatever the control is asked.
    #[inline]
    pub(crate) fn granted_at_once(&self, request: &Request<'_>) -> Option<Grant> {
        self.control_of(request)
            .or_else(|| self.cached(request, &mut Untimed))
    }

    /// extract → decision key → hit? A hit ends here, before anything of the long way is made, its future included.
    #[inline]
    fn cached<L: Laps>(&self, request: &Request<'_>, laps: &mut L) -> Option<Grant> {
        let token = request.presented.token().ok()?;
        if !self.may_use_cached() {
            return None;
        }
        let hit = self
            .cache
            .grant(request, token, &self.clock, &self.freshness)
            .filter(|grant| !self.freshness.asks() || self.stands_here(&grant.mark));
        laps.ended(Stage::Cache);
        hit
    }

    /// Decides what is not granted at once: by what this server has in memory, or else with Redis and other requests. That is
    /// boxed, so that what needs neither is not moved with it.
    pub(crate) async fn decide<L: Laps>(
        &self,
        request: &Request<'_>,
        laps: &mut L,
    ) -> Result<Grant, Denied> {
        if !self.asks_elsewhere {
            let look = |token: &str| self.look_up(request, token);
            return self.decide_from(request, look, laps).await;
        }
        Box::pin(self.decide_elsewhere(request, laps)).await
    }

    async fn decide_elsewhere<L: Laps>(
        &self,
        request: &Request<'_>,
        laps: &mut L,
    ) -> Result<Grant, Denied> {
        let token = request.presented.token()?;
        self.keep_up().await?;
        self.keep_list().await?;
        let lookup = self.look_up_elsewhere(request, token).await?;
        laps.ended(Stage::Cache);
        let takes_long = match lookup {
            Lookup::Hit(_) => false,
            Lookup::Verified(_) => self.design.binding == BindingKind::Bcrypt,
            Lookup::Miss(_) => true,
        };
        match &self.flights {
            Some(flights) if takes_long => {
                self.decide_together(flights, request, token, lookup, laps)
                    .await
            }
            _ => self.decide_from(request, |_| lookup, laps).await,
        }
    }

    /// extract → look up → verify → revoked? → binding → policy → keep → grant. What the caches know is found in here, and not
    /// handed in: it is large, and would be moved with every future.
    pub(super) async fn decide_from<L: Laps>(
        &self,
        request: &Request<'_>,
        look: impl FnOnce(&str) -> Lookup,
        laps: &mut L,
    ) -> Result<Grant, Denied> {
        let token = request.presented.token()?;
        let now = self.clock.now();
        // The large value ends here, before anything is awaited.
        let (known, number, place) = match look(token) {
            Lookup::Hit(grant) => {
                laps.hit();
                return Ok(grant);
            }
            Lookup::Verified(verified) => (Some(verified), 0, None),
            Lookup::Miss(Begun { number, place }) => (None, number, Some(place)),
        };
        laps.ended(Stage::Cache);
        let verified = if let Some(verified) = known {
            laps.hit();
            verified.in_time(now)?
        } else {
            let negative = self.negative.as_ref();
            if let Some(denied) = negative.and_then(|kept| kept.denial(request, token, now)) {
                return Err(denied);
            }
            let rotations = negative.map_or(0, Negative::rotations);
            let proven = self.verify(token, &request.sender).await;
            let proven = proven.and_then(|proven| proven.in_time(self.clock.now()));
            if let (Err(denied), Some(negative)) = (&proven, negative) {
                negative.store(request, token, *denied, rotations, self.clock.now());
            }
            proven?.numbered(number)
        };
        laps.ended(Stage::Verify);

        self.world
            .binding
            .check(
                &verified.bound,
                verified.mark.subject,
                &request.sender,
                Some(token),
                self.world.means(now),
            )
            .await?;
        let now = if self.design.waits() {
            // A revocation may have completed while a hash was queued, and time went on, so check both again.
            let now = self.clock.now();
            verified.in_time(now)?;
            let again = self.check_again(request, &verified.mark, place.as_ref());
            if let Some(grant) = again.await? {
                return Ok(grant);
            }
            now
        } else {
            now
        };
        laps.ended(Stage::Binding);

        let grant = self.world.grant(&verified);
        if !self.world.allows(&grant, request.question()) {
            return Err(Denied::Insufficient(request.action));
        }
        if let Some(place) = place {
            let end = Timestamp::from_seconds(verified.expires_at);
            let kept = Kept {
                from: Timestamp::from_seconds(verified.not_before),
                until: self.freshness.keep_until(now, end),
            };
            if !matches!(place, Place::Nowhere { .. }) {
                self.cache.store(request, token, &verified, grant, kept);
            }
            if let Place::Shared(place) = place {
                let beside = self.world.beside();
                let shared = self.cache.share(&place, &grant, kept, now, beside);
                Box::pin(shared).await;
            }
        }
        laps.ended(Stage::Policy);
        Ok(grant)
    }

    /// What this server has in memory. A cached decision was looked for before.
    pub(super) fn look_up(&self, request: &Request<'_>, token: &str) -> Lookup {
        let (cache, clock) = (&self.cache, &self.clock);
        let verified = cache.verified(request, token, clock, &self.freshness);
        match verified.filter(|verified| self.stands_here(&verified.mark)) {
            Some(verified) => Lookup::Verified(verified),
            None => Lookup::Miss(self.begin()),
        }
    }

    /// The same with what Redis has, or knows of what this server has.
    pub(super) async fn look_up_elsewhere(
        &self,
        request: &Request<'_>,
        token: &str,
    ) -> Result<Lookup, Denied> {
        let now = self.clock.now();
        if !self.asks_redis {
            return Ok(self.look_up(request, token));
        }
        let mut begun = self.begin();
        let decision = if self.cache.is_shared() {
            let looked = self.cache.look(request, token, now, self.world.beside());
            if let Some(looked) = looked.await {
                begun.place = Place::Shared(Box::new(looked.place));
                // Its number there is of another sequence. As it holds now, it holds under the one that was read before.
                looked.entry.map(|entry| {
                    let entry = entry.map(|grant| grant.numbered(begun.number));
                    self.cache.store_grant(request, token, entry);
                    entry.fact()
                })
            } else {
                // Without a number nothing can be kept: what came after it would not be known.
                begun = Begun::nowhere(0);
                None
            }
        } else {
            let cache = &self.cache;
            cache.grant(request, token, &self.clock, &self.freshness)
        };
        if let Some(grant) = decision
            && (!self.freshness.asks() || self.stands(&grant.mark).await?)
        {
            return Ok(Lookup::Hit(grant));
        }
        match self
            .cache
            .verified(request, token, &self.clock, &self.freshness)
        {
            Some(verified) if self.stands(&verified.mark).await? => Ok(Lookup::Verified(verified)),
            _ => Ok(Lookup::Miss(begun)),
        }
    }

    fn begin(&self) -> Begun {
        Begun {
            number: self.freshness.number(),
            place: Place::Here,
        }
    }

    /// Proven and not revoked; its times are not judged, and it is not numbered. By the keys as this server has them: call
    /// [`Lab::keep_up`] before.
    pub(super) async fn verify(
        &self,
        token: &str,
        sender: &Sender<'_>,
    ) -> Result<Verified, Denied> {
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

    /// Not revoked since it was proven. What a central server said it alone takes back, and it is not asked about that.
    pub(super) async fn check(&self, mark: &Mark) -> Result<(), Denied> {
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

    /// Whether what is cached was not revoked. Otherwise it is verified again: of a revoked token that tells why, and a name
    /// and a password may stand for something else by now.
    pub(super) async fn stands(&self, mark: &Mark) -> Result<bool, Denied> {
        match self.check(mark).await {
            Ok(()) => Ok(true),
            Err(Denied::Unavailable) => Err(Denied::Unavailable),
            Err(_) => Ok(false),
        }
    }

    /// The same by what this server has in memory; of what only Redis knows, no.
    pub(super) fn stands_here(&self, mark: &Mark) -> bool {
        let World {
            credential,
            verification,
            sessions,
            subjects,
            ..
        } = &*self.world;
        match verification {
            Verification::Introspect(_) => true,
            Verification::Local => sessions
                .in_memory()
                .is_some_and(|memory| credential.check_in(memory, mark, subjects).is_ok()),
        }
    }
}

impl Begun {
    /// One that is not kept.
    pub(super) fn nowhere(tries: u8) -> Self {
        Self {
            number: 0,
            place: Place::Nowhere { tries },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::PasswordKind;
    use crate::policy::Action;
    use crate::request::Presented;
    use crate::setup::Design;

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
