//! Clients that are slow, that do not read, that are many.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::stand::{Server, tally};

/// How many descriptors the server may have.
const DESCRIPTORS: usize = 256;

/// How many other clients are answered meanwhile.
const BYSTANDERS: usize = 50;

/// A server that may have 256 descriptors.
fn limited() -> Server {
    let limit = getrlimit(Resource::Nofile);
    // The clients are this process's.
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            &format!("ulimit -n {DESCRIPTORS}; exec \"$0\" \"$@\""),
        ])
        .args([env!("CARGO_BIN_EXE_authlab"), "serve"])
        .args([
            "--listen",
            "127.0.0.1:0",
            "--password",
            "sha256",
            "--metrics",
        ])
        .stderr(Stdio::null());
    Server::spawn(command)
}

/// Keeps so many clients busy being slow while others ask: each sends `begin` at once and then `trickle`, again and
/// again, never reads, and comes back when it is closed.
fn beside(fault: &str, clients: usize, begin: &str, trickle: &[u8]) {
    let server = limited();
    let is_over = AtomicBool::new(false);
    let held = std::thread::scope(|scope| {
        let (address, is_over) = (server.address, &is_over);
        let mut open: Vec<Option<TcpStream>> =
            (0..clients).map(|_| connect(address, begin)).collect();
        scope.spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                for client in &mut open {
                    let writes = client
                        .as_mut()
                        .is_some_and(|client| client.write_all(trickle).is_ok());
                    if !writes {
                        *client = connect(address, begin);
                    }
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        let token = server.token("jane", "password456");
        let held = (0..BYSTANDERS).filter(|_| {
            token
                .as_ref()
                .is_some_and(|token| server.status("/items/", token) == 200)
        });
        let held = held.count();
        is_over.store(true, Ordering::Relaxed);
        held
    });
    let (_, metrics) = server.ask("GET /metrics HTTP/1.1", "").unwrap();
    let room = metrics
        .lines()
        .find_map(|line| line.strip_prefix("authlab_connections_closed_total{because=\"room\"} "));
    let room: u64 = room.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap();
    assert!(room > 0, "{metrics}");
    tally(fault, BYSTANDERS, held);
}

fn connect(address: SocketAddr, begin: &str) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_nonblocking(true).ok()?;
    stream.write_all(begin.as_bytes()).ok()?;
    Some(stream)
}

#[test]
fn fifteen_hundred_heads_that_trickle_lock_nobody_out() {
    let begin = "GET /healthz HTTP/1.1\r\nx-slow: ";
    beside("clients: 1 500 heads that trickle", 1_500, begin, b"x");
}

#[test]
fn clients_that_never_read_a_large_answer_lock_nobody_out() {
    // Sixteen times 1.4 MB: more than any socket buffers.
    let begin = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: x\r\n\r\n".repeat(16);
    beside("clients: 260 that do not read", 260, &begin, b"");
}

#[test]
fn clients_that_say_nothing_lock_nobody_out() {
    beside("clients: 300 that say nothing", 300, "", b"");
}

#[test]
fn bodies_that_trickle_lock_nobody_out() {
    let begin = "POST /token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n{";
    beside("clients: 300 bodies that trickle", 300, begin, b" ");
}

#[test]
fn a_server_without_descriptors_says_why_it_accepts_nothing_and_answers_others() {
    const LEFT: usize = 16;
    let (log, writer) = std::io::pipe().unwrap();
    // Descriptors that something else holds: more than the reserve for it.
    let script = format!(
        "ulimit -n 64; for i in $(seq 10 {}); do eval \"exec $i</dev/null\"; done; exec \"$0\" \"$@\"",
        63 - LEFT
    );
    let mut command = Command::new("bash");
    command
        .args(["-c", &script, env!("CARGO_BIN_EXE_authlab"), "serve"])
        .args([
            "--listen",
            "127.0.0.1:0",
            "--password",
            "sha256",
            "--metrics",
        ])
        .stderr(writer);
    let server = Server::spawn(command);
    let silent: Vec<_> = (0..40).map(|_| connect(server.address, "")).collect();
    let held = (0..BYSTANDERS).filter(|_| {
        let answered = server.ask("GET /healthz HTTP/1.1", "");
        answered.is_some_and(|(status, _)| status == 200)
    });
    let held = held.count();
    let (_, metrics) = server.ask("GET /metrics HTTP/1.1", "").unwrap();
    let failures = metrics
        .lines()
        .find_map(|line| line.strip_prefix("authlab_accept_failures_total "));
    let failures: u64 = failures.unwrap().parse().unwrap();
    assert!(failures > 0, "{metrics}");
    drop(server);
    let lines: Vec<String> = BufReader::new(log).lines().map(Result::unwrap).collect();
    let said = |what: &str| lines.iter().any(|line| line.contains(what));
    assert!(said("note: at most 48 connections at once"), "{lines:?}");
    assert!(said("connections cannot be accepted"), "{lines:?}");
    assert!(said("Too many open files"), "{lines:?}");
    drop(silent);
    tally("clients: no descriptors left", BYSTANDERS, held);
}
