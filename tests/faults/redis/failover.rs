//! Redis moves: a failover, a replica that is promoted, an answer that is lost on its way.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use super::{Count, KINDS, REFRESHED, Redis, answered, jane, over, revoke, sign_in};
use crate::stand::tally;

/// An address that moves from one Redis to another. Connections that are open stay where they are.
pub(super) struct Moving {
    pub(super) port: u16,
    pub(super) to: Arc<AtomicU16>,
}

impl Moving {
    pub(super) fn to(port: u16) -> Self {
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
