//! Accounts: who may sign in, and as what.

mod database;
mod file;
mod memory;
mod name;
mod postgres;
mod sqlite;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use crate::axis::axis;
use crate::denied::Denied;
use crate::hashing::Hasher;
use crate::password::{HashError, MOST_PASSWORD_BYTES, Password};
use crate::policy::{Role, Roles};
pub use database::UsersDatabaseError;
pub use file::{AccountProblem, UsersFileError};
pub(crate) use name::{called, escaped, normal};
pub use postgres::PostgresUrl;

axis! {
    /// Where accounts are kept.
    pub enum UsersKind opens Users: "users" {
        /// the demo accounts, in memory
        Memory(memory::MemoryUsers) = "memory",
        /// a JSON file (`file:PATH`), read again at each sign-in, as naive code does
        File(file::FileUsers) = "file",
        /// an SQLite database (`sqlite:PATH`), made with the demo accounts where there is none
        Sqlite(sqlite::SqliteUsers) = "sqlite",
        /// a PostgreSQL database (`postgres://…`), whose tables are made with the demo accounts where there are none
        Postgres(Box<postgres::PostgresUsers>) = "postgres",
    }
}

/// Where accounts are kept, and what that needs: `memory`, `file:PATH`, `sqlite:PATH` or `postgres://…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsersFrom {
    /// The demo accounts.
    Memory,
    /// A JSON file.
    File(PathBuf),
    /// An `SQLite` database.
    Sqlite(PathBuf),
    /// A `PostgreSQL` database, by an address that may hold a password.
    Postgres(PostgresUrl),
}

/// What an account says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Profile {
    pub(crate) email: Box<str>,
    pub(crate) bio: Box<str>,
}

/// An account that comes with the server: name, password, role, email, bio.
type Demo = (&'static str, &'static str, Role, &'static str, &'static str);

const DEMO: [Demo; 6] = [
    ("john", "password123", Role::Admin, "john@example.com", ""),
    ("jane", "password456", Role::User, "jane@example.com", ""),
    ("alice", "securePass", Role::User, "alice@example.com", ""),
    (
        "testuser",
        "testpassword",
        Role::User,
        "testuser@example.com",
        "",
    ),
    (
        "user123",
        "password123",
        Role::User,
        "user123@example.com",
        "Signs in from many devices",
    ),
    (
        "user124",
        "password124",
        Role::User,
        "user124@example.com",
        "Signs in from one",
    ),
];

/// What a sign-in is compared with: an account's stored password, or for an unknown name a decoy that costs as much,
/// so that neither time nor a full queue tells who has an account.
///
/// It has no `Debug`: a stored password is for guessing at, and an unsafe one is guessed.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub(crate) stored: Arc<str>,
    /// The account's; `None` where there is no account, and then whatever matches is refused.
    pub(crate) roles: Option<Roles>,
    pub(crate) profile: Profile,
}

/// Why there are no accounts.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// An account's password could not be hashed.
    #[error("the password of `{name}` cannot be stored: {error}")]
    Hash {
        /// Whose.
        name: String,
        /// Why.
        error: HashError,
    },
    /// No decoy could be hashed.
    #[error("passwords cannot be hashed: {0}")]
    Decoy(#[from] HashError),
    /// The file is not one of accounts.
    #[error(transparent)]
    File(#[from] UsersFileError),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] UsersDatabaseError),
}

impl Users {
    /// None: another server has them.
    pub(crate) fn elsewhere(password: Password) -> Self {
        Self::Memory(memory::MemoryUsers::nobody(password))
    }

    /// A database of a server has at most so many connections.
    pub(crate) fn open(
        from: &UsersFrom,
        connections: usize,
        password: Password,
    ) -> Result<Self, UsersError> {
        match from {
            UsersFrom::Memory => Ok(Self::Memory(memory::MemoryUsers::open(password)?)),
            UsersFrom::File(path) => Ok(Self::File(file::FileUsers::open(path, password)?)),
            UsersFrom::Sqlite(path) => Ok(Self::Sqlite(sqlite::SqliteUsers::open(path, password)?)),
            UsersFrom::Postgres(url) => {
                let postgres = postgres::PostgresUsers::open(url, connections, password)?;
                Ok(Self::Postgres(Box::new(postgres)))
            }
        }
    }

    /// What is worth a warning about the accounts that were found at start.
    pub(crate) fn notes(&self) -> Vec<String> {
        match self {
            Self::Memory(_) => Vec::new(),
            Self::File(file) => file.note().into_iter().collect(),
            Self::Sqlite(sqlite) => sqlite.note().into_iter().collect(),
            Self::Postgres(postgres) => postgres.note().into_iter().collect(),
        }
    }

    /// Makes an account of a name in its normal form.
    pub(crate) async fn add(
        &self,
        name: &str,
        password: &str,
        roles: Roles,
        hashing: &Hasher<'_>,
    ) -> Result<(), Denied> {
        match self {
            Self::Memory(memory) => memory.add(name, password, roles, hashing).await,
            // Whoever runs the server writes its file.
            Self::File(_) => Err(Denied::ReadOnly),
            Self::Sqlite(sqlite) => sqlite.add(name, password, roles, hashing).await,
            Self::Postgres(postgres) => {
                Box::pin(postgres.add(name, password, roles, hashing)).await
            }
        }
    }

    /// Whether passwords may be stored in another way than they were: what outlives the server may be older than its
    /// settings.
    pub(crate) fn may_store_anew(&self) -> bool {
        match self {
            Self::Memory(_) | Self::File(_) => false,
            Self::Sqlite(_) | Self::Postgres(_) => true,
        }
    }

    /// Stores a password anew, unless it was changed meanwhile: whether it did.
    pub(crate) async fn store_anew(
        &self,
        name: &str,
        before: &str,
        stored: &str,
        patience: Patience,
    ) -> Result<bool, Denied> {
        match self {
            Self::Memory(memory) => Ok(memory.store_anew(name, before, stored)),
            Self::File(_) => Err(Denied::ReadOnly),
            Self::Sqlite(sqlite) => sqlite.store_anew(name, before, stored, patience).await,
            Self::Postgres(postgres) => {
                Box::pin(postgres.store_anew(name, before, stored, patience)).await
            }
        }
    }

    /// Gives an account other roles.
    pub(crate) async fn set_roles(&self, name: &str, roles: Roles) -> Result<(), Denied> {
        let found = match self {
            Self::Memory(memory) => memory.set_roles(name, roles),
            Self::File(_) => return Err(Denied::ReadOnly),
            Self::Sqlite(sqlite) => sqlite.set_roles(name, roles).await?,
            Self::Postgres(postgres) => Box::pin(postgres.set_roles(name, roles)).await?,
        };
        if found {
            Ok(())
        } else {
            Err(Denied::NoAccount)
        }
    }

    /// Removes an account.
    pub(crate) async fn remove(&self, name: &str) -> Result<(), Denied> {
        let found = match self {
            Self::Memory(memory) => memory.remove(name),
            Self::File(_) => return Err(Denied::ReadOnly),
            Self::Sqlite(sqlite) => sqlite.remove(name).await?,
            Self::Postgres(postgres) => Box::pin(postgres.remove(name)).await?,
        };
        if found {
            Ok(())
        } else {
            Err(Denied::NoAccount)
        }
    }

    /// The account of that name, or what stands in for one.
    pub(crate) async fn find(&self, name: &str, hashing: &Hasher<'_>) -> Result<Candidate, Denied> {
        match self {
            Self::Memory(memory) => Ok(memory.find(name)),
            Self::File(file) => file.find(name, hashing).await,
            Self::Sqlite(sqlite) => sqlite.find(name).await,
            Self::Postgres(postgres) => Box::pin(postgres.find(name)).await,
        }
    }
}

/// Whether a change waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Somebody waits for it.
    Waits,
    /// It can be made another time: it must not make a sign-in wait.
    AtOnceOrNot,
}

/// Whether a text can be a segment of a path, encoded where need be: what [`crate::path`] refuses could be named nowhere.
pub(crate) fn fits_into_a_path(text: &str) -> bool {
    !matches!(text, "." | "..") && !text.contains(['/', '\\', ';', '%', '?', '#'])
}

/// Whether a password may be an account's: bcrypt reads 72 bytes up to a NUL, and every `--password` has that limit, so
/// that it may change.
///
/// # Errors
/// [`Denied::UnfitPassword`]
pub(crate) fn check_password(password: &str, least_bytes: usize) -> Result<(), Denied> {
    let is_long_enough = (least_bytes..=MOST_PASSWORD_BYTES).contains(&password.len());
    if is_long_enough && !password.contains('\0') {
        Ok(())
    } else {
        Err(Denied::UnfitPassword {
            least_bytes: u8::try_from(least_bytes).unwrap_or(u8::MAX),
        })
    }
}

impl UsersFrom {
    /// Whether accounts may change without this server's doing.
    pub(crate) const fn is_written_elsewhere(&self) -> bool {
        match self {
            Self::Memory => false,
            Self::File(_) | Self::Sqlite(_) | Self::Postgres(_) => true,
        }
    }

    /// The axis's value, without its argument.
    #[must_use]
    pub const fn kind(&self) -> UsersKind {
        match self {
            Self::Memory => UsersKind::Memory,
            Self::File(_) => UsersKind::File,
            Self::Sqlite(_) => UsersKind::Sqlite,
            Self::Postgres(_) => UsersKind::Postgres,
        }
    }
}

/// A text that names no place for accounts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a value of users; accepted: memory, file:PATH, sqlite:PATH, postgres://…")]
pub struct NotUsers(String);

impl FromStr for UsersFrom {
    type Err = NotUsers;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        match typed.split_once(':') {
            None if typed == UsersKind::Memory.label() => Ok(Self::Memory),
            Some((kind, path)) if kind == UsersKind::File.label() && !path.is_empty() => {
                Ok(Self::File(path.into()))
            }
            Some((kind, path)) if kind == UsersKind::Sqlite.label() && !path.is_empty() => {
                Ok(Self::Sqlite(path.into()))
            }
            _ => PostgresUrl::typed(typed)
                .map(Self::Postgres)
                .ok_or_else(|| NotUsers(typed.to_owned())),
        }
    }
}

impl fmt::Display for UsersFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str(UsersKind::Memory.label()),
            Self::File(path) => write!(f, "{}:{}", UsersKind::File, path.display()),
            Self::Sqlite(path) => write!(f, "{}:{}", UsersKind::Sqlite, path.display()),
            Self::Postgres(url) => write!(f, "{url}"),
        }
    }
}

impl<'de> serde::Deserialize<'de> for UsersFrom {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let typed = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        typed.parse().map_err(serde::de::Error::custom)
    }
}

/// A stored password that nobody knows.
fn decoy(password: Password) -> Result<Arc<str>, HashError> {
    let mut unknown = [0; 16];
    getrandom::fill(&mut unknown).map_err(|_| HashError::System)?;
    // bcrypt stops at a NUL byte.
    let unknown = unknown.map(|byte| byte | 1);
    Ok(password.hash(&unknown)?.into())
}

/// Hashes several passwords, on as many threads as there are cores: at bcrypt's cost 12 a start would otherwise
/// take seconds.
fn hash_all(passwords: &[(&str, &str)], with: Password) -> Result<Vec<Arc<str>>, UsersError> {
    let hash = |(name, password): &(&str, &str)| {
        let hashed = with.hash(password.as_bytes());
        hashed.map(Arc::from).map_err(|error| UsersError::Hash {
            name: (*name).to_owned(),
            error,
        })
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = passwords.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        let hashing: Vec<_> = passwords
            .chunks(share)
            .map(|chunk| scope.spawn(move || chunk.iter().map(hash).collect::<Result<Vec<_>, _>>()))
            .collect();
        let mut stored = Vec::with_capacity(passwords.len());
        for thread in hashing {
            let failed = |_| {
                Err(UsersError::Hash {
                    name: "?".to_owned(),
                    error: HashError::System,
                })
            };
            stored.extend(thread.join().unwrap_or_else(failed)?);
        }
        Ok(stored)
    })
}
