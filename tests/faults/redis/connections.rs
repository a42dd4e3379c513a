//! Connections that are stopped, closed or refused cost no request once Redis answers again.

use std::sync::atomic::{AtomicBool, Ordering};
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
