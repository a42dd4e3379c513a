//! What a server says of its Redis at its start and in its log, and what a restart of the server ends.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{AT_MOST, Count, DEVICES, KINDS, REFRESHED, Redis, jane, over, revoke, sign_in};
use crate::stand::{Server, tally};

/// What a start with these sessions ends with: the exit code, and stderr.
pub(super) fn refused(url: &str) -> (Option<i32>, String) {
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
    +hincrby +ttl +expire +expireat +pexpire +time +evalsha +script|load +ping +role +select";

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
    let mut rules = vec!["ACL", "SETUSER", "exact", "on", ">hunter2", "~{authlab}:*"];
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
