//! Faults of one Redis while requests go on.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::failover::Moving;
use super::meanwhile::meanwhile;
use super::{Count, Redis, SHARED, jane, over, serve, sign_in, until};
use crate::stand::tally;

/// Each request asks what is revoked, or a decision that is shared.
const DESIGNS: [&[&str]; 2] = [&[], SHARED];

#[test]
fn nothing_wrong_is_granted_while_redis_is_killed_stopped_flushed_or_cut_off() {
    for flags in DESIGNS {
        let mut redis = Redis::start(&[]);
        let server = over(&redis.url(), flags);
        meanwhile(&server, "Redis, under load: kill -9 and restart", || {
            redis.kill();
            std::thread::sleep(Duration::from_millis(300));
            redis.child = serve(redis.port, &[]);
            redis.wait();
        });
        // Longer than a call waits. The ignored test below stops it for ten seconds.
        meanwhile(&server, "Redis, under load: SIGSTOP for 2 s", || {
            stopped(&redis, Duration::from_secs(2));
        });
        meanwhile(&server, "Redis, under load: FLUSHALL, five times", || {
            for _ in 0..5 {
                redis.run(&["FLUSHALL"]);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        meanwhile(&server, "Redis, under load: CLIENT KILL in a loop", || {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(1) {
                redis.run(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        meanwhile(&server, "Redis, under load: SCRIPT FLUSH in a loop", || {
            for _ in 0..50 {
                redis.run(&["SCRIPT", "FLUSH"]);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        meanwhile(&server, "Redis, under load: full for a second", || {
            redis.run(&["CONFIG", "SET", "maxmemory", "1"]);
            std::thread::sleep(Duration::from_secs(1));
            redis.run(&["CONFIG", "SET", "maxmemory", "0"]);
        });
        meanwhile(&server, "Redis, under load: a script of 400 ms", || {
            let busy = "local begun = redis.call('TIME')[1] * 1000000 + redis.call('TIME')[2] \
                while redis.call('TIME')[1] * 1000000 + redis.call('TIME')[2] - begun < 400000 do end";
            redis.run(&["CONFIG", "SET", "busy-reply-threshold", "50"]);
            redis.run(&["EVAL", &format!("redis.replicate_commands() {busy}"), "0"]);
        });
    }
}

#[test]
#[ignore = "a quarter of a minute"]
fn nothing_wrong_is_granted_while_redis_is_stopped_for_ten_seconds() {
    let redis = Redis::start(&[]);
    let server = over(&redis.url(), &[]);
    meanwhile(&server, "Redis, under load: SIGSTOP for 10 s", || {
        stopped(&redis, Duration::from_secs(10));
    });
}

fn stopped(redis: &Redis, period: Duration) {
    redis.signal(Signal::STOP);
    std::thread::sleep(period);
    redis.signal(Signal::CONT);
}

#[test]
fn nothing_wrong_is_granted_while_the_address_moves_to_a_promoted_replica() {
    for flags in DESIGNS {
        let (old, new) = (Redis::start(&[]), Redis::start(&[]));
        new.run(&["REPLICAOF", "127.0.0.1", &old.port.to_string()]);
        until("no replication", || {
            format!("{:?}", new.run(&["INFO", "replication"])).contains("master_link_status:up")
        });
        let address = Moving::to(old.port);
        let server = over(&format!("redis://127.0.0.1:{}", address.port), flags);
        meanwhile(
            &server,
            "Redis, under load: failover, connection open",
            || {
                // As a proxy does it: the old one takes no writes, and the replica has them all.
                old.run(&["CLIENT", "PAUSE", "300", "WRITE"]);
                until("the replica lags", || offset(&new) == offset(&old));
                new.run(&["REPLICAOF", "NO", "ONE"]);
                address.to.store(new.port, Ordering::SeqCst);
                old.run(&["REPLICAOF", "127.0.0.1", &new.port.to_string()]);
            },
        );
    }
}

/// How much of the stream of changes it has.
fn offset(redis: &Redis) -> Option<u64> {
    let redis::Value::BulkString(text) = redis.run(&["INFO", "replication"]) else {
        return None;
    };
    let text = String::from_utf8(text).unwrap();
    // A replica has applied less than its own number says.
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse().ok())
    };
    of("slave_repl_offset:").or_else(|| of("master_repl_offset:"))
}

/// A replica may not know what was revoked at its master.
#[test]
fn what_has_become_a_replica_is_not_read_though_the_connection_is_open() {
    let mut count = Count::default();
    for flags in DESIGNS {
        let (old, new) = (Redis::start(&[]), Redis::start(&[]));
        let server = over(&old.url(), flags);
        let token = jane(&server);
        count.is(server.status("/items/", &token), 200, "at a master");
        // A replica that never hears of its master goes on answering reads.
        new.run(&["CONFIG", "SET", "requirepass", "hunter2"]);
        old.run(&["REPLICAOF", "127.0.0.1", &new.port.to_string()]);
        until("it is read on", || server.status("/items/", &token) == 503);
        for _ in 0..20 {
            count.is(server.status("/items/", &token), 503, "at a replica");
        }
        old.run(&["REPLICAOF", "NO", "ONE"]);
        until("it does not recover", || sign_in(&server) == 200);
        count.is(server.status("/items/", &token), 200, "promoted back");
    }
    tally("Redis: a replica is not read", count.tried, count.held);
}
