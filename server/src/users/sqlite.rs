//! Accounts in an `SQLite` database: one file that survives a restart. Calls run on tokio's blocking threads, readers and
//! the writer on connections of their own; a call that waits too long answers 503. The file may change under the server:
//! [`database`].

mod database;

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params};
use rusqlite_migration::{M, Migrations};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::database::{
    MOST_COMMIT, MOST_SHOWN, MOST_WAIT, Survey, Unreachable, UsersDatabaseError, of_text, text,
};
use super::{Candidate, DEMO, Patience, Profile, UsersError, decoy, escaped, hash_all};
use crate::cause::{self, Source};
use crate::denied::Denied;
use crate::hashing::{Hasher, not_hashed};
use crate::password::{self, Password};
use crate::policy::Roles;
use database::{Database, FLAGS, LATE, READERS, create_private, empty_log, log_ahead, prepare};

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

pub(crate) struct SqliteUsers {
    database: Arc<Database>,
    reading: Arc<Semaphore>,
    writing: Arc<Semaphore>,
    password: Password,
    /// What an unknown name is compared with: what took the longest to verify when the server started.
    decoy: Arc<str>,
    /// Accounts that nobody could sign in to at start.
    unreachable: Option<Unreachable>,
}

impl SqliteUsers {
    pub(super) fn open(path: &Path, password: Password) -> Result<Self, UsersError> {
        let path = &*of_a_file(path);
        let refuse = |problem: String| UsersDatabaseError {
            place: path.display().to_string(),
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
        let own = Survey::of_none(decoy(password)?);
        let found = survey(&connection, own).map_err(failed)?.map_err(refuse)?;
        empty_log(&connection);
        drop(connection);
        Ok(Self {
            database: Arc::new(Database::at(path)),
            reading: Arc::new(Semaphore::new(READERS)),
            writing: Arc::new(Semaphore::new(1)),
            password,
            decoy: found.decoy,
            unreachable: found.unreachable,
        })
    }

    /// Accounts whose names are not in the one form that names have: a database may be older than that rule.
    pub(super) fn note(&self) -> Option<String> {
        let place = self.database.path().display().to_string();
        let unreachable = self.unreachable.as_ref()?;
        Some(unreachable.note(&place, |bytes| {
            format!("DELETE FROM accounts WHERE hex(name) = '{bytes}'")
        }))
    }

    pub(super) async fn find(&self, name: &str) -> Result<Candidate, Denied> {
        let wanted = name.to_owned();
        let found = self.read(move |connection| {
            connection
                .prepare_cached("SELECT stored, roles, email, bio FROM accounts WHERE name = ?1")?
                .query_row([wanted], |row| texts(row, COLUMNS).map(owned))
                .optional()
        });
        let Some(found) = found.await? else {
            return Ok(Candidate {
                stored: Arc::clone(&self.decoy),
                roles: None,
                profile: Profile::default(),
            });
        };
        let [stored, roles, email, bio] = found.map_err(|problem| {
            let (path, name) = (self.database.path().display(), escaped(name));
            let cause = format!("users database {path}: the account `{name}` has {problem}");
            cause::unavailable(Source::Users, &cause)
        })?;
        password::check_stored(&stored).map_err(|error| {
            cause::unavailable(Source::Users, &format!("a stored password {error}"))
        })?;
        Ok(Candidate {
            stored: stored.into(),
            roles: Some(of_text(&roles)),
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
        let stored = hashed.map_err(not_hashed)?;
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
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| cause::unavailable(Source::Users, &LATE))?,
        // No client waits for this one: it is made another time.
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
        // The database told the cause.
        Ok(Ok(None)) => Err(Denied::Unavailable),
        Ok(Err(_)) => Err(cause::unanswered("a call of the users database")),
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

/// A look at every account.
fn survey(connection: &Connection, mut found: Survey) -> rusqlite::Result<Result<Survey, String>> {
    let mut all = connection.prepare("SELECT stored, roles, email, bio, name FROM accounts")?;
    let mut rows = all.query([])?;
    let mut number = 0_u64;
    while let Some(row) = rows.next()? {
        number += 1;
        let [name] = match texts(row, [(COLUMNS.len(), "name")])? {
            Ok(name) => name,
            Err(problem) => return Ok(Err(format!("row {number} of its accounts has {problem}"))),
        };
        let [stored, ..] = match texts(row, COLUMNS)? {
            Ok(texts) => texts,
            Err(problem) => {
                let shown: String = name.chars().take(MOST_SHOWN).collect();
                let name = escaped(&shown);
                return Ok(Err(format!("the account `{name}` has {problem}")));
            }
        };
        found.see(name, stored);
    }
    Ok(Ok(found))
}

/// What an account is made of, in the order of a query.
const COLUMNS: [(usize, &str); 4] = [(0, "stored"), (1, "roles"), (2, "email"), (3, "bio")];

/// The texts of a row's columns, or which of them holds something else: a database that was made elsewhere need not be
/// strict. The value itself is not shown.
fn texts<'a, const N: usize>(
    row: &'a Row<'_>,
    columns: [(usize, &str); N],
) -> rusqlite::Result<Result<[&'a str; N], String>> {
    let mut texts = [""; N];
    for (text, (index, column)) in texts.iter_mut().zip(columns) {
        let value = row.get_ref(index)?;
        let found = match value {
            ValueRef::Null => "NULL",
            ValueRef::Integer(_) | ValueRef::Real(_) => "a number",
            ValueRef::Blob(_) => "a blob",
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(known) => {
                    *text = known;
                    continue;
                }
                Err(_) => "text that is not UTF-8",
            },
        };
        return Ok(Err(format!("{found} in the column `{column}`, not text")));
    }
    Ok(Ok(texts))
}

fn owned<const N: usize>(texts: Result<[&str; N], String>) -> Result<[String; N], String> {
    texts.map(|texts| texts.map(str::to_owned))
}

/// The path of a file, for SQLite too: it takes what begins with a colon for a database in memory, and what begins with `file:`
/// for a URI.
fn of_a_file(path: &Path) -> Cow<'_, Path> {
    let text = path.as_os_str().as_encoded_bytes();
    if text.starts_with(b":") || text.starts_with(b"file:") {
        Cow::Owned(Path::new(".").join(path))
    } else {
        Cow::Borrowed(path)
    }
}

impl fmt::Debug for SqliteUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteUsers")
            .field("path", &self.database.path())
            .finish_non_exhaustive()
    }
}
