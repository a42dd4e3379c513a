//! The demo accounts.

use super::{Account, UsersError, hash_all};
use crate::password::Password;
use crate::policy::Role;

const DEMO: [(&str, &str, Role); 3] = [
    ("john", "password123", Role::Admin),
    ("jane", "password456", Role::User),
    ("alice", "securePass", Role::User),
];

#[derive(Debug)]
pub(crate) struct MemoryUsers(Vec<(&'static str, Account)>);

impl MemoryUsers {
    pub(super) fn open(password: Password) -> Result<Self, UsersError> {
        let passwords = DEMO.map(|(name, password, _)| (name, password));
        let accounts = hash_all(&passwords, password)?.into_iter().zip(DEMO).map(
            |(stored, (name, _, role))| {
                (
                    name,
                    Account {
                        stored,
                        roles: [role].into_iter().collect(),
                    },
                )
            },
        );
        Ok(Self(accounts.collect()))
    }

    pub(super) fn find(&self, name: &str) -> Option<Account> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, account)| account.clone())
    }
}
