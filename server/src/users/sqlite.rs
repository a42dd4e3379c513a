//! Accounts in an `SQLite` database: one file that survives a restart. Calls run on tokio's blocking threads, readers and
//! the writer on connections of their own; a call that waits too long answers 503. The file may change under the server:
//! [`database`].

mod database;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use rusqlite_migration::{M, Migrations};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::{Candidate, DEMO, Patience, Profile, UsersError, decoy, escaped, hash_all, normal};
use crate::cause::{self, Source};
use crate::denied::Denied;
use crate::hashing::Hashing;
use crate::password::{self, Password};
use crate::policy::{Role, Roles};
use database::{Database, FLAGS, READERS, create_private, empty_log, log_ahead, prepare};

/// How long a call may take, waiting for others included.
const MOST_WAIT: Duration = Duration::from_secs(1);

/// The cause of a call that was not answered in time.
const LATE: &str = "the database did not answer within a second";

/// How much longer a call is waited for that began in time.
const MOST_COMMIT: Duration = Duration::from_millis(500);

/// The schema's versions: never changed, only added to.
const VERSIONS: &[M<'_>] = &[M::up(
    "CREATE TABLE accounts (
        name TEXT PRIMARY KEY NOT NULL,
        stored TEXT NOT NULL,
        roles TEXT NOT NULL,
        email TEXT NOT NULL DEFAULT '',
        bio TEXT NOT NULL DEFAULT ''
    ) STRICT, WITHOUT ROWID;",
)];

/// Why a database cannot be used, in one line.
#[derive(Debug, thiserror::Error)]
#[error("users database {path}: {problem}")]
pub struct UsersDatabaseError {
    path: PathBuf,
    problem: String,
}

pub(crate) struct SqliteUsers {
    database: Arc<Database>,
    reading: Arc<Semaphore>,
    writing: Arc<Semaphore>,
    password: Password,
    /// What an unknown name is compared with: what took the longest to verify when the server started.
    decoy: Arc<str>,
    /// Accounts that nobody can sign in to: how many there were at start, and the first.
    unreachable: Option<Unreachable>,
}

/// How many there are, and the name of the first.
type Unreachable = (usize, String);

/// The longest name that a message shows, in characters.
const MOST_SHOWN: usize = 64;

impl SqliteUsers {
    pub(super) fn open(path: &Path, password: Password) -> Result<Self, UsersError> {
        let refuse = |problem: String| UsersDatabaseError {
            path: path.to_owned(),
            problem,
        };
        let failed = |error: rusqlite::Error| refuse(error.to_string().replace('\n', " "));
        if let Ok(about) = std::fs::metadata(path) {
            if !about.is_file() {
                return Err(refuse("is not a regular file".to_owned()).into());
            }
            if about.len() == 0 {
                let problem = "is empty; remove it to have it made with the demo accounts";
                return Err(refuse(problem.to_owned()).into());
            }
        }
        create_private(path);
        let create = FLAGS | OpenFlags::SQLITE_OPEN_CREATE;
        let mut connection = Connection::open_with_flags(path, create).map_err(failed)?;
        if connection.is_readonly("main").map_err(failed)? {
            let problem = "is read-only, and accounts are written into it";
            return Err(refuse(problem.to_owned()).into());
        }
        prepare(&connection).map_err(failed)?;
        log_ahead(&connection).map_err(failed)?;
        let is_new = connection
            .query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
            .map_err(failed)?
            == 0;
        Migrations::from_slice(VERSIONS)
            .to_latest(&mut connection)
            .map_err(|error| refuse(error.to_string().replace('\n', " ")))?;
        // Whoever removed the demo accounts meant it.
        if is_new {
            let passwords = DEMO.map(|(name, password, ..)| (name, password));
            let stored = hash_all(&passwords, password)?;
            add_demo(&mut connection, &stored).map_err(failed)?;
        }
        let own = decoy(password)?;
        let (decoy, unreachable) = survey(&connection, &own).map_err(failed)?;
        empty_log(&connection);
        drop(connection);
        Ok(Self {
            database: Arc::new(Database::at(path)),
            reading: Arc::new(Semaphore::new(READERS)),
            writing: Arc::new(Semaphore::new(1)),
            password,
            decoy,
            unreachable,
        })
    }

    /// Accounts whose names are not in the one form that names have: a database may be older than that rule.
    pub(super) fn note(&self) -> Option<String> {
        let (count, first) = self.unreachable.as_ref()?;
        let path = self.database.path().display();
        let shown: String = first.chars().take(MOST_SHOWN).collect();
        let is_whole = shown.len() == first.len();
        let cut = if is_whole { "" } else { "…" };
        // A name may hold anything, so it is given by its bytes.
        let example = if is_whole {
            let bytes = first.bytes().map(|byte| format!("{byte:02X}"));
            let bytes: String = bytes.collect();
            format!(", this one by DELETE FROM accounts WHERE hex(name) = '{bytes}'")
        } else {
            String::new()
        };
        Some(format!(
            "users database {path}: {count} names are not in their normal form (RFC 8265), the first of them `{}{cut}`: nobody can sign in to these accounts; rename or remove them in the database{example}; DELETE /admin/accounts/NAME, percent-encoded, removes those whose names a path can hold (not empty, . or .., no / \\ ; % ? # and no control character)",
            escaped(&shown)
        ))
    }

    pub(super) async fn find(&self, name: &str) -> Result<Candidate, Denied> {
        let wanted = name.to_owned();
        let found = self.read(move |connection| {
            connection
                .prepare_cached("SELECT stored, roles, email, bio FROM accounts WHERE name = ?1")?
                .query_row([wanted], |row| {
                    let texts: (String, String, Box<str>, Box<str>) =
                        (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
                    Ok(texts)
                })
                .optional()
        });
        let Some((stored, roles, email, bio)) = found.await? else {
            return Ok(Candidate {
                stored: Arc::clone(&self.decoy),
                roles: None,
                profile: Profile::default(),
            });
        };
        password::check_stored(&stored).map_err(|error| {
            cause::unavailable(Source::Users, &format!("a stored password {error}"))
        })?;
        Ok(Candidate {
            stored: stored.into(),
            roles: Some(of_text(&roles)),
            profile: Profile { email, bio },
        })
    }

    pub(super) async fn add(
        &self,
        name: &str,
        password: &str,
        roles: Roles,
        hashing: &Hashing,
    ) -> Result<(), Denied> {
        let wanted = name.to_owned();
        let taken = self.read(move |connection| {
            connection
                .prepare_cached("SELECT 1 FROM accounts WHERE name = ?1")?
                .exists([wanted])
        });
        if taken.await? {
            return Err(Denied::Taken);
        }
        let hashed = hashing.hash(self.password, password.into()).await?;
        let stored = hashed.map_err(|_| Denied::Unavailable)?;
        let (name, roles) = (name.to_owned(), text(roles));
        let added = self.write(Patience::Waits, move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO accounts (name, stored, roles) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                )?
                .execute(params![name, stored, roles])
        });
        // Somebody else may have come first while this one was hashed.
        if added.await? == 1 {
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
        let (name, before, stored) = (name.to_owned(), before.to_owned(), stored.to_owned());
        let changed = self.write(patience, move |connection| {
            connection
                .prepare_cached("UPDATE accounts SET stored = ?3 WHERE name = ?1 AND stored = ?2")?
                .execute(params![name, before, stored])
        });
        Ok(changed.await? == 1)
    }

    pub(super) async fn set_roles(&self, name: &str, roles: Roles) -> Result<bool, Denied> {
        let (name, roles) = (name.to_owned(), text(roles));
        let changed = self.write(Patience::Waits, move |connection| {
            connection
                .prepare_cached("UPDATE accounts SET roles = ?2 WHERE name = ?1")?
                .execute(params![name, roles])
        });
        Ok(changed.await? == 1)
    }

    pub(super) async fn remove(&self, name: &str) -> Result<bool, Denied> {
        let name = name.to_owned();
        let removed = self.write(Patience::Waits, move |connection| {
            connection
                .prepare_cached("DELETE FROM accounts WHERE name = ?1")?
                .execute([&name])
        });
        Ok(removed.await? == 1)
    }

    async fn read<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Denied> {
        let call = |database: &Database, _until| database.read(call);
        in_turn(&self.database, &self.reading, Patience::Waits, call).await
    }

    async fn write<T: Send + 'static>(
        &self,
        patience: Patience,
        call: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Denied> {
        let call = move |database: &Database, until| database.write(patience, until, call);
        in_turn(&self.database, &self.writing, patience, call).await
    }
}

/// Runs a call on a blocking thread when its turn comes, in time or not at all. The turn ends with the call, not with the
/// wait for it: a disk that hangs holds no more threads than there are turns.
async fn in_turn<T: Send + 'static>(
    database: &Arc<Database>,
    turns: &Arc<Semaphore>,
    patience: Patience,
    call: impl FnOnce(&Database, std::time::Instant) -> Option<T> + Send + 'static,
) -> Result<T, Denied> {
    let until = Instant::now() + MOST_WAIT;
    let turns = Arc::clone(turns);
    let turn = match patience {
        Patience::Waits => timeout_at(until, turns.acquire_owned())
            .await
            .map_err(|_| cause::unavailable(Source::Users, &LATE))?
            .map_err(|_| Denied::Unavailable)?,
        Patience::AtOnceOrNot => turns.try_acquire_owned().map_err(|_| Denied::Unavailable)?,
    };
    let database = Arc::clone(database);
    let called = tokio::task::spawn_blocking(move || {
        let answer = call(&database, until.into_std());
        drop(turn);
        answer
    });
    // A writer that is late gives up by itself: what was answered 503 is not written afterwards.
    match timeout_at(until + MOST_COMMIT, called).await {
        Ok(Ok(Some(answer))) => Ok(answer),
        Ok(Ok(None) | Err(_)) => Err(Denied::Unavailable),
        Err(_) => Err(cause::unavailable(Source::Users, &LATE)),
    }
}

fn add_demo(connection: &mut Connection, stored: &[Arc<str>]) -> rusqlite::Result<()> {
    let all = connection.transaction()?;
    for (stored, (name, _, role, email, bio)) in stored.iter().zip(DEMO) {
        let sql =
            "INSERT INTO accounts (name, stored, roles, email, bio) VALUES (?1, ?2, ?3, ?4, ?5)";
        all.execute(sql, params![name, stored, role.label(), email, bio])?;
    }
    all.commit()
}

/// Of the ways in which passwords are stored, the one that takes the longest: an unknown name costs as much. And the
/// accounts whose names are in no normal form: how many, and the first.
fn survey(
    connection: &Connection,
    own: &Arc<str>,
) -> rusqlite::Result<(Arc<str>, Option<Unreachable>)> {
    let mut all = connection.prepare("SELECT stored, name FROM accounts")?;
    let mut rows = all.query([])?;
    let (mut decoy, mut most) = (Arc::clone(own), password::work_ns(own));
    let mut unreachable: Option<Unreachable> = None;
    while let Some(row) = rows.next()? {
        let stored = row.get_ref(0)?.as_str()?;
        let work = password::work_ns(stored);
        if work > most && password::check_stored(stored).is_ok() {
            (decoy, most) = (stored.into(), work);
        }
        let name = row.get_ref(1)?.as_str()?;
        if normal(name).as_deref() != Some(name) {
            let (count, _) = unreachable.get_or_insert_with(|| (0, name.to_owned()));
            *count += 1;
        }
    }
    Ok((decoy, unreachable))
}

/// Roles by name, separated by spaces.
fn text(roles: Roles) -> String {
    let labels: Vec<&str> = roles.iter().map(Role::label).collect();
    labels.join(" ")
}

/// Roles that this server does not know grant nothing.
fn of_text(text: &str) -> Roles {
    text.split(' ')
        .filter_map(|name| name.parse::<Role>().ok())
        .collect()
}

impl fmt::Debug for SqliteUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteUsers")
            .field("path", &self.database.path())
            .finish_non_exhaustive()
    }
}
