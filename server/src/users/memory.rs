//! The demo accounts.

use std::fmt;
use std::sync::Arc;

use super::{Candidate, UsersError, decoy, hash_all};
use crate::password::Password;
use crate::policy::Role;

const DEMO: [(&str, &str, Role); 4] = [
    ("john", "password123", Role::Admin),
    ("jane", "password456", Role::User),
    ("alice", "securePass", Role::User),
    ("testuser", "testpassword", Role::User),
];

pub(crate) struct MemoryUsers {
    accounts: Vec<(&'static str, Candidate)>,
    decoy: Arc<str>,
}

impl MemoryUsers {
    pub(super) fn open(password: Password) -> Result<Self, UsersError> {
        let passwords = DEMO.map(|(name, password, _)| (name, password));
        let accounts = hash_all(&passwords, password)?.into_iter().zip(DEMO).map(
            |(stored, (name, _, role))| {
                (
                    name,
                    Candidate {
                        stored,
                        roles: Some([role].into_iter().collect()),
                    },
                )
            },
        );
        Ok(Self {
            accounts: accounts.collect(),
            decoy: decoy(password)?,
        })
    }

    pub(super) fn find(&self, name: &str) -> Candidate {
        let account = self.accounts.iter().find(|(known, _)| *known == name);
        account.map_or_else(
            || Candidate {
                stored: Arc::clone(&self.decoy),
                roles: None,
            },
            |(_, account)| account.clone(),
        )
    }
}

impl fmt::Debug for MemoryUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.accounts.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}
