//! A database that is replaced, emptied, missing, restored in place, locked, or on a full disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rusqlite::Connection;

use crate::stand::{Server, tally};

/// Name and password are shown on each request, and accounts sign themselves up.
const FLAGS: [&str; 5] = ["--credential", "basic", "--password", "sha256", "--users"];
const PASSWORD: &str = "password123";

struct Place {
    folder: tempfile::TempDir,
    users: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let users = folder.path().join("u.db");
        Self { folder, users }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn flags(&self) -> Vec<String> {
        let users = format!("sqlite:{}", self.users.display());
        FLAGS
            .into_iter()
            .map(str::to_owned)
            .chain([users])
            .collect()
    }

    fn serve(&self) -> Server {
        let flags = self.flags();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        Server::start(&flags)
    }

    /// A database of the server's own making, with these accounts besides the demo accounts.
    fn backup(&self, name: &str, prefix: &str, accounts: usize) -> PathBuf {
        let other = Self::new();
        drop(other.serve());
        fill(&other.users, prefix, accounts);
        let path = self.path(name);
        std::fs::copy(&other.users, &path).unwrap();
        path
    }
}

fn fill(path: &Path, prefix: &str, accounts: usize) {
    let connection = Connection::open(path).unwrap();
    let sql = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)
        INSERT INTO accounts (name, stored, roles)
        SELECT ?1 || i, stored, 'user' FROM n, accounts WHERE accounts.name = 'john'";
    let accounts = i64::try_from(accounts).unwrap();
    connection.execute(sql, (prefix, accounts)).unwrap();
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
}

/// Every row, once the database was found whole.
fn rows(path: &Path) -> BTreeSet<String> {
    let connection = Connection::open(path).unwrap();
    let check: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    let sql = "SELECT name || ' ' || roles || ' ' || length(stored) FROM accounts";
    let mut all = connection.prepare(sql).unwrap();
    let all = all.query_map([], |row| row.get(0)).unwrap();
    all.map(Result::unwrap).collect()
}

fn sign_up(server: &Server, name: &str) -> u16 {
    let head = "POST /signup HTTP/1.1\r\ncontent-type: application/json";
    let body = format!(r#"{{"username":"{name}","password":"{PASSWORD}"}}"#);
    server.ask(head, &body).map_or(0, |(status, _)| status)
}

fn sign_in(server: &Server, name: &str) -> u16 {
    let pair = base64(format!("{name}:{PASSWORD}").as_bytes());
    let head = format!("GET /user HTTP/1.1\r\nauthorization: Basic {pair}");
    server.ask(&head, "").map_or(0, |(status, _)| status)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let three = [0, 1, 2].map(|i| u32::from(*chunk.get(i).unwrap_or(&0)));
        let all = three[0] << 16 | three[1] << 8 | three[2];
        for i in 0..4 {
            let digit = DIGITS[(all >> (18 - 6 * i) & 63) as usize];
            text.push(if i <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    text
}

/// How many requests were tried, and how many were answered as they should be.
#[derive(Default)]
struct Count {
    tried: usize,
    held: usize,
}

impl Count {
    fn expect(&mut self, what: &str, status: u16, expected: u16) {
        self.tried += 1;
        self.held += usize::from(status == expected);
        if status != expected {
            println!("{what}: {status} instead of {expected}");
        }
    }
}

/// After `put` has put the accounts `new…` where `old…` were: they are served, and nothing of before is in the file.
fn replaced(fault: &str, accounts: usize, put: impl Fn(&Place, &Path)) {
    let place = Place::new();
    drop(place.serve());
    fill(&place.users, "old", accounts);
    let backup = place.backup("backup.db", "new", accounts);
    let expected = rows(&backup);
    let server = place.serve();
    let mut count = Count::default();
    for number in 0..20 {
        count.expect("sign-up", sign_up(&server, &format!("late{number}")), 201);
        count.expect("old", sign_in(&server, &format!("old{number}")), 200);
    }
    put(&place, &backup);
    for number in 0..20 {
        count.expect("new", sign_in(&server, &format!("new{number}")), 200);
        count.expect("old", sign_in(&server, &format!("old{number}")), 401);
        count.expect("late", sign_in(&server, &format!("late{number}")), 401);
    }
    for number in 0..5 {
        let name = format!("next{number}");
        count.expect("sign-up", sign_up(&server, &name), 201);
        count.expect("next", sign_in(&server, &name), 200);
    }
    drop(server);
    let mut now = rows(&place.users);
    now.retain(|row| !row.starts_with("next"));
    assert!(
        now == expected,
        "{fault}: {} rows, not those that were put",
        now.len()
    );
    tally(fault, count.tried, count.held);
}

fn over(place: &Place, backup: &Path) {
    std::fs::rename(backup, &place.users).unwrap();
}

#[test]
fn a_database_that_is_replaced_is_served_and_not_written_into() {
    replaced("sqlite replaced", 100, over);
}

#[test]
fn a_database_of_20_000_accounts_that_is_replaced_stays_whole() {
    replaced("sqlite of 20 000 accounts replaced", 20_000, over);
}

#[test]
fn a_database_that_is_moved_away_before_another_comes_is_as_it_was() {
    let fault = "sqlite moved away, another put there";
    replaced(fault, 100, |place, backup| {
        let aside = place.path("aside.db");
        std::fs::rename(&place.users, &aside).unwrap();
        std::fs::rename(backup, &place.users).unwrap();
        let late = rows(&aside);
        let late = late.iter().filter(|row| row.starts_with("late")).count();
        assert_eq!(
            late, 20,
            "what was signed up before is in the file of before"
        );
    });
}

#[test]
fn a_database_that_is_restored_in_place_is_served() {
    replaced("sqlite restored in place (cp)", 100, |place, backup| {
        std::fs::copy(backup, &place.users).unwrap();
    });
    replaced(
        "sqlite of 20 000 accounts restored in place",
        20_000,
        |place, backup| {
            std::fs::copy(backup, &place.users).unwrap();
        },
    );
}

#[test]
fn a_backup_that_brings_its_own_log_is_served_with_it() {
    replaced(
        "sqlite replaced with a log of its own",
        100,
        |place, backup| {
            // The accounts of the backup stand in its log alone.
            let (bare, log) = (place.path("bare.db"), place.path("bare.db-wal"));
            let writer = Connection::open(&bare).unwrap();
            writer
                .execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0")
                .unwrap();
            let copy = format!(
            "ATTACH '{}' AS backup;
             CREATE TABLE accounts (name TEXT PRIMARY KEY NOT NULL, stored TEXT NOT NULL, roles TEXT NOT NULL,
                email TEXT NOT NULL DEFAULT '', bio TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID;
             INSERT INTO accounts SELECT * FROM backup.accounts;
             PRAGMA user_version = 1;",
            backup.display()
        );
            writer.execute_batch(&copy).unwrap();
            let (taken, taken_log) = (place.path("taken.db"), place.path("taken.db-wal"));
            std::fs::copy(&bare, &taken).unwrap();
            std::fs::copy(&log, &taken_log).unwrap();
            assert!(std::fs::metadata(&taken_log).unwrap().len() > 0);
            std::fs::rename(&taken_log, place.path("u.db-wal")).unwrap();
            std::fs::rename(&taken, &place.users).unwrap();
        },
    );
}

#[test]
fn a_backup_that_does_not_log_ahead_is_served() {
    replaced("sqlite replaced, rollback journal", 100, |place, backup| {
        let plain = place.path("plain.db");
        let into = format!("VACUUM INTO '{}'", plain.display());
        Connection::open(backup)
            .unwrap()
            .execute_batch(&into)
            .unwrap();
        std::fs::rename(&plain, &place.users).unwrap();
    });
}

/// The server is killed, a backup is put in the place of its database, and it starts again: no log outlives a write.
#[test]
fn a_backup_that_is_put_there_after_a_kill_is_served() {
    let mut count = Count::default();
    for in_place in [false, true] {
        let place = Place::new();
        let server = place.serve();
        for number in 0..20 {
            count.expect("sign-up", sign_up(&server, &format!("late{number}")), 201);
        }
        drop(server);
        let backup = place.backup("backup.db", "new", 100);
        let expected = rows(&backup);
        if in_place {
            std::fs::copy(&backup, &place.users).unwrap();
        } else {
            std::fs::rename(&backup, &place.users).unwrap();
        }
        let server = place.serve();
        for number in 0..20 {
            count.expect("new", sign_in(&server, &format!("new{number}")), 200);
            count.expect("late", sign_in(&server, &format!("late{number}")), 401);
        }
        drop(server);
        assert_eq!(rows(&place.users), expected);
    }
    tally("sqlite replaced after a kill", count.tried, count.held);
}

/// A backup comes again and again while accounts sign up: it is never mixed with what was before it.
#[test]
fn a_database_that_is_replaced_while_accounts_sign_up_is_never_mixed() {
    let place = Place::new();
    let server = place.serve();
    let (ended, tried, held) = (
        AtomicBool::new(false),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    let mut backups = Vec::new();
    for round in 0..10 {
        backups.push(place.backup(&format!("{round}.db"), &format!("round{round}-"), 50));
    }
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (server, ended, tried, held) = (&server, &ended, &tried, &held);
            scope.spawn(move || {
                let mut number = 0;
                while !ended.load(Ordering::Relaxed) {
                    let status = sign_up(server, &format!("x{thread}-{number}"));
                    tried.fetch_add(1, Ordering::Relaxed);
                    // 503: it was under way when the file was replaced.
                    let is_answered = matches!(status, 201 | 503);
                    held.fetch_add(usize::from(is_answered), Ordering::Relaxed);
                    number += 1;
                }
            });
        }
        for (round, backup) in backups.iter().enumerate() {
            std::thread::sleep(std::time::Duration::from_millis(100));
            std::fs::rename(backup, &place.users).unwrap();
            let mut seen = 0;
            // Signing up may take the lock first.
            while sign_in(&server, &format!("round{round}-7")) != 200 {
                seen += 1;
                assert!(seen < 50, "round {round} is not served");
            }
        }
        ended.store(true, Ordering::Relaxed);
    });
    drop(server);
    let of_backup = |row: &String| row.starts_with("round");
    let now: Vec<String> = rows(&place.users).into_iter().filter(of_backup).collect();
    assert_eq!(now.len(), 50);
    assert!(now.iter().all(|row| row.starts_with("round9-")), "{now:?}");
    let (tried, held) = (tried.into_inner(), held.into_inner());
    tally("sqlite replaced ten times under sign-ups", tried, held);
}

#[test]
fn a_database_that_is_emptied_is_not_made_anew() {
    let place = Place::new();
    let server = place.serve();
    let mut count = Count::default();
    count.expect("sign-up", sign_up(&server, "mary"), 201);
    let backup = place.path("backup.db");
    std::fs::copy(&place.users, &backup).unwrap();
    std::fs::File::create(&place.users).unwrap();
    for _ in 0..10 {
        count.expect("emptied", sign_in(&server, "john"), 503);
        count.expect("emptied", sign_up(&server, "grace"), 503);
    }
    assert_eq!(std::fs::metadata(&place.users).unwrap().len(), 0);
    // What is no database of accounts is not written into either.
    Connection::open(&place.users)
        .unwrap()
        .execute_batch("CREATE TABLE other (x)")
        .unwrap();
    let other = std::fs::read(&place.users).unwrap();
    for _ in 0..10 {
        count.expect("another database", sign_in(&server, "john"), 503);
        count.expect("another database", sign_up(&server, "grace"), 503);
    }
    assert_eq!(std::fs::read(&place.users).unwrap(), other);
    std::fs::copy(&backup, &place.users).unwrap();
    for name in ["john", "mary"] {
        count.expect("restored", sign_in(&server, name), 200);
    }
    count.expect("restored", sign_up(&server, "grace"), 201);
    drop(server);
    rows(&place.users);

    std::fs::File::create(&place.users).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_authlab"));
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(place.flags());
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && said.contains("is empty; remove it"),
        "{said}"
    );
    tally("sqlite emptied", count.tried, count.held);
}

#[test]
fn a_database_that_is_missing_for_a_while_is_not_made_anew() {
    let place = Place::new();
    let server = place.serve();
    let mut count = Count::default();
    count.expect("sign-up", sign_up(&server, "mary"), 201);
    let aside = place.path("aside.db");
    for round in 0..5 {
        std::fs::rename(&place.users, &aside).unwrap();
        count.expect("missing", sign_in(&server, "john"), 503);
        count.expect("missing", sign_up(&server, "grace"), 503);
        assert!(!place.users.exists());
        std::fs::create_dir(&place.users).unwrap();
        count.expect("a folder", sign_in(&server, "john"), 503);
        std::fs::remove_dir(&place.users).unwrap();
        let made = Command::new("mkfifo").arg(&place.users).status().unwrap();
        assert!(made.success());
        count.expect("a FIFO", sign_in(&server, "john"), 503);
        std::fs::remove_file(&place.users).unwrap();
        std::fs::rename(&aside, &place.users).unwrap();
        count.expect("back", sign_in(&server, "mary"), 200);
        count.expect("back", sign_up(&server, &format!("ada{round}")), 201);
    }
    drop(server);
    assert_eq!(rows(&place.users).len(), 6 + 1 + 5);
    tally("sqlite missing for a while", count.tried, count.held);
}

#[test]
fn another_process_that_writes_and_does_not_end_stops_sign_ups_alone() {
    let place = Place::new();
    let server = place.serve();
    let mut count = Count::default();
    count.expect("sign-up", sign_up(&server, "mary"), 201);
    for begin in ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"] {
        let other = Connection::open(&place.users).unwrap();
        let change = format!("{begin}; UPDATE accounts SET bio = 'changed'");
        other.execute_batch(&change).unwrap();
        std::thread::scope(|scope| {
            let waiting: Vec<_> = (0..4)
                .map(|number| {
                    let server = &server;
                    scope.spawn(move || sign_up(server, &format!("waits{number}")))
                })
                .collect();
            for _ in 0..50 {
                count.expect("sign-in", sign_in(&server, "mary"), 200);
            }
            for sign_up in waiting {
                count.expect("sign-up", sign_up.join().unwrap(), 503);
            }
        });
        other.execute_batch("ROLLBACK").unwrap();
        let name = begin.replace(' ', "-");
        count.expect("sign-up", sign_up(&server, &name), 201);
        count.expect("sign-in", sign_in(&server, &name), 200);
    }
    // One that only reads stops nothing.
    let other = Connection::open(&place.users).unwrap();
    other
        .execute_batch("BEGIN; SELECT * FROM accounts")
        .unwrap();
    for number in 0..5 {
        let name = format!("read{number}");
        count.expect("sign-up", sign_up(&server, &name), 201);
        count.expect("sign-in", sign_in(&server, &name), 200);
    }
    drop(other);
    drop(server);
    rows(&place.users);
    tally("sqlite locked by another process", count.tried, count.held);
}

/// Sign-ins wait for a lock on a server of one thread, and other requests are answered meanwhile.
#[test]
fn sign_ins_that_wait_for_a_lock_keep_nothing_else_waiting() {
    let place = Place::new();
    let backup = place.backup("backup.db", "new", 1);
    let flags = place.flags();
    let mut flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    flags.extend(["--threads", "1"]);
    let server = Server::start(&flags);
    let mut count = Count::default();
    count.expect("sign-in", sign_in(&server, "john"), 200);
    // Without a log, one that writes stops those who read.
    let plain = place.path("plain.db");
    let into = format!("VACUUM INTO '{}'", plain.display());
    Connection::open(backup)
        .unwrap()
        .execute_batch(&into)
        .unwrap();
    std::fs::rename(&plain, &place.users).unwrap();
    count.expect("sign-in", sign_in(&server, "john"), 200);
    let other = Connection::open(&place.users).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let (answered, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..8)
            .map(|_| {
                let (server, ended) = (&server, &ended);
                scope.spawn(move || {
                    let status = sign_in(server, "john");
                    ended.fetch_add(1, Ordering::Relaxed);
                    status
                })
            })
            .collect();
        while ended.load(Ordering::Relaxed) == 0 {
            let healthy = server.ask("GET /healthz HTTP/1.1", "");
            count.expect("another", healthy.map_or(0, |(status, _)| status), 200);
            answered.fetch_add(1, Ordering::Relaxed);
        }
        for sign_in in waiting {
            count.expect("blocked", sign_in.join().unwrap(), 503);
        }
    });
    assert!(answered.into_inner() > 1);
    other.execute_batch("ROLLBACK").unwrap();
    count.expect("sign-in", sign_in(&server, "john"), 200);
    tally(
        "sqlite locked for reading: others answered",
        count.tried,
        count.held,
    );
}

/// No file may grow beyond 64 KiB: to the database that is a full disk.
#[test]
fn a_full_disk_refuses_sign_ups_and_loses_none_that_was_answered() {
    let place = Place::new();
    let mut command = Command::new("sh");
    // Inherited as ignored: otherwise the signal would end the server instead of failing the write.
    let line = "trap '' XFSZ; exec prlimit --fsize=65536:unlimited \"$@\"";
    command
        .args(["-c", line, "sh", env!("CARGO_BIN_EXE_authlab")])
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(place.flags())
        .stderr(Stdio::null());
    let server = Server::spawn(command);
    let mut count = Count::default();
    let (mut made, mut refused) = (Vec::new(), 0);
    let long = "x".repeat(50);
    for number in 0..1000 {
        let name = format!("{long}{number}");
        match sign_up(&server, &name) {
            201 => made.push(name),
            status => {
                count.expect("sign-up on a full disk", status, 503);
                refused += 1;
                count.expect("sign-in on a full disk", sign_in(&server, "john"), 200);
            }
        }
        if refused == 20 {
            break;
        }
    }
    assert!(
        refused == 20 && made.len() > 20,
        "{refused} of {}",
        made.len()
    );
    for name in made.iter().step_by(10) {
        count.expect("sign-in on a full disk", sign_in(&server, name), 200);
    }
    let pid = server.child.id().to_string();
    let lifted = Command::new("prlimit")
        .args(["--pid", &pid, "--fsize=unlimited:unlimited"])
        .status();
    assert!(lifted.unwrap().success());
    count.expect("sign-up with room", sign_up(&server, "afterwards"), 201);
    drop(server);
    let kept = rows(&place.users);
    for name in &made {
        let is_kept = kept.iter().any(|row| row.starts_with(name.as_str()));
        count.expect("kept", u16::from(is_kept), 1);
    }
    tally("sqlite on a full disk", count.tried, count.held);
}

#[test]
fn a_database_that_cannot_be_written_is_refused_at_start_with_the_cause() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    drop(place.serve());
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(&place.users, 0o444);
    set(place.folder.path(), 0o755);
    // A copy where an ordinary user may run it; root writes whatever the mode says.
    let binary = place.path("authlab");
    std::fs::copy(env!("CARGO_BIN_EXE_authlab"), &binary).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    if !command
        .arg("true")
        .status()
        .is_ok_and(|status| status.success())
    {
        println!("skipped: not root, or no setpriv");
        return;
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&binary)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(place.flags());
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let expected = "is read-only, and accounts are written into it";
    assert!(
        !output.status.success() && said.contains(expected),
        "{said}"
    );
    tally("sqlite read-only: refused at start", 1, 1);
}
