//! Accounts in an `SQLite` database: one file that survives a restart. Calls run on tokio's blocking threads, readers and
//! the writer on connections of their own; a call that waits too long answers 503.
//!
//! The file is the operator's: it may be moved, replaced by a backup, emptied or restored in place while the server runs.
//! [`Database`] holds to three rules for that:
//! - Each call compares the file at the path with the one that its connections were opened on, and runs in the same
//!   critical section. When it is another file, or its content was changed, every connection is closed before the first
//!   new one is opened.
//! - `SQLite` finds a write-ahead log by its path alone, so the log of one file would be written into the next. Each write
//!   empties the log at once: nothing waits in it to be written into what is put there. The log of a file that was
//!   replaced is removed before the new file is opened, if it is the one that the old connections had open; a backup may
//!   bring a log of its own.
//! - A file that is missing or empty, or that has no accounts, answers 503. Demo accounts are made at start alone.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, params};
use rusqlite_migration::{M, Migrations};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::{Candidate, DEMO, Patience, Profile, UsersError, decoy, escaped, hash_all, normal};
use crate::cause::{self, Source};
use crate::denied::Denied;
use crate::hashing::Hashing;
use crate::password::{self, Password};
use crate::policy::{Role, Roles};

/// How long a call may take, waiting for others included.
const MOST_WAIT: Duration = Duration::from_secs(1);

/// The cause of a call that was not answered in time.
const LATE: &str = "the database did not answer within a second";

/// How much longer a call is waited for that began in time.
const MOST_COMMIT: Duration = Duration::from_millis(500);

/// How long another process's lock is waited for.
const BUSY_WAIT: Duration = Duration::from_millis(500);

/// How long a writer waits for that lock at a time.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// How long the log is waited for that another process still reads from; the next write empties it then.
const CHECKPOINT_WAIT: Duration = Duration::from_millis(20);

/// What each connection remembers of the file, in KiB: together as much as SQLite's default for one.
const CACHE_KIB: i64 = 400;

/// How many calls read at once; one more writes.
const READERS: usize = 4;

/// File systems tell times in ticks of some milliseconds: a file that was changed twice within one looks as it did after
/// the first. What was opened so soon after a change is opened again once this has passed.
const SETTLED: Duration = Duration::from_millis(100);

/// How often a call looks again at a file that changes while it looks.
const MOST_LOOKS: usize = 16;

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

/// The file and its connections.
struct Database {
    path: PathBuf,
    /// What the connections are open on. It is held shared while one is used, and alone while they are closed and opened.
    seen: RwLock<Option<Seen>>,
    idle: Mutex<Vec<Open>>,
}

struct Open {
    connection: Connection,
    file: Identity,
    /// The log and its index that this connection uses, as they are called on disk. Their numbers are not given to other
    /// files while it is open.
    beside: Vec<(PathBuf, Identity)>,
}

/// What became of a write that did not fail.
enum Written<T> {
    Done(T),
    /// Another process has locked the file.
    Locked,
}

/// How many there are, and the first of them.
type Unreachable = (usize, String);

/// Device and inode.
type Identity = (u64, u64);

/// A file's identity and everything that changes with its content.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    file: Identity,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

#[derive(Clone, Copy)]
struct Seen {
    stamp: Stamp,
    /// Until when it counts: for good, unless the file had just been changed.
    until: Option<SystemTime>,
}

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
        let database = Database {
            path: path.to_owned(),
            seen: RwLock::new(None),
            idle: Mutex::default(),
        };
        Ok(Self {
            database: Arc::new(database),
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
        let path = self.database.path.display();
        Some(format!(
            "users database {path}: {count} names are not in their normal form (RFC 8265), the first of them `{first}`: nobody can sign in to these accounts; rename them in the database, or remove them by DELETE /admin/accounts/NAME"
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

impl Database {
    fn read<T>(&self, call: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Option<T> {
        let seen = self.current()?;
        let open = self.take()?;
        let answer = call(&open.connection);
        self.put_back(open);
        drop(seen);
        self.judged(answer)
    }

    /// Writes, once another process's lock is gone. The critical section is left between two tries, so that those who read
    /// do not wait with the writer.
    fn write<T>(
        &self,
        patience: Patience,
        until: std::time::Instant,
        call: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> Option<T> {
        let now = std::time::Instant::now();
        if now >= until {
            return None;
        }
        let until = match patience {
            Patience::Waits => until.min(now + BUSY_WAIT),
            Patience::AtOnceOrNot => now,
        };
        loop {
            match self.try_to_write(&call)? {
                Written::Done(answer) => return Some(answer),
                Written::Locked if std::time::Instant::now() >= until => {
                    if matches!(patience, Patience::Waits) {
                        cause::tell(Source::Users, &"another process has locked the database");
                    }
                    return None;
                }
                Written::Locked => std::thread::sleep(BUSY_PAUSE),
            }
        }
    }

    fn try_to_write<T>(
        &self,
        call: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> Option<Written<T>> {
        let seen = self.current()?;
        let mut open = self.take()?;
        let answer = open
            .connection
            .busy_timeout(BUSY_PAUSE)
            // A backup need not be a database that logs ahead; reading it leaves it as it is.
            .and_then(|()| log_ahead(&open.connection))
            .and_then(|()| call(&open.connection));
        if answer.is_ok() {
            empty_log(&open.connection);
        }
        let is_still_there = identity(&self.path) == Some(open.file);
        if is_still_there {
            open.beside = beside(&self.path);
        }
        let _ = open.connection.busy_timeout(BUSY_WAIT);
        let file = open.file;
        self.put_back(open);
        drop(seen);
        if let Err(error) = &answer
            && error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
        {
            return Some(Written::Locked);
        }
        let answer = self.judged(answer)?;
        if !is_still_there {
            // It was written into a file that has been replaced.
            return None;
        }
        self.changed_by_us(file);
        Some(Written::Done(answer))
    }

    /// The critical section of a call: the connections are open on the file that is at the path.
    fn current(&self) -> Option<RwLockReadGuard<'_, Option<Seen>>> {
        for _ in 0..MOST_LOOKS {
            let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
            let here = self.here()?;
            if seen.is_some_and(|seen| seen.is(here)) {
                return Some(seen);
            }
            drop(seen);
            self.reopen()?;
        }
        None
    }

    /// The file that is at the path.
    fn here(&self) -> Option<Stamp> {
        let here = Stamp::of(&self.path);
        if here.is_none() {
            cause::tell(Source::Users, &"the database's file is gone");
        }
        here
    }

    /// Closes what is open on another file, or on this one as it was, and then opens what is there.
    fn reopen(&self) -> Option<()> {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        let here = self.here()?;
        if seen.is_some_and(|seen| seen.is(here)) {
            return Some(());
        }
        *seen = None;
        self.close(here.file);
        // Closing may have written what was left in the log.
        let now = SystemTime::now();
        let here = Stamp::of(&self.path)?;
        let opened: Option<Vec<Open>> = (0..=READERS).map(|_| Open::on(&self.path, here)).collect();
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = opened?;
        *seen = Some(Seen::of(here, now));
        Some(())
    }

    /// Closes every connection; none is in use. `here` is the file that is at the path now.
    fn close(&self, here: Identity) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(open) = idle.iter().find(|open| open.file != here) {
            // What another process kept in the log goes into the file that it belongs to, through what is open.
            empty_log(&open.connection);
            for (path, known) in idle.iter().flat_map(|open| &open.beside) {
                if identity(path) == Some(*known) {
                    let _ = std::fs::remove_file(path);
                }
            }
        }
        // SQLite itself writes no log into a file that was moved, and removes none from beside it.
        drop(idle);
    }

    /// A connection, for as long as the critical section lasts.
    fn take(&self) -> Option<Open> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop()
    }

    fn put_back(&self, open: Open) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(open);
    }

    /// What a call answered. After a failure that is neither another process's lock nor the disk's,
    /// everything is opened again.
    fn judged<T>(&self, answer: rusqlite::Result<T>) -> Option<T> {
        let failed = match answer {
            Ok(answer) => return Some(answer),
            Err(failed) => {
                cause::tell(Source::Users, &failed);
                failed.sqlite_error_code()
            }
        };
        let passes = matches!(
            failed,
            Some(
                ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::DiskFull
                    | ErrorCode::SystemIoFailure
            )
        );
        if !passes {
            *self.seen.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
        None
    }

    /// Notes that the file changed by a write of our own: its connections know of it. Should somebody else have changed it
    /// at the same moment, that is found when the file has settled.
    fn changed_by_us(&self, file: Identity) {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        let now = SystemTime::now();
        let here = Stamp::of(&self.path).filter(|here| here.file == file);
        if let (Some(known), Some(here)) = (&mut *seen, here)
            && known.stamp.file == file
        {
            *known = Seen::of(here, now);
        }
    }
}

impl Open {
    fn on(path: &Path, here: Stamp) -> Option<Self> {
        let connection = Connection::open_with_flags(path, FLAGS).and_then(|connection| {
            prepare(&connection)?;
            // Reads the schema, and with it what the log holds.
            connection.prepare("SELECT name FROM accounts")?;
            Ok(connection)
        });
        let connection = connection
            .inspect_err(|error| cause::tell(Source::Users, error))
            .ok()?;
        let open = Self {
            connection,
            file: here.file,
            beside: beside(path),
        };
        (identity(path) == Some(here.file)).then_some(open)
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let about = std::fs::metadata(path).ok()?;
        about.is_file().then(|| Self {
            file: (about.dev(), about.ino()),
            bytes: about.size(),
            modified: (about.mtime(), about.mtime_nsec()),
            changed: (about.ctime(), about.ctime_nsec()),
        })
    }

    fn changed_at(&self) -> SystemTime {
        let (seconds, nanos) = self.changed;
        let since = Duration::new(
            u64::try_from(seconds).unwrap_or(0),
            u32::try_from(nanos).unwrap_or(0),
        );
        UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
    }
}

impl Seen {
    fn of(stamp: Stamp, now: SystemTime) -> Self {
        let just_changed = stamp.changed_at() + SETTLED > now;
        Self {
            stamp,
            until: just_changed.then(|| now + SETTLED),
        }
    }

    fn is(&self, here: Stamp) -> bool {
        self.stamp == here && self.until.is_none_or(|until| SystemTime::now() < until)
    }
}

/// A connection is used by one thread at a time.
const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_WAIT)?;
    // The log is synced when it is emptied, which each write does.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)
}

/// Has the database log ahead, so that readers and a writer do not wait for one another, another process's included.
fn log_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mode = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    let known = connection.query_row("PRAGMA journal_mode", [], mode)?;
    if known != "wal" {
        connection.query_row("PRAGMA journal_mode = WAL", [], mode)?;
    }
    Ok(())
}

/// Moves what was committed from the log into the file, as far as other processes let go of it.
fn empty_log(connection: &Connection) {
    let _ = connection.busy_timeout(CHECKPOINT_WAIT);
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
}

/// Makes the file that is not there yet for its owner alone; SQLite gives its log and its index the same mode. What keeps it
/// from being made, SQLite says.
fn create_private(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let _ = options.write(true).create_new(true).mode(0o600).open(path);
}

fn identity(path: &Path) -> Option<Identity> {
    let about = std::fs::metadata(path).ok()?;
    Some((about.dev(), about.ino()))
}

/// The log and its index that lie beside the file.
fn beside(path: &Path) -> Vec<(PathBuf, Identity)> {
    // SQLite puts them beside what a symbolic link points to.
    let Ok(path) = std::fs::canonicalize(path) else {
        return Vec::new();
    };
    let named = |suffix| {
        let mut path = path.clone().into_os_string();
        path.push(suffix);
        let path = PathBuf::from(path);
        let identity = identity(&path)?;
        Some((path, identity))
    };
    ["-wal", "-shm"].into_iter().filter_map(named).collect()
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
            let (count, _) = unreachable.get_or_insert_with(|| (0, escaped(name)));
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
            .field("path", &self.database.path)
            .finish_non_exhaustive()
    }
}
