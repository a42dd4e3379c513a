//! Changes to what decisions are made of: accounts, their roles and passwords, keys, the policy. Each is committed first, then
//! ends what was made of it, then is answered.

use super::{Lab, World};
use crate::cause;
use crate::denied::Denied;
use crate::freshness::Revoked;
use crate::grant::TokenId;
use crate::hashing::not_hashed;
use crate::policy::{Carried, Roles};
use crate::request::Request;
use crate::shares::Origin;
use crate::users::{Patience, called, check_password};

impl Lab {
    /// Gives an account other roles, and ends its tokens. Which account is meant is decided as in [`Lab::remove_account`].
    ///
    /// # Errors
    /// [`Denied::NoAccount`], [`Denied::ReadOnly`], or [`Denied::Unavailable`] when a store fails: then do it again.
    pub async fn set_roles(&self, name: &str, roles: Roles) -> Result<(), Denied> {
        let normal = called(name);
        match self.set_roles_of(name, roles).await {
            Err(Denied::NoAccount) if *normal != *name => self.set_roles_of(&normal, roles).await,
            set => set,
        }
    }

    async fn set_roles_of(&self, name: &str, roles: Roles) -> Result<(), Denied> {
        self.world.users.set_roles(name, roles).await?;
        self.end_all_of(name).await
    }

    /// Removes an account, and ends its tokens. The account of exactly this name comes first: a database may hold names
    /// that are in no normal form, next to an account whose name has that form. Only where there is none, the name in its
    /// normal form is looked for.
    ///
    /// # Errors
    /// As [`Lab::set_roles`].
    pub async fn remove_account(&self, name: &str) -> Result<(), Denied> {
        let normal = called(name);
        match self.remove_called(name).await {
            Err(Denied::NoAccount) if *normal != *name => self.remove_called(&normal).await,
            removed => removed,
        }
    }

    async fn remove_called(&self, name: &str) -> Result<(), Denied> {
        let removed = self.world.users.remove(name).await;
        let is_left = match removed {
            // Whoever signed in need not have been numbered: a device's session is once it is used.
            Ok(()) => true,
            // Of one that is gone already, what is left of it may not be; another server may have numbered it.
            Err(Denied::NoAccount) => {
                self.world.sessions.in_redis().is_some()
                    || self.world.subjects.known(name).is_some()
            }
            Err(_) => false,
        };
        if is_left {
            self.end_all_of(name).await?;
        }
        removed
    }

    /// Changes an account's password, which is shown once more, and ends its tokens.
    ///
    /// # Errors
    /// [`Denied::BadLogin`], [`Denied::UnfitPassword`], or as [`Lab::login`] and [`Lab::set_roles`].
    pub async fn change_password(
        &self,
        name: &str,
        password: &str,
        next: &str,
    ) -> Result<(), Denied> {
        self.change_password_by(name, password, next, Origin::UNKNOWN)
            .await
    }

    async fn change_password_by(
        &self,
        name: &str,
        password: &str,
        next: &str,
        by: Origin,
    ) -> Result<(), Denied> {
        check_password(next, self.design.min_password_bytes)?;
        let name = &*called(name);
        let World {
            users,
            hashing,
            password: way,
            ..
        } = &*self.world;
        let account = self.world.account_of(name, password, by).await?;
        let hashed = hashing.by(by).hash(*way, next.into()).await?;
        let stored = hashed.map_err(not_hashed)?;
        // Before and after: who is cut short between cannot show the old password a second time.
        self.end_all_of(name).await?;
        let (before, patience) = (&account.stored, Patience::Waits);
        if !users.store_anew(name, before, &stored, patience).await? {
            // Somebody else changed it meanwhile.
            return Err(Denied::BadLogin);
        }
        self.end_all_of(name).await
    }

    /// Takes another policy: what each role carries, for what was issued before as well.
    ///
    /// # Errors
    /// [`Denied::Unavailable`] when a store fails: then do it again.
    pub async fn replace_policy(&self, carried: &Carried) -> Result<(), Denied> {
        self.share_with_nobody()?;
        let changed = self.world.change_policy(carried).await;
        self.end_everything();
        changed
    }

    /// Takes another signing key, drawn or read from its file anew: every token that was signed so far ends, on every server
    /// that shares its sessions in Redis.
    ///
    /// # Errors
    /// [`Denied::ReadOnly`] where nothing is signed; [`Denied::SameKey`] when the key's file holds the key that is in use,
    /// [`Denied::Unavailable`] when it cannot be used, or a store fails: then do it again.
    pub async fn rotate_keys(&self) -> Result<(), Denied> {
        let lab = self
            .me
            .upgrade()
            .ok_or_else(|| cause::unanswered("a lab"))?;
        self.share_with_nobody()?;
        // A pair is drawn for as long as a password is hashed, and a file is read.
        let next = async move {
            let next = tokio::task::spawn_blocking(move || lab.world.credential.next_key()).await;
            next.unwrap_or_else(|_| Err(cause::unanswered("a rotation of keys")))
        };
        let changed = self.world.change_key(next).await;
        self.end_everything();
        changed
    }

    /// Whoever asks, once the request is granted: its name and the password that it shows once more.
    ///
    /// # Errors
    /// As [`Lab::authorize`] and [`Lab::change_password`].
    pub async fn change_own_password(
        &self,
        request: &Request<'_>,
        password: &str,
        next: &str,
    ) -> Result<(), Denied> {
        let grant = self.authorize(request).await?;
        let name = self.name(&grant);
        let by = Origin::of(request.sender.ip);
        self.change_password_by(&name, password, next, by).await
    }

    async fn end_all_of(&self, name: &str) -> Result<(), Denied> {
        let World {
            sessions, subjects, ..
        } = &*self.world;
        let subject = subjects.intern(name);
        let ended = sessions.end_all_of(name, subject).await;
        // Whatever became of it there: here it is never wrong to look again.
        self.freshness.revoked(Revoked::Subject(subject));
        ended
    }

    /// What was decided by the keys and the policy of before ends here.
    pub(super) fn end_everything(&self) {
        self.rename_shared();
        if let Some(negative) = &self.negative {
            negative.forget();
        }
        self.freshness.revoked(Revoked::Everyone);
    }

    /// While keys or policy are changed, decisions are kept under a name of nobody's: which of them one was made by is not
    /// known.
    fn share_with_nobody(&self) -> Result<(), Denied> {
        let nobody = format!("{:032x}", TokenId::draw()?.number());
        self.cache.rename(&nobody, self.world.policy_fingerprint());
        Ok(())
    }

    /// What is shared with other servers is shared under these keys and this policy.
    pub(super) fn rename_shared(&self) {
        if let Ok(key) = self.world.credential.fingerprint() {
            self.cache.rename(&key, self.world.policy_fingerprint());
        }
    }
}
