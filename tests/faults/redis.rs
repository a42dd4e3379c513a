//! A Redis that fails, and the requests that are asked of a server meanwhile.

mod cluster;
mod connections;
mod failover;
mod full;
mod losses;
mod meanwhile;
mod sentinel;
mod start;
mod stopped;
mod under_load;

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::stand::Server;

/// Far longer than anything here takes on a loaded machine: it only ends a hang.
const AT_MOST: Duration = Duration::from_secs(30);

/// A Redis that ends with the test.
struct Redis {
    port: u16,
    child: Child,
}

impl Redis {
    fn start(more: &[&str]) -> Self {
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let child = serve(port, more);
        let redis = Self { port, child };
        redis.wait();
        redis
    }

    fn wait(&self) {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begun.elapsed() < AT_MOST, "redis-server did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn run(&self, words: &[&str]) -> redis::Value {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_connection().unwrap();
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query(&mut connection).unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(port: u16, more: &[&str]) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--dir", "/tmp"])
        .args(more)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// A server with its sessions at this address.
fn over(url: &str, more: &[&str]) -> Server {
    let mut flags = vec!["--password", "sha256", "--sessions", url];
    flags.extend(more);
    Server::start(&flags)
}

const SHARED: &[&str] = &["--cache", "decision", "--cache-store", "redis"];
const REFRESHED: &[&str] = &["--refresh", "rotate"];
const OPAQUE: &[&str] = &["--credential", "opaque"];
const DEVICES: &[&str] = &["--credential", "session-jwt"];

/// Each kind of token that Redis knows of.
const KINDS: [&[&str]; 5] = [&[], REFRESHED, OPAQUE, DEVICES, SHARED];

static SIGN_INS: AtomicU64 = AtomicU64::new(0);

/// Signs in where the design does that: the status and the answer.
fn answered(server: &Server, name: &str, password: &str) -> (u16, serde_json::Value) {
    let body = format!(r#"{{"username":"{name}","password":"{password}"}}"#);
    // Each sign-in is a device of its own: one that signs in again takes the place of its last session.
    let number = SIGN_INS.fetch_add(1, Ordering::Relaxed);
    let head = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\ncontent-type: application/json\r\nuser-agent: test {number}"
        )
    };
    let mut answer = server.ask(&head("/token"), &body);
    if answer.as_ref().is_some_and(|(status, _)| *status == 404) {
        answer = server.ask(&head("/login"), &body);
    }
    let (status, body) = answer.unwrap_or_default();
    (status, serde_json::from_str(&body).unwrap_or_default())
}

fn sign_in(server: &Server) -> u16 {
    answered(server, "jane", "password456").0
}

fn token(server: &Server, name: &str, password: &str) -> String {
    let (status, body) = answered(server, name, password);
    assert_eq!(status, 200, "{name}: {body}");
    body["access_token"].as_str().unwrap().to_owned()
}

fn jane(server: &Server) -> String {
    token(server, "jane", "password456")
}

fn john(server: &Server) -> String {
    token(server, "john", "password123")
}

fn send(server: &Server, method: &str, path: &str, token: &str, body: &str) -> u16 {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nauthorization: Bearer {token}\r\ncontent-type: application/json"
    );
    server.ask(&head, body).map_or(0, |(status, _)| status)
}

/// Signs out, where the design does that.
fn revoke(server: &Server, token: &str) -> u16 {
    match send(server, "POST", "/token/revoke", token, "") {
        404 | 405 => send(server, "POST", "/logout", token, ""),
        status => status,
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < AT_MOST, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Counts what held.
#[derive(Default)]
struct Count {
    tried: usize,
    held: usize,
}

impl Count {
    fn add(&mut self, held: bool, what: &dyn std::fmt::Display) {
        self.tried += 1;
        self.held += usize::from(held);
        if !held {
            println!("lost: {what}");
        }
    }

    fn is(&mut self, status: u16, wanted: u16, what: &str) {
        self.add(status == wanted, &format!("{what}: {status}, not {wanted}"));
    }
}
