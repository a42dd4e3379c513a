//! Secrets that are compared with a stored hash of them: a password, at sign-in or on each request, and an API key's half.

use std::pin::Pin;
use std::sync::Arc;

use super::authorize::{Begun, Lookup, Place};
use super::{Lab, SignedIn, World};
use crate::bound::Bound;
use crate::cause::{self, Source};
use crate::clock::Timestamp;
use crate::credential::{Credential, api_key, basic};
use crate::denied::Denied;
use crate::grant::{Generation, Grant, IssuedToken, Mark, TokenId, Verified};
use crate::hashing::not_hashed;
use crate::policy::{Roles, Scope, Scopes};
use crate::request::Request;
use crate::sessions::Standing;
use crate::shares::Origin;
use crate::stages::Untimed;
use crate::users::{Profile, called, normal};

/// An account whose password was shown.
pub(super) struct Account {
    pub(super) stored: Arc<str>,
    pub(super) roles: Roles,
    /// Read before the account was: a change that came between ends what is made of this.
    pub(super) generation: Generation,
    pub(super) profile: Profile,
}

impl World {
    /// The account of this name in its normal form, once the password is its own. A name that has none is nobody's, and
    /// is refused after as long a time.
    pub(super) async fn account_of(
        &self,
        name: &str,
        password: &str,
        by: Origin,
    ) -> Result<Account, Denied> {
        // A name is numbered once it is an account's: strangers must not fill the numbers.
        let subject = self.subjects.known(name);
        let generation = self.sessions.generation(name, subject).await?;
        let hashing = self.hashing.by(by);
        let candidate = self.users.find(name, &hashing).await?;
        let stored = Arc::clone(&candidate.stored);
        let matches = hashing.verify(candidate.stored, password.into()).await?;
        let is_normal = normal(name).is_some_and(|normal| *normal == *name);
        let roles = candidate.roles.filter(|_| matches && is_normal);
        let roles = roles.ok_or(Denied::BadLogin)?;
        let Some(generation) = generation else {
            return self.first_account_of(name, stored, roles, by).await;
        };
        Ok(Account {
            stored,
            roles,
            generation,
            profile: candidate.profile,
        })
    }

    /// The same of an account without a generation: it begins one. What the account is was read before that, so it is read
    /// again. Boxed: this happens once in many sign-ins, and the future of each would hold it.
    fn first_account_of<'a>(
        &'a self,
        name: &'a str,
        stored: Arc<str>,
        roles: Roles,
        by: Origin,
    ) -> Pin<Box<dyn Future<Output = Result<Account, Denied>> + Send + 'a>> {
        Box::pin(async move {
            let subject = self.subjects.known(name);
            let generation = self.sessions.begin_generation(name, subject).await?;
            let now = self.users.find(name, &self.hashing.by(by)).await?;
            if now.roles != Some(roles) || now.stored != stored {
                return Err(changed_meanwhile());
            }
            Ok(Account {
                stored,
                roles,
                generation,
                profile: now.profile,
            })
        })
    }

    /// Who a name and a password on the request are, for this request: there is no token, and nothing that ends.
    pub(super) async fn by_password(&self, encoded: &str, by: Origin) -> Result<Verified, Denied> {
        let (name, password) = basic::read(encoded).ok_or(Denied::Malformed)?;
        let name = called(&name);
        let account = self.account_of(&name, &password, by).await?;
        Ok(Verified {
            mark: Mark {
                number: 0,
                id: TokenId::NONE,
                subject: self.subjects.intern(&name),
                generation: account.generation,
            },
            roles: account.roles,
            scopes: unlimited(account.roles),
            narrowed: false,
            not_before: 0,
            expires_at: u64::MAX,
            bound: Bound::Nobody,
        })
    }

    /// What an API key stands for.
    pub(super) async fn by_key(&self, key: &str, by: Origin) -> Result<Verified, Denied> {
        let (id, secret) = api_key::read(key)?;
        let Standing {
            verified,
            secret: kept,
        } = self.sessions.find_whole(id, &self.subjects).await?;
        let kept = kept.ok_or(Denied::Unknown)?;
        if self.hashing.by(by).verify(kept, secret.into()).await? {
            Ok(verified)
        } else {
            Err(Denied::Unknown)
        }
    }
}

/// The refusal of a sign-in whose account changes while its password is verified: it can be sent again.
fn changed_meanwhile() -> Denied {
    let cause = "an account was changed while its password was verified";
    cause::unavailable(Source::Users, &cause)
}

/// Every scope, of which the policy leaves what these roles carry at each use: there is no token that was issued under another
/// policy. It leaves those of who has no role as they are.
fn unlimited(roles: Roles) -> Scopes {
    let all = Scope::ALL.iter().copied();
    all.filter(|_| roles != Roles::default()).collect()
}

/// How often a request is decided anew because what its name stands for changed meanwhile.
const MOST_TRIES: u8 = 3;

impl Lab {
    /// Checks again whether what was verified still stands. Of a token the answer is all there is; a name and a password have no
    /// end, and where what they stand for has changed the request is decided anew. That grant is not cached: another change
    /// may be under way.
    pub(super) fn check_again<'a>(
        &'a self,
        request: &'a Request<'_>,
        mark: &'a Mark,
        place: Option<&Place>,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Grant>, Denied>> + Send + 'a>> {
        let tries = match place {
            Some(Place::Nowhere { tries }) => *tries,
            Some(Place::Here | Place::Shared(_)) | None => 0,
        };
        Box::pin(async move {
            let by_password = matches!(self.world.credential, Credential::Basic);
            match self.check(mark).await {
                Ok(()) => Ok(None),
                Err(Denied::Unavailable) => Err(Denied::Unavailable),
                Err(denied) if !by_password => Err(denied),
                Err(_) if tries == MOST_TRIES => Err(changed_meanwhile()),
                Err(_) => {
                    let look = |_: &str| Lookup::Miss(Begun::nowhere(tries + 1));
                    self.decide_from(request, look, &mut Untimed)
                        .await
                        .map(Some)
                }
            }
        })
    }

    /// An API key for who signed in.
    pub(super) async fn issue_key(
        &self,
        name: &str,
        signed_in: &SignedIn,
        now: Timestamp,
    ) -> Result<IssuedToken, Denied> {
        let world = &*self.world;
        let (key, id, secret) = api_key::draw()?;
        let hashed = {
            let hashing = world.hashing.by(signed_in.by);
            hashing.hash(world.password, secret.into()).await?
        };
        let stored: Arc<str> = hashed.map_err(not_hashed)?.into();
        let facts = self.facts(signed_in);
        let end = now.after(self.design.token_ttl.0);
        let verified = Verified {
            mark: Mark {
                number: 0,
                id,
                subject: world.subjects.intern(name),
                generation: signed_in.generation,
            },
            roles: facts.roles,
            scopes: facts.scopes,
            narrowed: facts.narrowed,
            not_before: 0,
            expires_at: end.seconds(),
            bound: facts.bound,
        };
        let session = Standing {
            verified,
            secret: Some(stored),
        };
        let evicted = world.sessions.begin(name, session, now).await?;
        self.evicted(evicted);
        Ok(IssuedToken {
            access_token: key,
            token_type: "ApiKey",
            expires_in: facts.lifetime_seconds,
            scopes: facts.scopes,
            refresh_token: None,
        })
    }

    /// What a client shows on each request that signs in on each.
    pub(super) fn shown_anew(
        &self,
        name: &str,
        password: &str,
        signed_in: &SignedIn,
    ) -> IssuedToken {
        self.world.subjects.intern(name);
        IssuedToken {
            access_token: basic::text(name, password),
            token_type: "Basic",
            expires_in: self.design.token_ttl.0.as_secs(),
            scopes: self.facts(signed_in).scopes,
            refresh_token: None,
        }
    }
}
