//! The file of an `SQLite` database and its connections.
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

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::cause::{self, Source};
use crate::users::Patience;

/// How long another process's lock is waited for.
const BUSY_WAIT: Duration = Duration::from_millis(500);

/// How long a writer waits for that lock at a time.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// How long the log is waited for that another process still reads from; the next write empties it then.
const CHECKPOINT_WAIT: Duration = Duration::from_millis(20);

/// What each connection remembers of the file, in KiB: together as much as SQLite's default for one.
const CACHE_KIB: i64 = 400;

/// How many calls read at once; one more writes.
pub(super) const READERS: usize = 4;

/// File systems tell times in ticks of some milliseconds: a file that was changed twice within one looks as it did after
/// the first. What was opened so soon after a change is opened again once this has passed.
const SETTLED: Duration = Duration::from_millis(100);

/// The cause of a call that was not answered in time.
pub(super) const LATE: &str = "the database did not answer within a second";

/// How often a call looks again at a file that changes while it looks.
const MOST_LOOKS: usize = 16;

/// The file and its connections.
pub(super) struct Database {
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

impl Database {
    /// The one at this path; its connections are opened by the first call.
    pub(super) fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            seen: RwLock::new(None),
            idle: Mutex::default(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn read<T>(
        &self,
        call: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Option<T> {
        let seen = self.current()?;
        let open = self.take()?;
        let answer = call(&open.connection);
        self.put_back(open);
        drop(seen);
        self.judged(answer)
    }

    /// Writes, once another process's lock is gone. The critical section is left between two tries, so that those who read
    /// do not wait with the writer.
    pub(super) fn write<T>(
        &self,
        patience: Patience,
        until: std::time::Instant,
        call: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> Option<T> {
        let now = std::time::Instant::now();
        if now >= until {
            cause::tell(Source::Users, &LATE);
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
            cause::tell(
                Source::Users,
                &"the database was replaced while it was written",
            );
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
        cause::tell(Source::Users, &"the database's file changes all the time");
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
        let here = self.here()?;
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
        let open = idle.pop();
        if open.is_none() {
            cause::tell(Source::Users, &"no connection to the database is open");
        }
        open
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
        let is_still_there = identity(path) == Some(here.file);
        if !is_still_there {
            cause::tell(
                Source::Users,
                &"the database was replaced while it was opened",
            );
        }
        is_still_there.then_some(open)
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
pub(super) const FLAGS: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_WAIT)?;
    // The log is synced when it is emptied, which each write does.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)
}

/// Has the database log ahead, so that readers and a writer do not wait for one another, another process's included.
pub(super) fn log_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mode = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    let known = connection.query_row("PRAGMA journal_mode", [], mode)?;
    if known != "wal" {
        connection.query_row("PRAGMA journal_mode = WAL", [], mode)?;
    }
    Ok(())
}

/// Moves what was committed from the log into the file, as far as other processes let go of it.
pub(super) fn empty_log(connection: &Connection) {
    let _ = connection.busy_timeout(CHECKPOINT_WAIT);
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
}

/// Makes the file that is not there yet for its owner alone; SQLite gives its log and its index the same mode. What keeps it
/// from being made, SQLite says.
pub(super) fn create_private(path: &Path) {
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
