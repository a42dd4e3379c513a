//! What is remembered, or tells whether it stands, where others answer: decisions that servers share, and sessions that they
//! do.

use super::Lab;
use crate::binding::BindingKind;
use crate::clock::Timestamp;
use crate::decisions::{Kept, Place as SharedPlace};
use crate::denied::Denied;
use crate::freshness::Freshness;
use crate::grant::{Grant, Verified};
use crate::request::Request;
use crate::stages::{Laps, Stage};

/// How a decision begins: the number that was read before it, and where it will be kept.
pub(super) struct Begun {
    pub(super) number: u64,
    pub(super) place: Place,
}

/// Where a decision is kept.
pub(super) enum Place {
    Here,
    Shared(Box<SharedPlace>),
    Nowhere,
    /// Nowhere, and so often was it begun for the same request before.
    Again(u8),
}

impl Begun {
    pub(super) fn here(freshness: &Freshness) -> Self {
        Self {
            number: freshness.number(),
            place: Place::Here,
        }
    }

    pub(super) fn shared(number: u64, place: SharedPlace) -> Self {
        Self {
            number,
            place: Place::Shared(Box::new(place)),
        }
    }

    pub(super) fn again(tries: u8) -> Self {
        Self {
            number: 0,
            place: Place::Again(tries),
        }
    }

    pub(super) fn nowhere() -> Self {
        Self {
            number: 0,
            place: Place::Nowhere,
        }
    }
}

/// What a token was found to say.
pub(super) enum Known {
    AtOnce(Option<Verified>),
    /// It is remembered, and whether it stands another server tells.
    IfItStands,
}

/// What is remembered where others answer.
pub(super) enum Recalled {
    Grant(Grant),
    Nothing(Begun),
}

impl Lab {
    /// What waits for others, or for an answer from elsewhere: boxed, so that what does neither is not moved with it.
    pub(super) async fn resolve_elsewhere<L: Laps>(
        &self,
        request: &Request<'_>,
        laps: &mut L,
    ) -> Result<Grant, Denied> {
        let token = request.presented.token()?;
        let begun = match self.begin(request, token, laps).await? {
            Recalled::Grant(grant) => return Ok(grant),
            Recalled::Nothing(begun) => begun,
        };
        let now = self.clock.now();
        let is_known = || {
            let known = self.cache.verified(request, token, now, &self.freshness);
            known.is_some()
        };
        match &self.flights {
            // What a token says is known: there is nothing to wait for together but its binding.
            Some(flights) if self.design.binding == BindingKind::Bcrypt || !is_known() => {
                self.together(flights, request, begun, laps).await
            }
            _ => self.decide(request, begun, laps).await,
        }
    }

    /// A decision that is remembered elsewhere, or how to begin one.
    pub(super) async fn begin<L: Laps>(
        &self,
        request: &Request<'_>,
        token: &str,
        laps: &mut L,
    ) -> Result<Recalled, Denied> {
        if !self.recalls {
            return Ok(Recalled::Nothing(Begun::here(&self.freshness)));
        }
        let recalled = self.recall(request, token, self.clock.now()).await?;
        laps.ended(Stage::Cache);
        if let Recalled::Grant(_) = recalled {
            laps.hit();
        }
        Ok(recalled)
    }

    /// What a token was found to say, if that still stands. Otherwise it is verified anew: of a revoked token that tells why,
    /// and a name and a password may have come to stand for something else.
    pub(super) fn known(&self, request: &Request<'_>, token: &str, now: Timestamp) -> Known {
        let Some(verified) = self.cache.verified(request, token, now, &self.freshness) else {
            return Known::AtOnce(None);
        };
        match self.stands(&verified.mark) {
            Some(stands) => Known::AtOnce(Some(verified).filter(|_| stands)),
            None => Known::IfItStands,
        }
    }

    /// The same, where another server tells.
    pub(super) async fn known_if_it_stands(
        &self,
        request: &Request<'_>,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Verified>, Denied> {
        let known = self.cache.verified(request, token, now, &self.freshness);
        match known {
            Some(verified) if self.still(verified.mark).await? => Ok(Some(verified)),
            _ => Ok(None),
        }
    }

    /// What is remembered where others answer: the decision that holds, or how to begin one.
    pub(super) async fn recall(
        &self,
        request: &Request<'_>,
        token: &str,
        now: Timestamp,
    ) -> Result<Recalled, Denied> {
        let (found, begun) = if self.cache.is_shared() {
            let looked = self.cache.look(request, token, now, self.world.beside());
            match looked.await {
                Some(looked) => (looked.grant, Begun::shared(looked.number, looked.place)),
                // Without a number nothing can be kept: nobody would know what came after it.
                None => (None, Begun::nowhere()),
            }
        } else {
            let begun = Begun::here(&self.freshness);
            let found = self
                .cache
                .grant(request, token, &self.clock, &self.freshness);
            (found, begun)
        };
        match found {
            Some(grant) if !self.freshness.asks() || self.still(grant.mark).await? => {
                Ok(Recalled::Grant(grant))
            }
            Some(_) | None => Ok(Recalled::Nothing(begun)),
        }
    }

    pub(super) async fn share(
        &self,
        place: Box<SharedPlace>,
        grant: Grant,
        kept: Kept,
        now: Timestamp,
    ) {
        let beside = self.world.beside();
        self.cache.share(&place, &grant, kept, now, beside).await;
    }
}
