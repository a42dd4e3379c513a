//! Accounts in memory: the demo accounts, and whoever signs up.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Candidate, DEMO, Profile, UsersError, decoy, hash_all};
use crate::denied::Denied;
use crate::hashing::Hashing;
use crate::password::Password;
use crate::policy::Roles;

/// The most accounts that are held; whoever signs up beyond is told to come back (503).
const MOST_ACCOUNTS: usize = 1_000_000;

pub(crate) struct MemoryUsers {
    accounts: RwLock<HashMap<Box<str>, Candidate>>,
    password: Password,
    decoy: Arc<str>,
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
        })
    }

    pub(super) fn nobody(password: Password) -> Self {
        Self {
            accounts: RwLock::default(),
            password,
            decoy: "".into(),
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
        hashing: &Hashing,
    ) -> Result<(), Denied> {
        self.is_free(name)?;
        let hashed = hashing.hash(self.password, password.into()).await?;
        let stored = hashed.map_err(|_| Denied::Unfit)?.into();
        let mut accounts = self
            .accounts
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have come first while this one was hashed.
        if accounts.contains_key(name) {
            return Err(Denied::Taken);
        }
        if accounts.len() >= MOST_ACCOUNTS {
            return Err(Denied::Unavailable);
        }
        let candidate = Candidate {
            stored,
            roles: Some(roles),
            profile: Profile::default(),
        };
        accounts.insert(name.into(), candidate);
        Ok(())
    }

    fn is_free(&self, name: &str) -> Result<(), Denied> {
        let accounts = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        if accounts.contains_key(name) {
            Err(Denied::Taken)
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
