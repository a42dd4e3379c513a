//! The policy and the keys are one for all servers over one Redis. What one server changes is committed there first, and taken by
//! each when it hears of it.

use std::sync::{Arc, Mutex, PoisonError};

use super::World;
use crate::cause::{self, Source};
use crate::credential::NextKey;
use crate::denied::Denied;
use crate::policy::Carried;
use crate::sessions::redis::{Fact, RedisSessions};

const POLICY: &str = "policy";
const NONCES: &str = "nonces";

/// What this server has taken of what all have in common.
#[derive(Debug)]
pub(super) struct Common {
    /// How servers whose keys are had in the same way call theirs.
    key: Option<Box<str>>,
    /// Whether proofs must have nonces, which are then of one key.
    has_nonces: bool,
    taken: Mutex<Facts>,
    /// Whoever changes a fact here, or takes one.
    changing: tokio::sync::Mutex<()>,
}

/// All facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    policy: Fact,
    key: Fact,
    nonces: Fact,
}

impl Common {
    pub(super) fn new(kind_of_key: Option<String>, has_nonces: bool) -> Self {
        Self {
            key: kind_of_key.map(Into::into),
            has_nonces,
            taken: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
        }
    }

    /// What is asked for at each call.
    pub(super) fn names(&self) -> Vec<&str> {
        let nonces = self.has_nonces.then_some(NONCES);
        [Some(POLICY), self.key.as_deref(), nonces]
            .into_iter()
            .flatten()
            .collect()
    }

    /// As Redis answers to [`Common::names`].
    fn heard(&self, facts: Vec<Fact>) -> Facts {
        let mut facts = facts.into_iter();
        let mut next = |is_asked: bool| {
            let fact = if is_asked { facts.next() } else { None };
            fact.unwrap_or_default()
        };
        Facts {
            policy: next(true),
            key: next(self.key.is_some()),
            nonces: next(self.has_nonces),
        }
    }

    /// Whether nobody has said yet what nonces are made with.
    fn lacks_nonces(&self, heard: &Facts) -> bool {
        self.has_nonces && heard.nonces.version == 0 && self.lock().nonces.version == 0
    }

    pub(super) fn taken(&self) -> Facts {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Facts> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// Takes what was heard, where it is later than what this server has, and says again what Redis has lost. Only one server
    /// has to: whether it can makes no difference here.
    ///
    /// # Errors
    /// [`Denied::Unavailable`] when this server's key has ended, and it has no other.
    pub(super) async fn take_common(
        self: &Arc<Self>,
        redis: &RedisSessions,
        heard: Vec<Fact>,
    ) -> Result<(), Denied> {
        let heard = self.common.heard(heard);
        if heard == self.common.taken() && !self.common.lacks_nonces(&heard) {
            return Ok(());
        }
        let _changing = self.common.changing.lock().await;
        self.take_nonces(redis, &heard).await?;
        let taken = self.common.taken();
        if is_later(&heard.policy, &taken.policy) {
            self.policy.replace_by(&heard.policy.says).map_err(|_| {
                cause::unavailable(
                    Source::Sessions,
                    &"the policy in Redis is not this server's",
                )
            })?;
            self.common.lock().policy = heard.policy;
        } else if heard.policy.version < taken.policy.version {
            let _ = redis.restore(POLICY, &taken.policy).await;
        }
        let Some(name) = self.common.key.as_deref() else {
            return Ok(());
        };
        if is_later(&heard.key, &taken.key) {
            self.leave_ended_key(&heard.key.says).await?;
            self.common.lock().key = heard.key;
        } else if heard.key.version < taken.key.version {
            let _ = redis.restore(name, &taken.key).await;
        }
        Ok(())
    }

    /// Takes what all make nonces with; the first server says it.
    async fn take_nonces(&self, redis: &RedisSessions, heard: &Facts) -> Result<(), Denied> {
        let Some(nonces) = self.binding.nonces() else {
            return Ok(());
        };
        let taken = self.common.taken().nonces;
        let said = if self.common.lacks_nonces(heard) {
            redis.share(NONCES, &taken, &nonces.key_text()).await?
        } else if is_later(&heard.nonces, &taken) {
            heard.nonces.clone()
        } else {
            if heard.nonces.version < taken.version {
                let _ = redis.restore(NONCES, &taken).await;
            }
            return Ok(());
        };
        if !nonces.take_key(&said.says) {
            return Err(cause::unavailable(
                Source::Sessions,
                &"what Redis has for nonces is none of this server's",
            ));
        }
        self.common.lock().nonces = said;
        Ok(())
    }

    /// Takes another key where this server's has ended: the one that its file has by now, or one that is drawn.
    async fn leave_ended_key(self: &Arc<Self>, ended: &str) -> Result<(), Denied> {
        let is_good = |fingerprint: &str| ended.split(' ').all(|ended| ended != fingerprint);
        if !self.credential.draws_key() && is_good(&self.credential.fingerprint()?) {
            return Ok(());
        }
        // A pair is drawn for as long as a password is hashed, and a file is read.
        let world = Arc::clone(self);
        let next = tokio::task::spawn_blocking(move || world.credential.next_key()).await;
        match next.unwrap_or_else(|_| Err(cause::unanswered("a change of keys"))) {
            Ok(next) if is_good(&next.fingerprint) => {
                self.credential.take_key(next);
                Ok(())
            }
            Ok(_) | Err(Denied::SameKey) => Err(cause::unavailable(
                Source::Key,
                &"another server took another key and ended this one: its file here still has it; write the new one there",
            )),
            Err(denied) => Err(denied),
        }
    }

    /// Takes another policy, once all servers will.
    pub(super) async fn change_policy(&self, carried: &Carried) -> Result<(), Denied> {
        let _changing = self.common.changing.lock().await;
        if let Some(redis) = self.sessions.in_redis() {
            let says =
                serde_json::to_string(carried).map_err(|_| cause::unanswered("a policy's text"))?;
            let known = self.common.taken().policy;
            let said = redis.share(POLICY, &known, &says).await?;
            self.policy.replace(carried);
            self.common.lock().policy = said;
        } else {
            self.policy.replace(carried);
        }
        Ok(())
    }

    /// Takes another key, once all servers will leave the one of before.
    pub(super) async fn change_key(
        &self,
        next: impl Future<Output = Result<NextKey, Denied>>,
    ) -> Result<(), Denied> {
        let _changing = self.common.changing.lock().await;
        let next = next.await?;
        if let (Some(redis), Some(name)) = (self.sessions.in_redis(), &self.common.key) {
            let (known, ended) = (self.common.taken().key, self.credential.fingerprint()?);
            let end = redis.end_key(name, &known, &ended, &next.fingerprint);
            let said = end.await?;
            self.credential.take_key(next);
            self.common.lock().key = said;
        } else {
            self.credential.take_key(next);
        }
        Ok(())
    }
}

/// Whether what was heard is to be taken: of two that were said at once, Redis keeps the one that counts.
fn is_later(heard: &Fact, taken: &Fact) -> bool {
    heard.version > taken.version || heard.version == taken.version && heard.says != taken.says
}
