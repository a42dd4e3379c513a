//! Connections that are stopped, closed or refused cost no request once Redis answers again.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use super::{Count, KINDS, REFRESHED, Redis, answered, jane, over, revoke, sign_in, until};
use crate::stand::tally;

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

#[test]
#[ignore = "half a minute: it waits until idle connections are closed"]
fn a_connection_that_was_closed_while_idle_costs_no_request() {
    let mut count = Count::default();
    let redis = Redis::start(&["--timeout", "1"]);
    // Otherwise the server asks what others have changed, four times a second, and is never idle.
    let server = over(&redis.url(), &["--lease", "60m"]);
    let token = jane(&server);
    for _ in 0..12 {
        let before = connections(&redis);
        until("the connections are not closed", || {
            std::thread::sleep(Duration::from_millis(500));
            connections(&redis).is_disjoint(&before)
        });
        count.is(server.status("/items/", &token), 200, "after a pause");
    }
    tally(
        "Redis: closed while idle (timeout 1)",
        count.tried,
        count.held,
    );
}

/// The numbers of the connections that there are, that of the one that asks among them.
fn connections(redis: &Redis) -> BTreeSet<String> {
    let list = redis.run(&["CLIENT", "LIST", "TYPE", "normal"]);
    let redis::Value::BulkString(text) = list else {
        panic!("no text");
    };
    let text = String::from_utf8(text).unwrap();
    let lines = text.lines();
    lines
        .filter_map(|line| line.split(' ').next())
        .map(ToOwned::to_owned)
        .collect()
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
    /// So many without an answer between them, each of which may end a connection that is being made and the next: a call is
    /// sent eight times at most, however slow a busy machine makes it.
    const IN_A_ROW: usize = 2;
    let mut count = Count::default();
    let redis = Redis::start(&[]);
    let server = over(&redis.url(), REFRESHED);
    let token = jane(&server);
    let (stop, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut known, mut in_a_row) = (0, 0);
            while !stop.load(Ordering::SeqCst) {
                let now = answered.load(Ordering::SeqCst);
                if now > known {
                    (known, in_a_row) = (now, 0);
                }
                if in_a_row < IN_A_ROW {
                    in_a_row += 1;
                    redis.run(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        for _ in 0..REQUESTS {
            count.is(server.status("/items/", &token), 200, "a request");
            answered.fetch_add(1, Ordering::SeqCst);
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
