//! A Redis that is killed, paused, full, flushed, evicting, read-only, or closes idle connections.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::stand::{Server, tally};

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

#[test]
fn killed_and_restarted_without_persistence_it_grants_nothing_that_was_issued_before() {
    let mut count = Count::default();
    for kind in KINDS {
        let mut redis = Redis::start(&[]);
        let server = over(&redis.url(), kind);
        let (revoked, good) = (jane(&server), jane(&server));
        count.is(revoke(&server, &revoked), 200, "revoke");
        count.is(server.status("/items/", &good), 200, "before");
        redis.kill();
        for token in [&revoked, &good] {
            count.is(server.status("/items/", token), 503, "while it is away");
        }
        count.is(sign_in(&server), 503, "a sign-in while it is away");
        redis.child = serve(redis.port, &[]);
        redis.wait();
        count.is(sign_in(&server), 200, "the first sign-in afterwards");
        for token in [&revoked, &good] {
            count.is(server.status("/items/", token), 401, "afterwards");
        }
        count.is(server.status("/items/", &jane(&server)), 200, "a new token");
    }
    tally(
        "Redis: kill -9 and restart, no persistence",
        count.tried,
        count.held,
    );
}

#[test]
fn stopped_and_continued_it_goes_on_where_it_was() {
    let mut count = Count::default();
    let redis = Redis::start(&[]);
    let server = over(&redis.url(), &[]);
    let (revoked, good) = (jane(&server), jane(&server));
    count.is(revoke(&server, &revoked), 200, "revoke");
    redis.signal(Signal::STOP);
    for token in [&revoked, &good] {
        count.is(server.status("/items/", token), 503, "while it is stopped");
    }
    count.is(
        revoke(&server, &good),
        503,
        "a revocation while it is stopped",
    );
    redis.signal(Signal::CONT);
    until("it does not recover", || sign_in(&server) == 200);
    count.is(server.status("/items/", &revoked), 401, "afterwards");
    let status = server.status("/items/", &good);
    // The revocation was refused, and may have reached Redis all the same.
    count.add(matches!(status, 200 | 401), &status);
    count.is(server.status("/items/", &jane(&server)), 200, "a new token");
    tally("Redis: SIGSTOP and SIGCONT", count.tried, count.held);
}

/// An address that moves from one Redis to another. Connections that are open stay where they are.
struct Moving {
    port: u16,
    to: Arc<AtomicU16>,
}

impl Moving {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let to = Arc::new(AtomicU16::new(port));
        let moving = Self {
            port: listener.local_addr().unwrap().port(),
            to: Arc::clone(&to),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(here) = stream else { continue };
                let Ok(there) = TcpStream::connect(("127.0.0.1", to.load(Ordering::SeqCst))) else {
                    continue;
                };
                for (mut from, mut into) in [
                    (here.try_clone().unwrap(), there.try_clone().unwrap()),
                    (there, here),
                ] {
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut into);
                        let _ = into.shutdown(std::net::Shutdown::Both);
                    });
                }
            }
        });
        moving
    }
}

/// What becomes of the answer to a script.
#[derive(Clone, Copy, PartialEq)]
enum Lost {
    /// It never comes, and the connection stays.
    Kept,
    /// The connection is closed in its place.
    Cut,
}

/// An address that loses the answer to the script that is the `number`th from when it is armed.
struct Losing {
    port: u16,
    number: Arc<AtomicU16>,
}

impl Losing {
    fn to(port: u16, lost: Lost) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let number = Arc::new(AtomicU16::new(0));
        let losing = Self {
            port: listener.local_addr().unwrap().port(),
            number: Arc::clone(&number),
        };
        std::thread::spawn(move || {
            for here in listener.incoming() {
                let here = here.unwrap();
                let there = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let mute = Arc::new(AtomicBool::new(false));
                let streams = (here.try_clone().unwrap(), there.try_clone().unwrap());
                let (number, muted) = (Arc::clone(&number), Arc::clone(&mute));
                std::thread::spawn(move || requests(streams, &number, &muted, lost));
                std::thread::spawn(move || answers(there, here, &mute));
            }
        });
        losing
    }
}

fn requests(
    (mut from, mut into): (TcpStream, TcpStream),
    number: &AtomicU16,
    mute: &AtomicBool,
    lost: Lost,
) {
    let mut bytes = vec![0; 65536];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        let scripts = bytes[..length].windows(7).filter(|word| word == b"EVALSHA");
        let loses = scripts.count() > 0
            && number.load(Ordering::SeqCst) > 0
            && number.fetch_sub(1, Ordering::SeqCst) == 1;
        if loses {
            mute.store(true, Ordering::SeqCst);
        }
        let _ = into.write_all(&bytes[..length]);
        if loses && lost == Lost::Cut {
            // Long enough for Redis to have run it: it runs at once what it has read.
            std::thread::sleep(Duration::from_millis(100));
            let _ = from.shutdown(std::net::Shutdown::Both);
        }
    }
    let _ = into.shutdown(std::net::Shutdown::Both);
}

fn answers(mut from: TcpStream, mut into: TcpStream, mute: &AtomicBool) {
    let mut bytes = vec![0; 65536];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        if !mute.load(Ordering::SeqCst) {
            let _ = into.write_all(&bytes[..length]);
        }
    }
    let _ = into.shutdown(std::net::Shutdown::Both);
}

#[test]
fn a_refresh_whose_answer_is_lost_does_not_sign_its_user_out() {
    let mut count = Count::default();
    for lost in [Lost::Kept, Lost::Cut] {
        let redis = Redis::start(&[]);
        let address = Losing::to(redis.port, lost);
        let server = over(&format!("redis://127.0.0.1:{}", address.port), REFRESHED);
        let refresh = |token: &str| {
            let body = format!(r#"{{"refresh_token":"{token}"}}"#);
            let head = "POST /token/refresh HTTP/1.1\r\ncontent-type: application/json";
            let (status, body) = server.ask(head, &body).unwrap();
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            let part = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            (status, part("refresh_token"), part("access_token"))
        };
        let (_, body) = answered(&server, "jane", "password456");
        let (status, shown, _) = refresh(body["refresh_token"].as_str().unwrap());
        count.is(status, 200, "a refresh before");
        // The first reads the generation, the second takes the turn.
        address.number.store(2, Ordering::SeqCst);
        let (status, mut next, _) = refresh(&shown);
        if lost == Lost::Kept {
            count.is(status, 503, "the refresh whose answer does not come");
            let (status, again, _) = refresh(&shown);
            count.is(status, 200, "the same refresh token again");
            next = again;
        } else {
            count.is(status, 200, "the refresh whose connection is cut");
        }
        count.is(
            address.number.load(Ordering::SeqCst),
            0,
            "scripts that were left",
        );
        let (status, _, access) = refresh(&next);
        count.is(status, 200, "the next refresh");
        count.is(server.status("/items/", &access), 200, "its token");
        count.is(refresh(&shown).0, 400, "the old refresh token");
        count.is(
            server.status("/items/", &access),
            401,
            "the session that it ended",
        );
    }
    tally(
        "Redis: the answer to a refresh is lost",
        count.tried,
        count.held,
    );
}

#[test]
fn a_failover_that_leaves_the_connection_open_costs_no_request_once_the_address_has_moved() {
    let mut count = Count::default();
    for kind in KINDS {
        let (old, new) = (Redis::start(&[]), Redis::start(&[]));
        let address = Moving::to(old.port);
        let server = over(&format!("redis://127.0.0.1:{}", address.port), kind);
        let before = jane(&server);
        count.is(server.status("/items/", &before), 200, "before");
        // The connection must be older than the least life of one.
        std::thread::sleep(Duration::from_millis(200));
        old.run(&["REPLICAOF", "127.0.0.1", &new.port.to_string()]);
        address.to.store(new.port, Ordering::SeqCst);
        count.is(sign_in(&server), 200, "a sign-in after the failover");
        let token = jane(&server);
        count.is(server.status("/items/", &token), 200, "a new token");
        count.is(revoke(&server, &token), 200, "a revocation");
        count.is(server.status("/items/", &token), 401, "the revoked token");
        count.is(
            server.status("/items/", &before),
            401,
            "what the new one never knew",
        );
    }
    tally(
        "Redis: failover, connection left open, address moves",
        count.tried,
        count.held,
    );
}

#[test]
fn a_redis_that_is_read_only_for_a_while_refuses_and_then_goes_on() {
    let mut count = Count::default();
    let (redis, other) = (Redis::start(&[]), Redis::start(&[]));
    let server = over(&redis.url(), &[]);
    let before = jane(&server);
    redis.run(&["REPLICAOF", "127.0.0.1", &other.port.to_string()]);
    for _ in 0..5 {
        count.is(sign_in(&server), 503, "a sign-in while it is read-only");
        let status = revoke(&server, &before);
        // Once it has taken the other's data, it no longer knows the token.
        count.add(
            matches!(status, 401 | 503),
            &format!("a revocation: {status}"),
        );
    }
    redis.run(&["REPLICAOF", "NO", "ONE"]);
    for _ in 0..5 {
        count.is(sign_in(&server), 200, "a sign-in afterwards");
    }
    tally(
        "Redis: read-only, then promoted back",
        count.tried,
        count.held,
    );
}

#[test]
fn a_full_redis_refuses_to_sign_in_and_never_to_sign_out() {
    let mut count = Count::default();
    for kind in KINDS {
        let redis = Redis::start(&["--maxmemory-policy", "noeviction"]);
        let server = over(&redis.url(), kind);
        let (token, other) = (jane(&server), john(&server));
        for token in [&token, &other] {
            // Twice: the second is answered by a cached decision, where there is a cache.
            count.is(server.status("/items/", token), 200, "before");
            count.is(server.status("/items/", token), 200, "before");
        }
        redis.run(&["CONFIG", "SET", "maxmemory", "1"]);
        count.is(sign_in(&server), 503, "a sign-in");
        count.is(
            server.status("/items/", &token),
            200,
            "a token that is good",
        );
        count.is(revoke(&server, &token), 200, "a sign-out");
        count.is(
            server.status("/items/", &token),
            401,
            "the token afterwards",
        );
        count.is(server.status("/items/", &other), 200, "another's token");
        let path = "/admin/accounts/john";
        count.is(send(&server, "DELETE", path, &other, ""), 200, "a deletion");
        count.is(
            server.status("/items/", &other),
            401,
            "the deleted account's token",
        );
        redis.run(&["CONFIG", "SET", "maxmemory", "0"]);
        count.is(sign_in(&server), 200, "a sign-in with room again");
        count.is(
            server.status("/items/", &token),
            401,
            "the token with room again",
        );
    }
    tally("Redis: full (noeviction)", count.tried, count.held);
}

#[test]
fn a_flushed_redis_grants_nothing_to_who_was_revoked_demoted_or_deleted() {
    let mut count = Count::default();
    for kind in KINDS {
        let redis = Redis::start(&[]);
        let server = over(&redis.url(), kind);
        let administrator = john(&server);
        let roles = |name: &str, roles: &str| {
            let path = format!("/admin/accounts/{name}/roles");
            send(&server, "POST", &path, &administrator, roles)
        };
        count.is(roles("jane", r#"{"roles":["admin"]}"#), 200, "promoted");
        let (demoted, revoked) = (jane(&server), john(&server));
        let deleted = token(&server, "testuser", "testpassword");
        for token in [&demoted, &revoked, &deleted] {
            count.is(server.status("/items/", token), 200, "before");
        }
        count.is(roles("jane", r#"{"roles":["user"]}"#), 200, "demoted");
        count.is(revoke(&server, &revoked), 200, "revoked");
        let path = "/admin/accounts/testuser";
        count.is(
            send(&server, "DELETE", path, &administrator, ""),
            200,
            "deleted",
        );
        redis.run(&["FLUSHALL"]);
        for token in [&demoted, &revoked, &deleted] {
            count.is(server.status("/items/", token), 401, "flushed");
        }
        let path = "/admin/accounts/alice";
        let status = send(&server, "DELETE", path, &demoted, "");
        count.add(
            matches!(status, 401 | 403),
            &format!("by a demoted administrator: {status}"),
        );
        // New sign-ins bring the facts of their subjects back, and those of old tokens not.
        let again = [jane(&server), john(&server)];
        for token in [&demoted, &revoked, &deleted] {
            count.is(server.status("/items/", token), 401, "after new sign-ins");
        }
        for token in &again {
            count.is(server.status("/items/", token), 200, "a new token");
        }
        count.is(
            send(&server, "DELETE", path, &again[0], ""),
            403,
            "by her new token",
        );
    }
    tally("Redis: flushed", count.tried, count.held);
}

#[test]
fn a_redis_that_evicts_never_brings_a_revoked_token_back() {
    const MOST: usize = 30;
    let mut count = Count::default();
    for kind in KINDS {
        let redis = Redis::start(&["--maxmemory-policy", "allkeys-lru"]);
        let server = over(&redis.url(), kind);
        let mut revoked = Vec::new();
        let mut good = Vec::new();
        for _ in 0..MOST {
            let token = jane(&server);
            count.is(server.status("/items/", &token), 200, "before");
            count.is(revoke(&server, &token), 200, "revoked");
            revoked.push(token);
            good.push(jane(&server));
        }
        // A few keys must go, then more, then all.
        for less in [4_000, 16_000, 64_000, usize::MAX] {
            let used = memory_of(&redis).saturating_sub(less).max(1).to_string();
            redis.run(&["CONFIG", "SET", "maxmemory", &used]);
            for token in &revoked {
                let status = server.status("/items/", token);
                count.add(status != 200, &format!("revoked and {status}"));
            }
            for token in &good {
                let status = server.status("/items/", token);
                count.add(
                    matches!(status, 200 | 401 | 503),
                    &format!("good and {status}"),
                );
            }
        }
        redis.run(&["CONFIG", "SET", "maxmemory", "0"]);
        count.is(
            server.status("/items/", &jane(&server)),
            200,
            "with room again",
        );
        for token in &revoked {
            count.is(server.status("/items/", token), 401, "with room again");
        }
    }
    tally("Redis: evicting (allkeys-lru)", count.tried, count.held);
}

fn memory_of(redis: &Redis) -> usize {
    let redis::Value::BulkString(text) = redis.run(&["INFO", "memory"]) else {
        panic!("no text");
    };
    let text = String::from_utf8(text).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    line.unwrap().trim().parse().unwrap()
}

#[test]
#[ignore = "half a minute: it waits until idle connections are closed"]
fn a_connection_that_was_closed_while_idle_costs_no_request() {
    let mut count = Count::default();
    let redis = Redis::start(&["--timeout", "1"]);
    let server = over(&redis.url(), &[]);
    let token = jane(&server);
    for _ in 0..12 {
        until("the connection is not closed", || {
            std::thread::sleep(Duration::from_millis(500));
            connections(&redis) == 0
        });
        count.is(server.status("/items/", &token), 200, "after a pause");
    }
    tally(
        "Redis: closed while idle (timeout 1)",
        count.tried,
        count.held,
    );
}

/// How many connections there are besides the one that asks.
fn connections(redis: &Redis) -> usize {
    let list = redis.run(&["CLIENT", "LIST", "TYPE", "normal"]);
    let redis::Value::BulkString(text) = list else {
        panic!("no text");
    };
    String::from_utf8(text).unwrap().lines().count() - 1
}

#[test]
fn a_connection_that_was_closed_costs_no_request_of_any_kind() {
    let mut count = Count::default();
    for kind in KINDS {
        let redis = Redis::start(&[]);
        let server = over(&redis.url(), kind);
        for _ in 0..12 {
            let cut = || {
                redis.run(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
            };
            cut();
            let (status, body) = answered(&server, "jane", "password456");
            count.is(status, 200, "a sign-in");
            let mut token = body["access_token"].as_str().unwrap().to_owned();
            cut();
            count.is(server.status("/items/", &token), 200, "a request");
            if let Some(refresh) = body["refresh_token"].as_str() {
                cut();
                let body = format!(r#"{{"refresh_token":"{refresh}"}}"#);
                let head = "POST /token/refresh HTTP/1.1\r\ncontent-type: application/json";
                let (status, body) = server.ask(head, &body).unwrap();
                count.is(status, 200, "a refresh");
                let body: serde_json::Value = serde_json::from_str(&body).unwrap();
                body["access_token"]
                    .as_str()
                    .unwrap()
                    .clone_into(&mut token);
                count.is(server.status("/items/", &token), 200, "the next token");
            }
            cut();
            count.is(revoke(&server, &token), 200, "a sign-out");
            cut();
            count.is(
                server.status("/items/", &token),
                401,
                "the token afterwards",
            );
        }
    }
    tally(
        "Redis: connection closed before each request",
        count.tried,
        count.held,
    );
}

#[test]
fn connections_that_are_killed_again_and_again_cost_no_request() {
    const REQUESTS: usize = 300;
    let mut count = Count::default();
    let redis = Redis::start(&[]);
    let server = over(&redis.url(), REFRESHED);
    let token = jane(&server);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                redis.run(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        for _ in 0..REQUESTS {
            count.is(server.status("/items/", &token), 200, "a request");
        }
        stop.store(true, Ordering::SeqCst);
    });
    count.is(revoke(&server, &token), 200, "a sign-out");
    count.is(
        server.status("/items/", &token),
        401,
        "the token afterwards",
    );
    tally("Redis: CLIENT KILL in a loop", count.tried, count.held);
}

#[test]
fn a_password_that_is_wrong_for_a_while_and_too_many_clients_cost_no_request_afterwards() {
    let mut count = Count::default();
    let redis = Redis::start(&[]);
    let with = |password: &str| {
        redis.run(&[
            "ACL",
            "SETUSER",
            "lab",
            "on",
            "resetpass",
            password,
            "~*",
            "+@all",
        ]);
        redis.run(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    };
    with(">hunter2");
    let server = over(
        &format!("redis://lab:hunter2@127.0.0.1:{}", redis.port),
        &[],
    );
    let token = jane(&server);
    with(">another");
    for _ in 0..3 {
        count.is(
            server.status("/items/", &token),
            503,
            "with another password",
        );
    }
    with(">hunter2");
    std::thread::sleep(Duration::from_millis(200));
    count.is(
        server.status("/items/", &token),
        200,
        "with the password again",
    );

    let client = redis::Client::open(redis.url()).unwrap();
    let mut one = client.get_connection().unwrap();
    let set = |most: &str, one: &mut redis::Connection| {
        let mut command = redis::cmd("CONFIG");
        command.arg("SET").arg("maxclients").arg(most);
        command.query::<()>(one).unwrap();
    };
    set("1", &mut one);
    let mut kill = redis::cmd("CLIENT");
    kill.arg("KILL")
        .arg("TYPE")
        .arg("normal")
        .arg("SKIPME")
        .arg("yes");
    // From the one connection that may be there.
    kill.query::<()>(&mut one).unwrap();
    for _ in 0..3 {
        count.is(
            server.status("/items/", &token),
            503,
            "with too many clients",
        );
    }
    set("100", &mut one);
    std::thread::sleep(Duration::from_millis(200));
    count.is(
        server.status("/items/", &token),
        200,
        "with room for clients again",
    );
    tally(
        "Redis: password changed and back, too many clients",
        count.tried,
        count.held,
    );
}

/// What a start with these sessions ends with: the exit code, and stderr.
fn refused(url: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authlab"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--password", "sha256"]);
    let mut child = command
        .args(["--sessions", url])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = String::new();
    let begun = Instant::now();
    let code = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if begun.elapsed() > AT_MOST {
            child.kill().unwrap();
            break child.wait().unwrap().code();
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    (code, text)
}

/// As docs/server.md has it.
const PERMITTED: &str = "+mget +get +set +del +hget +hset +hdel +hgetall +hlen +hexists +hmget \
    +hincrby +ttl +expire +expireat +pexpire +time +evalsha +script|load +ping +select";

#[test]
fn a_redis_that_will_never_do_is_refused_at_start_with_its_cause() {
    let mut count = Count::default();
    let protected = Redis::start(&[]);
    protected.run(&[
        "ACL",
        "SETUSER",
        "reader",
        "on",
        ">hunter2",
        "~*",
        "+@read",
        "+@connection",
    ]);
    protected.run(&[
        "ACL", "SETUSER", "narrow", "on", ">hunter2", "~other:*", "+@all",
    ]);
    let folder = tempfile::tempdir().unwrap();
    let clustered = Redis::start(&[
        "--cluster-enabled",
        "yes",
        "--dir",
        folder.path().to_str().unwrap(),
    ]);
    let secret = Redis::start(&["--requirepass", "hunter2"]);
    let web = Server::start(&["--password", "sha256"]);
    let at = |name: &str, port: u16, rest: &str| format!("redis://{name}127.0.0.1:{port}{rest}");
    let cases = [
        (
            at("reader:wrong@", protected.port, ""),
            "refuses the name or the password",
        ),
        (
            at(":wrong@", secret.port, ""),
            "refuses the name or the password",
        ),
        (at("", secret.port, ""), "NOAUTH"),
        (at("", protected.port, "/99"), "DB index is out of range"),
        (at("reader:hunter2@", protected.port, ""), "NOPERM"),
        (at("narrow:hunter2@", protected.port, ""), "NOPERM"),
        (at("", clustered.port, ""), "Redis Cluster"),
        (
            at("", web.address.port(), ""),
            "does not speak the protocol of Redis",
        ),
    ];
    for (url, cause) in cases {
        let (code, text) = refused(&url);
        count.add(
            code == Some(2),
            &format!("{url} ended with {code:?}: {text}"),
        );
        count.add(text.contains(cause), &format!("{url} says {text}"));
        count.add(
            text.lines().count() == 1,
            &format!("{url} says more: {text}"),
        );
        count.add(
            !text.contains("hunter2") && !text.contains("wrong@"),
            &"a password is shown",
        );
    }
    // What docs/server.md says is enough.
    let mut rules = vec!["ACL", "SETUSER", "exact", "on", ">hunter2", "~authlab:*"];
    rules.extend(PERMITTED.split_ascii_whitespace());
    protected.run(&rules);
    for kind in KINDS {
        let server = over(&at("exact:hunter2@", protected.port, ""), kind);
        let token = jane(&server);
        count.is(
            server.status("/items/", &token),
            200,
            "with the documented permissions",
        );
        count.is(
            revoke(&server, &token),
            200,
            "with the documented permissions",
        );
    }
    tally(
        "Redis: a wrong configuration, at start",
        count.tried,
        count.held,
    );
}

#[test]
fn what_redis_may_lose_is_said_at_start_and_why_a_request_got_503_in_a_line_a_second() {
    let mut count = Count::default();
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().to_str().unwrap();
    let cases: [(&[&str], &[&str]); 4] = [
        (&[], &["no persistence"]),
        (
            &["--maxmemory-policy", "allkeys-lru", "--maxmemory", "100mb"],
            &["maxmemory-policy is allkeys-lru", "no persistence"],
        ),
        (
            &["--save", "60 1", "--dir", directory],
            &["snapshots are the only persistence"],
        ),
        (
            &["--appendonly", "yes", "--dir", directory],
            &["appendfsync is everysec"],
        ),
    ];
    for (more, warnings) in cases {
        let mut redis = Redis::start(more);
        let file = tempfile::NamedTempFile::new().unwrap();
        let said = || std::fs::read_to_string(file.path()).unwrap();
        let flags = ["--password", "sha256", "--sessions", &redis.url()];
        let server = Server::start_with(&flags, file.reopen().unwrap().into());
        for warning in warnings {
            count.add(
                said().contains(warning),
                &format!("{warning} is not in {}", said()),
            );
        }
        redis.kill();
        for _ in 0..10 {
            count.is(sign_in(&server), 503, "while it is away");
        }
        let told = said().matches("WARN sessions: redis://127.0.0.1:").count();
        count.add(
            (1..10).contains(&told),
            &format!("{told} lines in {}", said()),
        );
    }
    tally(
        "Redis: what it may lose, and causes of 503",
        count.tried,
        count.held,
    );
}

#[test]
fn the_causes_of_503_are_told_of_users_and_of_introspection_too_and_without_secrets() {
    let mut count = Count::default();
    let nowhere = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = nowhere.local_addr().unwrap().port();
    drop(nowhere);
    let url = format!("http://127.0.0.1:{port}/introspect?key=hunter2");
    let users = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(users.path(), "{}").unwrap();
    let from = format!("file:{}", users.path().display());
    let cases: [(&[&str], &str); 2] = [
        (
            &["--verify", "introspect", "--introspect-url", &url],
            "WARN introspection: 127.0.0.1:",
        ),
        (
            &["--password", "sha256", "--users", &from],
            "WARN users: users file",
        ),
    ];
    for (flags, cause) in cases {
        std::fs::write(users.path(), "{}").unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let server = Server::start_with(flags, file.reopen().unwrap().into());
        std::fs::write(users.path(), "no JSON").unwrap();
        for _ in 0..5 {
            let status = if cause.contains("users") {
                sign_in(&server)
            } else {
                server.status("/items/", "any")
            };
            count.is(status, 503, cause);
        }
        let said = std::fs::read_to_string(file.path()).unwrap();
        let told = said.matches(cause).count();
        count.add((1..5).contains(&told), &format!("{told} lines in {said}"));
        let warned = said.lines().filter(|line| line.contains("WARN"));
        let secrets = warned.filter(|cause| cause.contains("hunter2")).count();
        count.add(secrets == 0, &said);
    }
    tally(
        "causes of 503: users and introspection",
        count.tried,
        count.held,
    );
}

#[test]
fn a_restart_ends_what_was_revoked_though_the_secret_and_the_second_are_the_same() {
    let mut count = Count::default();
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "a secret of at least thirty-two bytes").unwrap();
    let path = secret.path().to_str().unwrap();
    let flags = [
        "--password",
        "sha256",
        "--secret-file",
        path,
        "--issuer",
        "https://auth.example",
    ];
    for more in [&[][..], REFRESHED, DEVICES] {
        let flags: Vec<&str> = flags.iter().chain(more).copied().collect();
        let first = Server::start(&flags);
        let (revoked, good) = (jane(&first), jane(&first));
        count.is(revoke(&first, &revoked), 200, "revoked");
        count.is(first.status("/items/", &good), 200, "before");
        drop(first);
        let second = Server::start(&flags);
        count.is(
            second.status("/items/", &revoked),
            401,
            "revoked before the restart",
        );
        count.is(
            second.status("/items/", &good),
            401,
            "issued before the restart",
        );
        count.is(
            second.status("/items/", &jane(&second)),
            200,
            "issued after it",
        );
    }
    tally(
        "memory: a restart with a lasting secret",
        count.tried,
        count.held,
    );
}
