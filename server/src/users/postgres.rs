//! Accounts in a `PostgreSQL` database, which several servers share and which outlives them. Every change is one statement,
//! and each may run twice: one whose connection was lost is sent again.

mod address;
mod failure;
mod pool;
mod schema;
mod tls;

use std::fmt;
use std::sync::Arc;

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::database::{Survey, Unreachable, UsersDatabaseError, of_text, text};
use super::{Candidate, Patience, Profile, UsersError};
use crate::cause::{self, Source};
use crate::denied::Denied;
use crate::hashing::{Hasher, not_hashed};
use crate::password::{self, HashError, Password};
use crate::policy::Roles;
use address::Address;
use pool::{Answer, Pool};
use tls::Tls;

const FIND: &str = "SELECT stored, roles, email, bio FROM authlab_accounts WHERE name = $1";

const IS_TAKEN: &str = "SELECT 1 FROM authlab_accounts WHERE name = $1";

/// Answers a row if the account is there with this password, whether it was made now or by the first of two calls: no other
/// has the same salt.
const ADD: &str = "
WITH made AS (
    INSERT INTO authlab_accounts (name, stored, roles) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING RETURNING 1
)
SELECT 1 FROM made
UNION ALL
SELECT 1 FROM authlab_accounts WHERE name = $1 AND stored = $2";

/// The same of a password that is stored anew.
const STORE_ANEW: &str = "
WITH changed AS (
    UPDATE authlab_accounts SET stored = $3 WHERE name = $1 AND stored = $2 RETURNING 1
)
SELECT 1 FROM changed
UNION ALL
SELECT 1 FROM authlab_accounts WHERE name = $1 AND stored = $3";

const SET_ROLES: &str = "UPDATE authlab_accounts SET roles = $2 WHERE name = $1 RETURNING 1";

const REMOVE: &str = "DELETE FROM authlab_accounts WHERE name = $1 RETURNING 1";

/// The URL of a database of accounts, which may hold a password: it is never shown whole.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(Box<str>);

pub(crate) struct PostgresUsers {
    pool: Pool,
    password: Password,
    /// What an unknown name is compared with: what took the longest to verify when the server started.
    decoy: Arc<str>,
    /// Accounts that nobody could sign in to at start.
    unreachable: Option<Unreachable>,
}

impl PostgresUsers {
    pub(super) fn open(
        url: &PostgresUrl,
        connections: usize,
        password: Password,
    ) -> Result<Self, UsersError> {
        let refuse = |place: String| {
            move |problem: String| UsersError::Database(UsersDatabaseError { place, problem })
        };
        let address = Address::parse(&url.0).map_err(refuse("of --users".to_owned()))?;
        let place = address.to_string();
        let tls = Tls::open(&address.trust).map_err(refuse(place.clone()))?;
        let found = prepared(&address, tls.clone(), password)?;
        let pool = Pool::open(&address, tls, connections).map_err(refuse(place))?;
        Ok(Self {
            pool,
            password,
            decoy: found.decoy,
            unreachable: found.unreachable,
        })
    }

    pub(super) fn note(&self) -> Option<String> {
        let unreachable = self.unreachable.as_ref()?;
        Some(unreachable.note(self.pool.place(), |bytes| {
            format!(
                "DELETE FROM authlab_accounts WHERE upper(encode(convert_to(name, 'UTF8'), 'hex')) = '{bytes}'"
            )
        }))
    }

    pub(super) async fn find(&self, name: &str) -> Result<Candidate, Denied> {
        let Answer { rows, .. } = self.ask(Patience::Waits, FIND, &[name]).await?;
        let Some(row) = rows.first() else {
            return Ok(Candidate {
                stored: Arc::clone(&self.decoy),
                roles: None,
                profile: Profile::default(),
            });
        };
        let [stored, roles, email, bio] = texts(row).map_err(|error| {
            let cause = format!("{}: {}", self.pool.place(), failure::cause_of(&error));
            cause::unavailable(Source::Users, &cause)
        })?;
        password::check_stored(stored).map_err(|error| {
            cause::unavailable(Source::Users, &format!("a stored password {error}"))
        })?;
        Ok(Candidate {
            stored: stored.into(),
            roles: Some(of_text(roles)),
            profile: Profile {
                email: email.into(),
                bio: bio.into(),
            },
        })
    }

    pub(super) async fn add(
        &self,
        name: &str,
        password: &str,
        roles: Roles,
        hashing: &Hasher<'_>,
    ) -> Result<(), Denied> {
        if self.finds(Patience::Waits, IS_TAKEN, &[name]).await? {
            return Err(Denied::Taken);
        }
        let hashed = hashing.hash(self.password, password.into()).await?;
        let stored = hashed.map_err(not_hashed)?;
        let values = [name, &stored, &text(roles)];
        // Somebody else may have come first while this one was hashed.
        if self.finds(Patience::Waits, ADD, &values).await? {
            Ok(())
        } else {
            Err(Denied::Taken)
        }
    }

    pub(super) async fn store_anew(
        &self,
        name: &str,
        before: &str,
        stored: &str,
        patience: Patience,
    ) -> Result<bool, Denied> {
        self.finds(patience, STORE_ANEW, &[name, before, stored])
            .await
    }

    pub(super) async fn set_roles(&self, name: &str, roles: Roles) -> Result<bool, Denied> {
        let values = [name, &text(roles)];
        self.finds(Patience::Waits, SET_ROLES, &values).await
    }

    pub(super) async fn remove(&self, name: &str) -> Result<bool, Denied> {
        let Answer { rows, repeated } = self.ask(Patience::Waits, REMOVE, &[name]).await?;
        // What the second of two calls does not find, the first has removed, or nobody has made.
        Ok(repeated || !rows.is_empty())
    }

    async fn finds<const N: usize>(
        &self,
        patience: Patience,
        statement: &str,
        values: &[&str; N],
    ) -> Result<bool, Denied> {
        let Answer { rows, .. } = self.ask(patience, statement, values).await?;
        Ok(!rows.is_empty())
    }

    async fn ask<const N: usize>(
        &self,
        patience: Patience,
        statement: &str,
        values: &[&str; N],
    ) -> Result<Answer, Denied> {
        // No text there has a NUL, so no account has such a name.
        if values.iter().any(|value| value.contains('\0')) {
            return Ok(Answer {
                rows: Vec::new(),
                repeated: false,
            });
        }
        let values = values.each_ref().map(|value| value as &(dyn ToSql + Sync));
        self.pool.ask(patience, statement, &values).await
    }
}

/// On a thread of its own: a caller that is on a runtime cannot wait for another.
fn prepared(address: &Address, tls: Tls, password: Password) -> Result<Survey, UsersError> {
    let prepare = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| UsersDatabaseError {
            place: address.to_string(),
            problem: error.to_string(),
        })?;
        runtime.block_on(schema::prepare(address, tls, password))
    };
    std::thread::scope(|scope| {
        let preparing = scope.spawn(prepare);
        let ended = |_| Err(UsersError::Decoy(HashError::System));
        preparing.join().unwrap_or_else(ended)
    })
}

/// What an account is made of.
fn texts(row: &Row) -> Result<[&str; 4], tokio_postgres::Error> {
    Ok([
        row.try_get(0)?,
        row.try_get(1)?,
        row.try_get(2)?,
        row.try_get(3)?,
    ])
}

impl PostgresUrl {
    /// A text is judged when it is opened: whoever says what is wrong with a flag says its value too, and this one may hold a
    /// password.
    pub(super) fn typed(text: &str) -> Option<Self> {
        let is_address = text.contains("://") || text.starts_with("postgres");
        is_address.then(|| Self(text.into()))
    }

    /// Whether what is asked and answered can be read or changed on the way to another machine.
    pub(crate) fn is_unverified(&self) -> bool {
        Address::parse(&self.0).is_ok_and(|address| address.is_unverified())
    }
}

impl fmt::Display for PostgresUrl {
    /// Hosts, ports and database.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Address::parse(&self.0) {
            Ok(address) => write!(f, "{address}"),
            Err(_) => f.write_str("postgres://"),
        }
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for PostgresUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresUsers")
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}
