//! A PostgreSQL that is killed, stopped, cut off or full of connections, and the sign-ins that are asked of a server
//! meanwhile: each is right or 503, never a grant by mistake, and the server recovers by itself.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::postgresql::PostgreSql;
use crate::stand::{Server, tally};

/// Name and password are shown on each request, so that each asks the database.
const FLAGS: [&str; 5] = ["--credential", "basic", "--password", "sha256", "--users"];

/// `john:password123`, `john:wrong` and `nobody:password123`, each with what it gets while nothing is wrong.
const SHOWN: [(&str, u16); 3] = [
    ("am9objpwYXNzd29yZDEyMw==", 200),
    ("am9objp3cm9uZw==", 401),
    ("bm9ib2R5OnBhc3N3b3JkMTIz", 401),
];

/// Far longer than a recovery takes on a loaded machine: it only ends a hang.
const AT_MOST: Duration = Duration::from_secs(60);

fn status(server: &Server, shown: &str) -> u16 {
    let head = format!("GET /items/ HTTP/1.1\r\nauthorization: Basic {shown}");
    server.ask(&head, "").map_or(0, |(status, _)| status)
}

/// Asks without a pause while `fault` goes on, then until everything is answered again: how many were asked, and how many
/// got what is promised.
fn meanwhile(server: &Server, fault: impl FnOnce() + Send) -> (usize, usize) {
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking: Vec<_> = SHOWN
            .iter()
            .map(|(shown, right)| {
                let ended = &ended;
                scope.spawn(move || {
                    let (mut tried, mut held) = (0, 0);
                    let mut since = None;
                    loop {
                        // Looked at first: what is asked afterwards is asked of a database that is back.
                        let is_over = ended.load(Ordering::Acquire);
                        let got = status(server, shown);
                        tried += 1;
                        held += usize::from(got == *right || got == 503);
                        if is_over {
                            let since = *since.get_or_insert_with(Instant::now);
                            assert!(since.elapsed() < AT_MOST, "did not recover: {got}");
                            if got == *right {
                                return (tried, held);
                            }
                        }
                    }
                })
            })
            .collect();
        fault();
        ended.store(true, Ordering::Release);
        asking.into_iter().fold((0, 0), |(tried, held), asking| {
            let (more, kept) = asking.join().unwrap();
            (tried + more, held + kept)
        })
    })
}

fn serve(database: &PostgreSql, more: &[&str]) -> Server {
    let url = database.url("postgres");
    let mut flags = FLAGS.to_vec();
    flags.push(&url);
    flags.extend(more);
    let server = Server::start(&flags);
    for (shown, right) in SHOWN {
        assert_eq!(status(&server, shown), right);
    }
    server
}

#[test]
fn a_database_that_is_killed_and_started_again_three_times() {
    let Some(mut database) = PostgreSql::start(&[]) else {
        return;
    };
    let server = serve(&database, &[]);
    let (tried, held) = meanwhile(&server, || {
        for _ in 0..3 {
            database.kill();
            std::thread::sleep(Duration::from_millis(300));
            database.again();
            std::thread::sleep(Duration::from_millis(300));
        }
    });
    tally("postgres killed and started again", tried, held);
}

#[test]
fn a_database_that_hangs() {
    let Some(database) = PostgreSql::start(&[]) else {
        return;
    };
    let server = serve(&database, &["--users-connections", "2"]);
    let (tried, held) = meanwhile(&server, || {
        database.signal_all(Signal::STOP);
        std::thread::sleep(Duration::from_secs(4));
        database.signal_all(Signal::CONT);
    });
    tally("postgres stopped for 4 s (SIGSTOP)", tried, held);
}

#[test]
fn a_database_whose_connections_are_cut_and_taken() {
    // Three are kept for its own administrator, who these requests are not.
    let Some(database) =
        PostgreSql::start(&["max_connections=8", "superuser_reserved_connections=3"])
    else {
        return;
    };
    database.sql(
        "postgres",
        "CREATE ROLE lab LOGIN; GRANT ALL ON SCHEMA public TO lab",
    );
    let url = database.url("postgres").replace("postgres@", "lab@");
    let flags = [&FLAGS[..], &[url.as_str()]].concat();
    let server = Server::start(&flags);
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'lab'";
    let (tried, held) = meanwhile(&server, || {
        std::thread::scope(|scope| {
            // Others take all that there are.
            for _ in 0..5 {
                scope.spawn(|| database.try_as("lab", "SELECT pg_sleep(2)"));
            }
            for _ in 0..10 {
                database.sql("postgres", cut);
                std::thread::sleep(Duration::from_millis(100));
            }
        });
    });
    tally(
        "postgres: connections cut, and taken by others",
        tried,
        held,
    );
}

#[test]
fn a_database_that_cannot_be_used_ends_the_start_with_one_line_and_without_the_password() {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    for (users, cause) in [
        (
            format!("postgres://ann:hunter2@127.0.0.1:{port}/accounts"),
            format!(
                "users database postgres://127.0.0.1:{port}/accounts: the server cannot be reached: "
            ),
        ),
        (
            "postgres:ann:hunter2@127.0.0.1/accounts".to_owned(),
            "users database of --users: not an address of accounts; accepted: postgres://"
                .to_owned(),
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_authlab"))
            .args(["serve", "--listen", "127.0.0.1:0", "--password", "sha256"])
            .args(["--users", &users])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(&cause), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    }
}
