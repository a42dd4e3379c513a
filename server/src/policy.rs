//! Who may do what: roles carry scopes, an action asks for a scope.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::axis::axis;
use crate::members::text;

axis! {
    /// Whether requests are authorized at all.
    pub enum PolicyKind: "policy" {
        /// every request is authorized, by roles and scopes
        Enforce = "enforce",
        /// every request is authorized, by the Cedar policies of --cedar-policies
        Cedar = "cedar",
        /// the control: credentials are extracted, authorization is skipped, everything is allowed. UNSAFE
        AllowAll = "allow-all",
    }
}

axis! {
    /// What an account is.
    pub enum Role: "role" {
        /// may read and write items
        Admin = "admin",
        /// may read items
        User = "user",
    }
}

axis! {
    /// What a grant may be used for.
    pub enum Scope: "scope" {
        /// read the items
        ItemsRead = "items:read",
        /// add items
        ItemsWrite = "items:write",
    }
}

axis! {
    /// What a request asks to do.
    pub enum Action: "action" {
        /// read the items
        ItemsRead = "items-read",
        /// add an item
        ItemsWrite = "items-write",
        /// read one's own account
        OwnAccount = "own-account",
        /// read what one's role has to do
        TodosRead = "todos-read",
        /// read what every account may
        SecureData = "secure-data",
        /// change accounts, keys and the policy
        Administer = "administer",
    }
}

impl Action {
    /// Whether who has these roles and scopes may do it.
    #[inline]
    #[must_use]
    pub fn is_allowed(self, roles: Roles, scopes: Scopes) -> bool {
        self.scope().is_none_or(|scope| scopes.contains(scope))
            && self.role().is_none_or(|role| roles.contains(role))
    }

    /// What asks for this scope, or for being signed in alone.
    #[must_use]
    pub const fn needing(scope: Option<Scope>) -> Self {
        match scope {
            Some(Scope::ItemsRead) => Self::ItemsRead,
            Some(Scope::ItemsWrite) => Self::ItemsWrite,
            None => Self::OwnAccount,
        }
    }

    /// The scope that allows this action; `None` where being signed in is enough.
    #[must_use]
    pub const fn scope(self) -> Option<Scope> {
        match self {
            Self::ItemsRead => Some(Scope::ItemsRead),
            Self::ItemsWrite => Some(Scope::ItemsWrite),
            Self::OwnAccount | Self::TodosRead | Self::SecureData | Self::Administer => None,
        }
    }

    /// The role that this action is for.
    #[must_use]
    pub const fn role(self) -> Option<Role> {
        match self {
            Self::Administer => Some(Role::Admin),
            Self::ItemsRead
            | Self::ItemsWrite
            | Self::OwnAccount
            | Self::TodosRead
            | Self::SecureData => None,
        }
    }
}

/// What each role carries, as it is now. A change takes effect on what was issued before as well: a token's scopes are
/// those that it was issued with, as far as its roles still carry them.
#[derive(Debug)]
pub(crate) struct Policy {
    /// A byte of scopes for each role.
    carried: AtomicU64,
}

/// A policy as it is sent: the scopes of each role; a role that is not named carries none.
pub(crate) type Carried = BTreeMap<Role, Vec<Scope>>;

const _: () = assert!(Role::ALL.len() <= 8, "a byte for each role");

impl Default for Policy {
    fn default() -> Self {
        let every = Role::ALL.iter().copied();
        let carried = every.map(|role| {
            let alone: Roles = [role].into_iter().collect();
            (role, alone.scopes())
        });
        Self {
            carried: AtomicU64::new(packed(carried)),
        }
    }
}

impl Policy {
    /// The scopes that these roles carry now.
    pub(crate) fn carried(&self, roles: Roles) -> Scopes {
        let carried = self.carried.load(Ordering::Acquire).to_le_bytes();
        let scopes = roles.iter().map(|role| carried[role as usize]);
        Scopes(scopes.fold(0, |all, scopes| all | scopes))
    }

    /// Of the scopes that a token was issued with, those that it has now. A client has scopes of its own, and no roles.
    pub(crate) fn left(&self, roles: Roles, scopes: Scopes) -> Scopes {
        if roles == Roles::default() {
            return scopes;
        }
        Scopes(scopes.0 & self.carried(roles).0)
    }

    /// Takes another.
    pub(crate) fn replace(&self, carried: &Carried) {
        let carried = carried
            .iter()
            .map(|(role, scopes)| (*role, scopes.iter().copied().collect()));
        self.carried.store(packed(carried), Ordering::Release);
    }

    /// Takes another that a server sent as text.
    pub(crate) fn replace_by(&self, text: &str) -> Result<(), serde_json::Error> {
        serde_json::from_str(text).map(|carried| self.replace(&carried))
    }

    /// What only servers of the same policy have.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.carried.load(Ordering::Acquire)
    }
}

fn packed(carried: impl Iterator<Item = (Role, Scopes)>) -> u64 {
    let mut bytes = [0; 8];
    for (role, scopes) in carried {
        bytes[role as usize] = scopes.0;
    }
    u64::from_le_bytes(bytes)
}

/// A set of roles, in a byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles(u8);

/// A set of scopes, in a byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Roles {
    /// Every role: what the control grants.
    #[must_use]
    pub fn all() -> Self {
        Role::ALL.iter().copied().collect()
    }

    /// Whether the role is among them.
    #[must_use]
    pub const fn contains(self, role: Role) -> bool {
        self.0 & (1 << role as u8) != 0
    }

    /// These and another one.
    pub(crate) const fn with(self, role: Role) -> Self {
        Self(self.0 | 1 << role as u8)
    }

    /// The roles, one by one.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL
            .iter()
            .copied()
            .filter(move |role| self.contains(*role))
    }

    /// The scopes that these roles carry.
    #[must_use]
    pub fn scopes(self) -> Scopes {
        self.iter()
            .flat_map(|role| match role {
                Role::Admin => [Scope::ItemsRead, Scope::ItemsWrite].as_slice(),
                Role::User => &[Scope::ItemsRead],
            })
            .copied()
            .collect()
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |set, role| set | 1 << role as u8))
    }
}

impl Scopes {
    /// Whether the scope is among them.
    #[inline]
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// Those that a client asks for, separated by spaces (RFC 6749 §3.3); `None` where one does not exist, or none is
    /// asked for.
    #[must_use]
    pub fn requested(text: &str) -> Option<Self> {
        let scopes: Option<Self> = text.split(' ').map(Scope::named).collect();
        scopes.filter(|scopes| scopes.0 != 0)
    }

    /// Those of a list, separated by spaces, that exist here.
    pub(crate) fn known(text: &str) -> Self {
        text.split(' ').filter_map(Scope::named).collect()
    }

    /// Whether all of those are among these.
    #[must_use]
    pub const fn include(self, those: Self) -> bool {
        those.0 & !self.0 == 0
    }

    /// The scopes, one by one.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .iter()
            .copied()
            .filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(
            scopes
                .into_iter()
                .fold(0, |set, scope| set | 1 << scope as u8),
        )
    }
}

impl Serialize for Roles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Roles {
    /// Roles that this server does not know grant nothing here, so they are passed over (RFC 9068 §2.2.3.1).
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Named(Option<Role>);
        impl<'de> Deserialize<'de> for Named {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                text(deserializer, "a role", |name| Some(Self(Role::named(name))))
            }
        }
        struct Known;
        impl<'de> Visitor<'de> for Known {
            type Value = Roles;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of roles")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Roles, A::Error> {
                let mut roles = Roles::default();
                while let Some(Named(role)) = names.next_element()? {
                    roles = role.map_or(roles, |role| roles.with(role));
                }
                Ok(roles)
            }
        }
        deserializer.deserialize_seq(Known)
    }
}

impl fmt::Display for Scopes {
    /// Space-separated, as OAuth writes them (RFC 6749 §3.3).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, scope) in self.iter().enumerate() {
            write!(f, "{}{scope}", if i > 0 { " " } else { "" })?;
        }
        Ok(())
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "a list of scopes", |names| {
            Some(Self::known(names))
        })
    }
}
