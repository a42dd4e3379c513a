//! One client that fills a store, and another user all the while.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::stand::{Server, tally};

/// How many requests are sent before their answers are read.
const TOGETHER: usize = 50;
const CONNECTIONS: usize = 4;

/// What is sent again and again.
struct Flood {
    path: &'static str,
    content_type: &'static str,
    authorization: &'static str,
    body: &'static str,
}

/// `demo-client` with `demo-secret`.
const CREDENTIALS: Flood = Flood {
    path: "/oauth/token",
    content_type: "application/x-www-form-urlencoded",
    authorization: "Basic ZGVtby1jbGllbnQ6ZGVtby1zZWNyZXQ=",
    body: "grant_type=client_credentials",
};

const SIGN_INS: Flood = Flood {
    path: "/token",
    content_type: "application/json",
    authorization: "",
    body: r#"{"username":"john","password":"password123"}"#,
};

/// One keep-alive connection of a flood: the access tokens that it was given, in their order, until it has sent so many or
/// the time is over.
fn flood(address: SocketAddr, flood: &Flood, requests: usize, until: Instant) -> Vec<String> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    let one = format!(
        "POST {} HTTP/1.1\r\nhost: {address}\r\ncontent-type: {}\r\nauthorization: {}\r\ncontent-length: {}\r\n\r\n{}",
        flood.path,
        flood.content_type,
        flood.authorization,
        flood.body.len(),
        flood.body
    );
    let mut tokens = Vec::new();
    let mut sent = 0;
    while sent < requests && Instant::now() < until {
        let together = TOGETHER.min(requests - sent);
        stream.write_all(one.repeat(together).as_bytes()).unwrap();
        sent += together;
        for _ in 0..together {
            let body = answer(&mut answers);
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            // A refusal says so: only tokens that were given count.
            if let Some(token) = body["access_token"].as_str() {
                tokens.push(token.to_owned());
            }
        }
    }
    tokens
}

/// The body of the next answer.
fn answer(answers: &mut BufReader<TcpStream>) -> String {
    let mut length = 0;
    loop {
        let mut line = String::new();
        assert!(
            answers.read_line(&mut line).unwrap() > 0,
            "the connection ended"
        );
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    answers.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

/// A flood, and another user meanwhile: an earlier session of hers is used, and she signs in again. Beyond its `share` the
/// one who floods loses the oldest of its own, and nobody else anything.
fn beside(
    fault: &str,
    flags: &[&str],
    what: &Flood,
    requests: usize,
    share: usize,
    limit: Duration,
) {
    let server = Server::start(flags);
    let earlier = server.token("jane", "password456").unwrap();
    assert_eq!(server.status("/items/", &earlier), 200);
    let until = Instant::now() + limit;
    let (address, each) = (server.address, requests / CONNECTIONS);
    let ended = AtomicBool::new(false);
    let (mut tried, mut held) = (0, 0);
    let mut waits = Vec::new();
    let given = std::thread::scope(|scope| {
        let floods: Vec<_> = (0..CONNECTIONS)
            .map(|_| scope.spawn(move || flood(address, what, each, until)))
            .collect();
        let bystander = scope.spawn(|| {
            let mut judged = Vec::new();
            while !ended.load(Ordering::Acquire) {
                let asked = Instant::now();
                judged.push(server.status("/items/", &earlier) == 200);
                let again = server.token("jane", "password456");
                judged.push(again.is_some_and(|token| server.status("/items/", &token) == 200));
                waits.push(asked.elapsed());
                std::thread::sleep(Duration::from_millis(20));
            }
            judged
        });
        let given: Vec<Vec<String>> = floods
            .into_iter()
            .map(|flood| flood.join().unwrap())
            .collect();
        ended.store(true, Ordering::Release);
        for judged in bystander.join().unwrap() {
            tried += 1;
            held += usize::from(judged);
        }
        given
    });
    let total: usize = given.iter().map(Vec::len).sum();
    assert!(
        total > share + CONNECTIONS * TOGETHER,
        "{total} were given: too few to fill a share of {share}"
    );
    // The very first of each connection made room, and the very last of all stands.
    for tokens in &given {
        tried += 1;
        held += usize::from(server.status("/items/", &tokens[0]) == 401);
    }
    let last = given.iter().filter_map(|tokens| tokens.last());
    tried += 1;
    held += usize::from(
        last.into_iter()
            .any(|token| server.status("/items/", token) == 200),
    );
    waits.sort_unstable();
    let (median, worst) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    println!(
        "       {total} tokens were given; three requests of the bystander took {median:.1?} at p50 and {worst:.1?} at most"
    );
    tally(fault, tried, held);
}

#[test]
fn a_client_that_floods_the_tokens_takes_nothing_from_a_user() {
    let flags = [
        "--password",
        "sha256",
        "--credential",
        "opaque",
        "--max-tokens-per-subject",
        "1000",
    ];
    let limit = Duration::from_secs(60);
    beside(
        "a client fills the store of tokens",
        &flags,
        &CREDENTIALS,
        6_000,
        1_000,
        limit,
    );
}

#[test]
fn a_user_who_floods_the_sessions_takes_nothing_from_another() {
    let flags = [
        "--password",
        "sha256",
        "--refresh",
        "rotate",
        "--max-tokens-per-subject",
        "500",
    ];
    let limit = Duration::from_secs(60);
    beside(
        "a user fills the store of sessions",
        &flags,
        &SIGN_INS,
        3_000,
        500,
        limit,
    );
}

#[test]
#[ignore = "a million requests: `make faults`"]
fn a_million_grants_of_one_client_take_nothing_from_a_user() {
    let flags = ["--password", "sha256", "--credential", "opaque"];
    let limit = Duration::from_secs(240);
    beside(
        "a client is given a million tokens",
        &flags,
        &CREDENTIALS,
        1_000_000,
        10_000,
        limit,
    );
}

#[test]
#[ignore = "so many sign-ins that all sessions of one user end twice: `make faults`"]
fn a_user_whose_sessions_all_end_takes_nothing_from_another() {
    let flags = [
        "--password",
        "sha256",
        "--refresh",
        "rotate",
        "--max-tokens-per-subject",
        "1000",
    ];
    let limit = Duration::from_secs(240);
    beside(
        "a user's evicted sessions fill the revocations",
        &flags,
        &SIGN_INS,
        40_000,
        1_000,
        limit,
    );
}
