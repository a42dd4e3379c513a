//! What Redis itself loses: it is killed without persistence, full, flushed, evicting.

use super::{Count, KINDS, Redis, jane, john, over, revoke, send, serve, sign_in, token};
use crate::stand::tally;

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
