//! A Redis without memory to give (`maxmemory`, `noeviction`): every way of revoking works, or says that it did not.

use super::{Count, DEVICES, OPAQUE, REFRESHED, Redis, SHARED, answered, jane, john, over, send};
use crate::stand::{Server, tally};

const FULL: &[&str] = &["--maxmemory-policy", "noeviction"];

fn fill(redis: &Redis) {
    redis.run(&["CONFIG", "SET", "maxmemory", "1"]);
}

/// A form to an OAuth endpoint, of the demo client.
fn form(server: &Server, path: &str, form: &str) -> u16 {
    let head = format!(
        "POST {path} HTTP/1.1\r\nauthorization: Basic ZGVtby1jbGllbnQ6ZGVtby1zZWNyZXQ=\r\ncontent-type: application/x-www-form-urlencoded"
    );
    server.ask(&head, form).map_or(0, |(status, _)| status)
}

fn refresh(server: &Server, token: &str) -> (u16, serde_json::Value) {
    let head = "POST /token/refresh HTTP/1.1\r\ncontent-type: application/json";
    let body = format!(r#"{{"refresh_token":"{token}"}}"#);
    let (status, body) = server.ask(head, &body).unwrap_or_default();
    (status, serde_json::from_str(&body).unwrap_or_default())
}

fn part<'a>(body: &'a serde_json::Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_default()
}

/// A way of ending what a token stands for: its name, the flags of the server, and how it is done.
type Way = (
    &'static str,
    &'static [&'static str],
    fn(&Server, &str) -> u16,
);

const CHANGED: &str = r#"{"password":"password456","new_password":"password789"}"#;

const WAYS: &[Way] = &[
    ("a signed token", &[], |server, token| {
        send(server, "POST", "/token/revoke", token, "")
    }),
    ("a random token", OPAQUE, |server, token| {
        send(server, "POST", "/token/revoke", token, "")
    }),
    (
        "a token whose decision is shared",
        SHARED,
        |server, token| send(server, "POST", "/token/revoke", token, ""),
    ),
    ("a session that is refreshed", REFRESHED, |server, token| {
        send(server, "POST", "/token/revoke", token, "")
    }),
    ("a token, by a client", &[], |server, token| {
        form(server, "/oauth/revoke", &format!("token={token}"))
    }),
    ("a session, by a client", REFRESHED, |server, token| {
        form(server, "/oauth/revoke", &format!("token={token}"))
    }),
    ("a device", DEVICES, |server, token| {
        send(server, "POST", "/logout", token, "")
    }),
    ("all devices", DEVICES, |server, token| {
        send(server, "POST", "/logout/all", token, "")
    }),
    ("all tokens, by another password", &[], |server, token| {
        send(server, "POST", "/password", token, CHANGED)
    }),
    (
        "all devices, by another password",
        DEVICES,
        |server, token| send(server, "POST", "/password", token, CHANGED),
    ),
];

#[test]
fn whatever_way_a_token_is_revoked_a_full_redis_does_it() {
    let mut count = Count::default();
    for (what, flags, end) in WAYS {
        let redis = Redis::start(FULL);
        let server = over(&redis.url(), flags);
        let (ended, other) = (jane(&server), john(&server));
        for token in [&ended, &other, &ended, &other] {
            count.is(server.status("/items/", token), 200, what);
        }
        fill(&redis);
        count.is(end(&server, &ended), 200, what);
        count.is(server.status("/items/", &ended), 401, what);
        count.is(server.status("/items/", &other), 200, "another's token");
        redis.run(&["CONFIG", "SET", "maxmemory", "0"]);
        count.is(server.status("/items/", &ended), 401, what);
    }
    tally("Redis: full, each way of revoking", count.tried, count.held);
}

#[test]
fn whatever_an_administrator_takes_away_a_full_redis_takes_it_from_every_token() {
    let mut count = Count::default();
    for flags in [&[][..], OPAQUE, REFRESHED, DEVICES, SHARED] {
        let redis = Redis::start(FULL);
        let server = over(&redis.url(), flags);
        let (administrator, ended, removed) = (john(&server), jane(&server), {
            super::token(&server, "testuser", "testpassword")
        });
        for token in [&administrator, &ended, &removed, &ended, &removed] {
            count.is(server.status("/items/", token), 200, "before");
        }
        fill(&redis);
        let (path, roles) = ("/admin/accounts/jane/roles", r#"{"roles":["user"]}"#);
        let status = send(&server, "POST", path, &administrator, roles);
        count.is(status, 200, "roles");
        count.is(server.status("/items/", &ended), 401, "other roles");
        let path = "/admin/accounts/testuser";
        let status = send(&server, "DELETE", path, &administrator, "");
        count.is(status, 200, "a removal");
        count.is(server.status("/items/", &removed), 401, "removed");
        let status = send(&server, "DELETE", path, &administrator, "");
        count.is(status, 404, "the same removal again");
        let status = send(&server, "POST", "/admin/policy", &administrator, "{}");
        count.is(status, 200, "a policy");
        let status = send(&server, "POST", "/admin/keys", &administrator, "");
        if !flags.contains(&"opaque") {
            count.is(status, 200, "another key");
            let status = server.status("/items/", &administrator);
            count.is(status, 401, "a token of the key before");
        }
    }
    tally(
        "Redis: full, what administrators take away",
        count.tried,
        count.held,
    );
}

#[test]
fn a_full_redis_gives_no_session_its_next_turn_and_ends_one_whose_token_was_stolen() {
    let mut count = Count::default();
    let redis = Redis::start(FULL);
    let server = over(&redis.url(), REFRESHED);
    let (_, first) = answered(&server, "jane", "password456");
    let (status, second) = refresh(&server, part(&first, "refresh_token"));
    count.is(status, 200, "a turn before");
    let access = part(&second, "access_token");
    fill(&redis);
    let (status, _) = refresh(&server, part(&second, "refresh_token"));
    // It would be longer than the one before by nothing, and Redis refuses it all the same.
    count.is(status, 503, "a turn");
    count.is(server.status("/items/", access), 200, "its token goes on");
    let (status, _) = refresh(&server, part(&first, "refresh_token"));
    count.is(status, 400, "a turn that was taken");
    count.is(server.status("/items/", access), 401, "the session's token");
    redis.run(&["CONFIG", "SET", "maxmemory", "0"]);
    let (status, _) = refresh(&server, part(&second, "refresh_token"));
    count.is(status, 400, "the session has ended");
    tally("Redis: full, turns of a session", count.tried, count.held);
}

#[test]
fn a_server_that_starts_beside_a_full_redis_revokes_what_another_issued() {
    let mut count = Count::default();
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "a secret of at least thirty-two bytes").unwrap();
    let path = secret.path().to_str().unwrap();
    for more in [&[][..], OPAQUE, REFRESHED, DEVICES] {
        let redis = Redis::start(FULL);
        let mut flags = vec!["--issuer", "https://auth.example"];
        if more != OPAQUE {
            flags.extend(["--secret-file", path]);
        }
        flags.extend(more);
        let token = jane(&over(&redis.url(), &flags));
        redis.run(&["SCRIPT", "FLUSH"]);
        fill(&redis);
        let server = over(&redis.url(), &flags);
        count.is(server.status("/items/", &token), 200, "before");
        count.is(super::revoke(&server, &token), 200, "a sign-out");
        count.is(server.status("/items/", &token), 401, "afterwards");
    }
    tally(
        "Redis: full, a server that starts meanwhile",
        count.tried,
        count.held,
    );
}
