//! Accounts in memory: the demo accounts, and whoever signs up.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Candidate, DEMO, Profile, UsersError, decoy, hash_all};
use crate::cause::{self, Source};
use crate::denied::Denied;
use crate::hashing::{Hasher, not_hashed};
use crate::password::Password;
use crate::policy::Roles;

/// The most accounts that are held. A sign-up beyond is refused at once (503), before its password is hashed. Accounts do not
/// end, so none can make room: what keeps strangers from filling them is the cost of a hash for each, `--hash-queue`, and a
/// limit of sign-ups at a proxy.
const MOST_ACCOUNTS: usize = 1_000_000;

pub(crate) struct MemoryUsers {
    accounts: RwLock<HashMap<Box<str>, Candidate>>,
    password: Password,
    decoy: Arc<str>,
    most: usize,
}

impl MemoryUsers {
    pub(super) fn open(password: Password) -> Result<Self, UsersError> {
        let passwords = DEMO.map(|(name, password, ..)| (name, password));
        let accounts = hash_all(&passwords, password)?.into_iter().zip(DEMO);
        let accounts = accounts.map(|(stored, (name, _, role, email, bio))| {
            let candidate = Candidate {
                stored,
                roles: Some([role].into_iter().collect()),
                profile: Profile {
                    email: email.into(),
                    bio: bio.into(),
                },
            };
            (name.into(), candidate)
        });
        Ok(Self {
            accounts: RwLock::new(accounts.collect()),
            password,
            decoy: decoy(password)?,
            most: MOST_ACCOUNTS,
        })
    }

    pub(super) fn nobody(password: Password) -> Self {
        Self {
            accounts: RwLock::default(),
            password,
            decoy: "".into(),
            most: MOST_ACCOUNTS,
        }
    }

    pub(super) fn store_anew(&self, name: &str, before: &str, stored: &str) -> bool {
        self.change(name, |account| {
            let same = &*account.stored == before;
            if same {
                account.stored = stored.into();
            }
            same
        })
    }

    pub(super) fn set_roles(&self, name: &str, roles: Roles) -> bool {
        self.change(name, |account| {
            account.roles = Some(roles);
            true
        })
    }

    pub(super) fn remove(&self, name: &str) -> bool {
        let accounts = self.accounts.write();
        let mut accounts = accounts.unwrap_or_else(PoisonError::into_inner);
        accounts.remove(name).is_some()
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Candidate) -> bool) -> bool {
        let accounts = self.accounts.write();
        let mut accounts = accounts.unwrap_or_else(PoisonError::into_inner);
        accounts.get_mut(name).is_some_and(change)
    }

    pub(super) fn find(&self, name: &str) -> Candidate {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        let account = accounts.get(name).cloned();
        account.unwrap_or_else(|| Candidate {
            stored: Arc::clone(&self.decoy),
            roles: None,
            profile: Profile::default(),
        })
    }

    pub(super) async fn add(
        &self,
        name: &str,
        password: &str,
        roles: Roles,
        hashing: &Hasher<'_>,
    ) -> Result<(), Denied> {
        self.has_room_for(name)?;
        let hashed = hashing.hash(self.password, password.into()).await?;
        let stored = hashed.map_err(not_hashed)?.into();
        let mut accounts = self
            .accounts
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // Another sign-up may have come first while this one was hashed.
        self.judge(&accounts, name)?;
        let candidate = Candidate {
            stored,
            roles: Some(roles),
            profile: Profile::default(),
        };
        accounts.insert(name.into(), candidate);
        Ok(())
    }

    fn has_room_for(&self, name: &str) -> Result<(), Denied> {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        self.judge(&accounts, name)
    }

    fn judge(&self, accounts: &HashMap<Box<str>, Candidate>, name: &str) -> Result<(), Denied> {
        if accounts.contains_key(name) {
            Err(Denied::Taken)
        } else if accounts.len() >= self.most {
            let problem = format!("there are {} accounts in memory, the most", self.most);
            Err(cause::unavailable(Source::Users, &problem))
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for MemoryUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("MemoryUsers")
            .field("accounts", &accounts.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hashing::{HashOn, Hashing};
    use crate::policy::Role;

    /// Sign-ups that fill the accounts are refused before anything is hashed, and those that are there still sign in.
    #[tokio::test]
    async fn a_sign_up_beyond_the_most_accounts_is_refused_at_once() {
        let mut users = MemoryUsers::open(Password::Sha256).unwrap();
        users.most = DEMO.len() + 2;
        let hashing = Hashing::open(HashOn::Pool, 1, 64).unwrap();
        let by_all = hashing.by(crate::shares::Origin::UNKNOWN);
        let roles = || [Role::User].into_iter().collect();
        for name in ["one", "two"] {
            let added = users.add(name, "a password", roles(), &by_all).await;
            assert_eq!(added, Ok(()));
        }
        let hashed = hashing.computed();
        let refused = users.add("three", "a password", roles(), &by_all).await;
        assert_eq!(refused, Err(Denied::Unavailable));
        let taken = users.add("two", "a password", roles(), &by_all).await;
        assert_eq!(taken, Err(Denied::Taken));
        assert_eq!(hashing.computed(), hashed);
        for name in ["one", "two", "john"] {
            assert!(users.find(name).roles.is_some(), "{name}");
        }
        // An account that is removed makes room.
        assert!(users.remove("one"));
        let added = users.add("three", "a password", roles(), &by_all).await;
        assert_eq!(added, Ok(()));
    }
}
