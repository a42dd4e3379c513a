//! A limit on the size of files (`ulimit -f`): a write beyond it sends SIGXFSZ, which ends a process by default.

use std::fs::File;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::shutdown::{end_within, send};
use crate::stand::{Server, tally};

/// `authlab` with these words, in a shell that limits files to this many blocks of 1024 bytes.
fn limited(blocks: u32, words: &[&str]) -> Command {
    let mut command = Command::new("bash");
    let script = format!("ulimit -f {blocks}; exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_authlab")]);
    command.args(words);
    command
}

#[test]
fn a_log_that_reaches_its_size_limit_loses_lines_and_no_request() {
    const REQUESTS: usize = 500;
    let place = tempfile::tempdir().unwrap();
    let log = File::create(place.path().join("log")).unwrap();
    let flags = ["--password", "sha256", "--log", "requests", "--metrics"];
    let words = [&["serve", "--listen", "127.0.0.1:0"][..], &flags].concat();
    let mut command = limited(8, &words);
    command.stderr(log);
    let mut server = Server::spawn(command);
    let token = server.token("jane", "password456").unwrap();
    let held = (0..REQUESTS)
        .filter(|_| server.status("/items/", &token) == 200)
        .count();
    let (_, text) = server.ask("GET /metrics HTTP/1.1", "").unwrap();
    let count = text
        .lines()
        .find_map(|line| line.strip_prefix("authlab_log_lines_dropped_total "));
    assert!(count.unwrap().parse::<u64>().unwrap() > 0, "{text}");
    send(&server.child, Signal::TERM);
    assert_eq!(end_within(&mut server.child), Some(0));
    tally("log: limit of file sizes", REQUESTS, held);
}

#[test]
fn a_database_that_reaches_its_size_limit_refuses_writes_and_still_answers() {
    const SIGN_UPS: usize = 400;
    let place = tempfile::tempdir().unwrap();
    let users = format!("sqlite:{}", place.path().join("users.db").display());
    // The database is made without the limit.
    let made = Server::start(&["--password", "sha256", "--users", &users]);
    drop(made);
    let words = ["serve", "--listen", "127.0.0.1:0", "--password", "sha256"];
    let words = [
        &words[..],
        &["--preset", "cookie-session", "--users", &users],
    ]
    .concat();
    let mut command = limited(40, &words);
    command.stderr(Stdio::null());
    let mut server = Server::spawn(command);
    let (mut answered, mut refused) = (0, 0);
    for number in 0..SIGN_UPS {
        let name = format!("name{number}{}", "x".repeat(50));
        let body = format!(r#"{{"username":"{name}","password":"a password"}}"#);
        let head = "POST /signup HTTP/1.1\r\ncontent-type: application/json";
        match server.ask(head, &body).map(|(status, _)| status) {
            Some(201) => answered += 1,
            Some(503) => {
                answered += 1;
                refused += 1;
            }
            other => panic!("{other:?} after {number}"),
        }
    }
    assert!(refused > 0, "the limit was not reached");
    send(&server.child, Signal::TERM);
    assert_eq!(end_within(&mut server.child), Some(0));
    tally("SQLite: limit of file sizes", SIGN_UPS, answered);
}

/// What a verb writes beyond the limit is lost output, as on a full disk.
#[test]
fn a_verb_whose_output_reaches_the_limit_says_so_and_exits_with_2() {
    let place = tempfile::tempdir().unwrap();
    let out = File::create(place.path().join("completions")).unwrap();
    let done = limited(1, &["completions", "bash"])
        .stdout(out)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{told}");
    assert!(!told.is_empty());
}

/// A server under test ends as it would without this program: the handler is not inherited.
#[test]
fn a_program_that_is_started_dies_of_the_limit_as_usual() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    let script = format!("yes > {}; echo ended by $?", file.display());
    let parent = std::process::id().to_string();
    // `child` becomes the program: it asks to die with its parent, which is this test.
    let words = ["child", "--parent", &parent, "--", "bash", "-c", &script];
    let done = limited(8, &words).output().unwrap();
    let told = String::from_utf8_lossy(&done.stdout);
    let died = 128 + Signal::XFSZ.as_raw();
    assert_eq!(told.trim(), format!("ended by {died}"), "{done:?}");
}
