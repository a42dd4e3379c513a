//! A server's start and end, in a process of its own.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use authlab_server::{Design, PasswordKind, PolicyKind};
use rustix::process::{Pid, Signal, kill_process};

const THREADS: &str = "AUTHLAB_TEST_THREADS";

#[test]
#[ignore = "run by the tests below, in a process of its own"]
fn child_serves() {
    let threads = std::env::var(THREADS).unwrap().parse().unwrap();
    let listen = ([127, 0, 0, 1], 0).into();
    let (password, policy) = (PasswordKind::Sha256, PolicyKind::AllowAll);
    let design = Design {
        threads,
        listen,
        password,
        policy,
        ..Design::default()
    };
    authlab_server::run(design).unwrap();
    println!("ended by itself");
}

struct Running {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    address: String,
}

fn start(threads: &str) -> Running {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_serves", "--nocapture", "--ignored"])
        .env(THREADS, threads)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    let address = loop {
        line.clear();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "no ready line");
        if let Some((_, address)) = line.split_once("authlab listening on http://") {
            break address.trim().to_owned();
        }
    };
    Running {
        child,
        stdout,
        address,
    }
}

fn get_items(stream: &mut TcpStream) -> String {
    stream
        .write_all(b"GET /items/ HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let mut answer = [0; 1024];
    let read = stream.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[test]
fn a_server_says_when_it_is_ready_and_ends_cleanly_on_sigint_and_sigterm() {
    for (threads, end) in [("1", Signal::TERM), ("2", Signal::INT)] {
        let mut running = start(threads);
        let mut idle = TcpStream::connect(&running.address).unwrap();
        assert!(get_items(&mut idle).starts_with("HTTP/1.1 200"));

        // A connection that is kept alive must not hold the end up.
        let asked = Instant::now();
        kill_process(Pid::from_child(&running.child), end).unwrap();
        let status = running.child.wait().unwrap();
        assert!(status.success(), "{status}");
        assert!(
            asked.elapsed() < Duration::from_secs(4),
            "{:?}",
            asked.elapsed()
        );
        let mut rest = String::new();
        running.stdout.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("ended by itself"), "{rest}");
        assert!(
            TcpStream::connect(&running.address).is_err(),
            "the port is free"
        );

        let mut stderr = String::new();
        running
            .child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        assert!(stderr.contains("password      sha256\n"), "{stderr}");
        assert!(stderr.contains("warning: --policy allow-all"), "{stderr}");
    }
}
