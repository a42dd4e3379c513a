//! Accounts in an SQLite database: one file that survives a restart. Its calls run on tokio's blocking threads, one at a
//! time; who waits too long for one is told to come back, and a database that was lost is opened again for the next.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use rusqlite_migration::{M, Migrations};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::{Candidate, DEMO, Profile, UsersError, decoy, hash_all};
use crate::denied::Denied;
use crate::hashing::Hashing;
use crate::password::{self, Password};
use crate::policy::{Role, Roles};

/// How long a call may take, waiting for others included.
const MOST_WAIT: Duration = Duration::from_secs(1);

/// How long SQLite itself waits for another process's lock.
const BUSY_WAIT: Duration = Duration::from_millis(500);

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
    file: Arc<Mutex<File>>,
    path: PathBuf,
    password: Password,
    /// What an unknown name is compared with: what took the longest to verify when the server started.
    decoy: Arc<str>,
}

/// The database while it is open, and the file that it is: one that was moved away would go on to be written unseen.
struct File {
    path: PathBuf,
    open: Option<(Connection, Identity)>,
}

type Identity = (u64, u64);

impl SqliteUsers {
    pub(super) fn open(path: &Path, password: Password) -> Result<Self, UsersError> {
        let refuse = |problem: String| UsersDatabaseError {
            path: path.to_owned(),
            problem,
        };
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_CREATE)
            .map_err(|error| refuse(error.to_string()))?;
        let is_new = connection
            .query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
            .map_err(|error| refuse(error.to_string()))?
            == 0;
        Migrations::from_slice(VERSIONS)
            .to_latest(&mut connection)
            .map_err(|error| refuse(error.to_string().replace('\n', " ")))?;
        // Whoever removed the demo accounts meant it.
        if is_new {
            let passwords = DEMO.map(|(name, password, ..)| (name, password));
            let stored = hash_all(&passwords, password)?;
            add_demo(&mut connection, &stored).map_err(|error| refuse(error.to_string()))?;
        }
        let own = decoy(password)?;
        let decoy = dearest(&connection, &own).map_err(|error| refuse(error.to_string()))?;
        let identity = identity(path).ok_or_else(|| refuse("is gone".to_owned()))?;
        let file = File {
            path: path.to_owned(),
            open: Some((connection, identity)),
        };
        Ok(Self {
            file: Arc::new(Mutex::new(file)),
            path: path.to_owned(),
            password,
            decoy,
        })
    }

    pub(super) async fn find(&self, name: &str) -> Result<Candidate, Denied> {
        let wanted = name.to_owned();
        let found = self.with(move |connection| {
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
        password::check_stored(&stored).map_err(|_| Denied::Unavailable)?;
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
        let taken = self.with(move |connection| {
            connection
                .prepare_cached("SELECT 1 FROM accounts WHERE name = ?1")?
                .exists([wanted])
        });
        if taken.await? {
            return Err(Denied::Taken);
        }
        let hashed = hashing.hash(self.password, password.into()).await?;
        let stored = hashed.map_err(|_| Denied::Unfit)?;
        let (name, roles) = (name.to_owned(), text(roles));
        let added = self.with(move |connection| {
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
    ) -> Result<bool, Denied> {
        let (name, before, stored) = (name.to_owned(), before.to_owned(), stored.to_owned());
        let changed = self.with(move |connection| {
            connection
                .prepare_cached("UPDATE accounts SET stored = ?3 WHERE name = ?1 AND stored = ?2")?
                .execute(params![name, before, stored])
        });
        Ok(changed.await? == 1)
    }

    pub(super) async fn set_roles(&self, name: &str, roles: Roles) -> Result<bool, Denied> {
        let (name, roles) = (name.to_owned(), text(roles));
        let changed = self.with(move |connection| {
            connection
                .prepare_cached("UPDATE accounts SET roles = ?2 WHERE name = ?1")?
                .execute(params![name, roles])
        });
        Ok(changed.await? == 1)
    }

    pub(super) async fn remove(&self, name: &str) -> Result<bool, Denied> {
        let name = name.to_owned();
        let removed = self.with(move |connection| {
            connection
                .prepare_cached("DELETE FROM accounts WHERE name = ?1")?
                .execute([name])
        });
        Ok(removed.await? == 1)
    }

    /// Runs a call on the database, in time or not at all.
    async fn with<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Denied> {
        let until = Instant::now() + MOST_WAIT;
        let mut file = timeout_at(until, Arc::clone(&self.file).lock_owned())
            .await
            .map_err(|_| Denied::Unavailable)?;
        let called = tokio::task::spawn_blocking(move || file.run(call));
        match timeout_at(until, called).await {
            Ok(Ok(Some(answer))) => Ok(answer),
            Ok(Ok(None) | Err(_)) | Err(_) => Err(Denied::Unavailable),
        }
    }
}

impl File {
    fn run<T>(&mut self, call: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Option<T> {
        let here = identity(&self.path)?;
        if self.open.as_ref().is_none_or(|(_, known)| *known != here) {
            let connection = connect(&self.path, OpenFlags::empty()).ok()?;
            self.open = Some((connection, here));
        }
        let (connection, _) = self.open.as_ref()?;
        let answer = call(connection);
        if answer.is_err() {
            // Whatever it was: the next call begins anew.
            self.open = None;
        }
        answer.ok()
    }
}

fn connect(path: &Path, create: OpenFlags) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_WAIT)?;
    // Readers and the writer do not wait for one another; a power cut may lose the last sign-ups, and breaks nothing.
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

fn identity(path: &Path) -> Option<Identity> {
    let data = std::fs::metadata(path).ok()?;
    Some((data.dev(), data.ino()))
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

/// Of the ways in which passwords are stored, the one that takes the longest: an unknown name costs as much.
fn dearest(connection: &Connection, own: &Arc<str>) -> rusqlite::Result<Arc<str>> {
    let mut all = connection.prepare("SELECT stored FROM accounts")?;
    let mut rows = all.query([])?;
    let (mut decoy, mut most) = (Arc::clone(own), password::work_ns(own));
    while let Some(row) = rows.next()? {
        let stored = row.get_ref(0)?.as_str()?;
        let work = password::work_ns(stored);
        if work > most && password::check_stored(stored).is_ok() {
            (decoy, most) = (stored.into(), work);
        }
    }
    Ok(decoy)
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
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
