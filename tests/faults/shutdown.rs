//! An end with requests still waiting for a hash.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::stand::{Server, ask, tally};

/// More than two threads hash within half a second.
const SIGN_INS: usize = 48;

/// Until when a server that should end has ended; it only catches a hang.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

pub(crate) fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// The exit code; `None` when it did not end, or a signal ended it.
pub(crate) fn end_within(child: &mut Child) -> Option<i32> {
    let end = Instant::now() + ENDS_WITHIN;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}

/// Sign-ins that wait for a hash when the signals come: what each was answered, and the exit code.
fn ended(flags: &[&str], signals: &[Signal]) -> (Vec<Option<u16>>, Option<i32>) {
    // A lower cost than usual, so that the server is up soon.
    let mut all = vec!["--metrics", "--hash-threads", "2", "--bcrypt-cost", "11"];
    all.extend(flags);
    let mut server = Server::start(&all);
    let address = server.address;
    let body = r#"{"username":"jane","password":"password456"}"#;
    let head = "POST /token HTTP/1.1\r\ncontent-type: application/json";
    let answered = Arc::new(AtomicUsize::new(0));
    let sign_ins: Vec<_> = (0..SIGN_INS)
        .map(|_| {
            let answered = Arc::clone(&answered);
            std::thread::spawn(move || {
                let answer = ask(address, head, body);
                answered.fetch_add(1, Ordering::Relaxed);
                answer.map(|(status, _)| status)
            })
        })
        .collect();
    let pending = || {
        let (_, text) = server.ask("GET /metrics HTTP/1.1", "").unwrap();
        let count = text
            .lines()
            .find_map(|line| line.strip_prefix("authlab_hashes_pending "));
        count.unwrap().parse::<usize>().unwrap()
    };
    // Each has arrived: one that connects after the signal is rightly refused. Those that are answered are counted
    // first, so that none is counted twice.
    let end = Instant::now() + ENDS_WITHIN;
    while answered.load(Ordering::Relaxed) + pending() < SIGN_INS && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
    for signal in signals {
        send(&server.child, *signal);
        // Two that come at once are one.
        std::thread::sleep(Duration::from_millis(200));
    }
    let statuses = sign_ins
        .into_iter()
        .map(|sign_in| sign_in.join().unwrap())
        .collect();
    (statuses, end_within(&mut server.child))
}

fn held(statuses: &[Option<u16>]) -> usize {
    statuses
        .iter()
        .filter(|status| matches!(status, Some(200 | 503)))
        .count()
}

#[test]
fn sign_ins_that_a_shutdown_does_not_wait_for_are_answered_503() {
    for (name, signal) in [("SIGTERM", Signal::TERM), ("SIGHUP", Signal::HUP)] {
        let (statuses, code) = ended(&["--shutdown-timeout", "500ms"], &[signal]);
        assert_eq!(code, Some(0), "{statuses:?}");
        assert!(statuses.contains(&Some(503)), "{statuses:?}");
        tally(
            &format!("shutdown: {name}, {SIGN_INS} sign-ins"),
            SIGN_INS,
            held(&statuses),
        );
    }
}

#[test]
fn hashes_of_the_runtime_s_own_threads_do_not_hold_up_the_end() {
    let flags = ["--shutdown-timeout", "500ms", "--hash-on", "blocking"];
    let (statuses, code) = ended(&flags, &[Signal::TERM]);
    assert_eq!(code, Some(0), "{statuses:?}");
    tally(
        "shutdown: hashes on the blocking pool",
        SIGN_INS,
        held(&statuses),
    );
}

/// Hashes on the async thread keep it from everything else, the end of the server included.
#[test]
fn hashes_on_the_async_thread_do_not_hold_up_the_end() {
    for (timeout, signals) in [
        ("500ms", &[Signal::TERM][..]),
        ("1h", &[Signal::TERM, Signal::INT]),
    ] {
        // Each takes about 0.8 s: all of them would take longer than a server is waited for here.
        let flags = ["--hash-on", "inline", "--bcrypt-cost", "14"];
        let flags = [&flags[..], &["--shutdown-timeout", timeout]].concat();
        let (reader, writer) = std::io::pipe().unwrap();
        let mut server = Server::start_with(&flags, writer.into());
        let address = server.address;
        let body = r#"{"username":"jane","password":"password456"}"#;
        let request = format!(
            "POST /token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let waiting: Vec<_> = (0..100)
            .map(|_| {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.write_all(request.as_bytes()).unwrap();
                stream
            })
            .collect();
        for signal in signals {
            std::thread::sleep(Duration::from_millis(500));
            send(&server.child, *signal);
        }
        assert_eq!(end_within(&mut server.child), Some(0), "{timeout}");
        let log = std::io::read_to_string(reader).unwrap();
        assert!(log.contains("connections are cut"), "{log}");
        drop(waiting);
    }
}

#[test]
fn a_second_signal_ends_the_wait_at_once_and_loses_nothing() {
    let flags = ["--shutdown-timeout", "1h"];
    let (statuses, code) = ended(&flags, &[Signal::TERM, Signal::INT]);
    assert_eq!(code, Some(0), "{statuses:?}");
    assert!(statuses.contains(&Some(503)), "{statuses:?}");
    tally("shutdown: two signals", SIGN_INS, held(&statuses));
}

#[test]
fn a_hangup_under_nohup_ends_nothing() {
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' HUP; exec \"$0\" \"$@\""])
        .args([env!("CARGO_BIN_EXE_authlab"), "serve"])
        .args(["--listen", "127.0.0.1:0", "--password", "sha256"])
        .stderr(Stdio::null());
    let mut server = Server::spawn(command);
    send(&server.child, Signal::HUP);
    std::thread::sleep(Duration::from_millis(500));
    let answered = server.ask("GET /healthz HTTP/1.1", "");
    assert_eq!(answered.map(|(status, _)| status), Some(200));
    send(&server.child, Signal::TERM);
    assert_eq!(end_within(&mut server.child), Some(0));
}
