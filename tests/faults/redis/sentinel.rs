//! A master, its replica and three sentinels: the master is killed, stopped, or gives its place up, and requests go on at the
//! new one.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::meanwhile::meanwhile;
use super::{Count, Redis, SHARED, jane, over, revoke, serve, until};
use crate::stand::tally;

struct Sentinel {
    port: u16,
    child: Child,
}

/// Three sentinels, and two servers of which one is the master.
struct Guarded {
    sentinels: Vec<Sentinel>,
    one: Redis,
    two: Redis,
    _folder: tempfile::TempDir,
}

fn free() -> u16 {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    free.local_addr().unwrap().port()
}

impl Guarded {
    fn start() -> Self {
        // A replica that has just been promoted has nothing else to offer than what it got.
        let (one, two) = (Redis::start(&[]), Redis::start(&[]));
        two.run(&["REPLICAOF", "127.0.0.1", &one.port.to_string()]);
        let folder = tempfile::tempdir().unwrap();
        let sentinels = (0..3).map(|number| {
            let port = free();
            let file = folder.path().join(format!("{number}.conf"));
            let text = format!(
                "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor main 127.0.0.1 {} 2\n\
                 sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n",
                folder.path().display(),
                one.port
            );
            std::fs::write(&file, text).unwrap();
            let child = Command::new("redis-server")
                .arg(&file)
                .arg("--sentinel")
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            Sentinel { port, child }
        });
        let guarded = Self {
            sentinels: sentinels.collect(),
            one,
            two,
            _folder: folder,
        };
        for sentinel in &guarded.sentinels {
            until("the sentinels do not find each other", || {
                sentinel.says("num-other-sentinels").as_deref() == Some("2")
                    && sentinel.says("num-slaves").as_deref() == Some("1")
            });
        }
        guarded
    }

    fn url(&self) -> String {
        let each = self.sentinels.iter();
        let hosts: Vec<String> = each.map(|one| format!("127.0.0.1:{}", one.port)).collect();
        format!("redis-sentinel://{}/main/2", hosts.join(","))
    }

    /// Waits until all of them name this server as the master.
    fn until_master(&self, port: u16) {
        for sentinel in &self.sentinels {
            until("no failover", || {
                sentinel.says("port").as_deref() == Some(&*port.to_string())
            });
        }
    }
}

impl Sentinel {
    fn says(&self, what: &str) -> Option<String> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        let mut connection = client.get_connection().ok()?;
        let mut ask = redis::cmd("SENTINEL");
        ask.arg("MASTER").arg("main");
        let said: std::collections::HashMap<String, String> = ask.query(&mut connection).ok()?;
        said.get(what).cloned()
    }

    /// Whether it begins a failover: it does not while another has not ended.
    fn fails_over(&self) -> bool {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        let mut connection = client.get_connection().unwrap();
        let mut ask = redis::cmd("SENTINEL");
        ask.arg("FAILOVER").arg("main");
        ask.query::<()>(&mut connection).is_ok()
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_master_that_is_killed_is_replaced_and_comes_back_as_a_replica() {
    for flags in [&[][..], SHARED] {
        let mut guarded = Guarded::start();
        let server = over(&guarded.url(), flags);
        meanwhile(&server, "Redis, sentinels: kill -9 of the master", || {
            guarded.one.kill();
            guarded.until_master(guarded.two.port);
        });
        meanwhile(&server, "Redis, sentinels: the old master is back", || {
            guarded.one.child = serve(guarded.one.port, &[]);
            guarded.one.wait();
            std::thread::sleep(Duration::from_secs(1));
        });
    }
}

/// The old master wakes up as a master, and is one for seconds: it has heard of nothing.
#[test]
fn a_master_that_was_stopped_and_wakes_up_is_not_asked() {
    let mut count = Count::default();
    let guarded = Guarded::start();
    let server = over(&guarded.url(), &[]);
    let (revoked, good) = (jane(&server), jane(&server));
    until("the replica has not heard of it", || {
        keys(&guarded.two) == keys(&guarded.one)
    });
    meanwhile(&server, "Redis, sentinels: SIGSTOP of the master", || {
        guarded.one.signal(Signal::STOP);
        guarded.until_master(guarded.two.port);
    });
    count.is(
        revoke(&server, &revoked),
        200,
        "a revocation at the new one",
    );
    meanwhile(&server, "Redis, sentinels: the old master wakes up", || {
        guarded.one.signal(Signal::CONT);
        for _ in 0..20 {
            count.is(server.status("/items/", &revoked), 401, "revoked");
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    count.is(server.status("/items/", &good), 200, "a good token");
    tally(
        "Redis, sentinels: a master that wakes up",
        count.tried,
        count.held,
    );
}

/// How many there are.
fn keys(redis: &Redis) -> String {
    let redis::Value::BulkString(text) = redis.run(&["INFO", "keyspace"]) else {
        panic!("no text");
    };
    let text = String::from_utf8(text).unwrap();
    let counted = text
        .split_once(",avg_ttl")
        .map_or("", |(counted, _)| counted);
    counted.to_owned()
}

#[test]
fn a_master_that_gives_its_place_up_leaves_no_request_at_a_replica() {
    let guarded = Guarded::start();
    let server = over(&guarded.url(), &[]);
    for (from, to) in [(&guarded.one, &guarded.two), (&guarded.two, &guarded.one)] {
        meanwhile(&server, "Redis, sentinels: SENTINEL FAILOVER", || {
            let sentinel = &guarded.sentinels[0];
            until("the old replica is not one yet", || {
                sentinel.says("num-slaves").as_deref() == Some("1")
                    && sentinel.says("flags").as_deref() == Some("master")
                    && sentinel.says("port").as_deref() == Some(&*from.port.to_string())
            });
            until("no failover", || sentinel.fails_over());
            guarded.until_master(to.port);
        });
    }
}

#[test]
fn sentinels_that_are_away_stop_nothing_and_one_is_enough_to_begin() {
    let mut count = Count::default();
    let mut guarded = Guarded::start();
    let server = over(&guarded.url(), &[]);
    let token = jane(&server);
    for sentinel in &mut guarded.sentinels[1..] {
        sentinel.child.kill().unwrap();
        sentinel.child.wait().unwrap();
    }
    let later = over(&guarded.url(), &[]);
    count.is(later.status("/items/", &jane(&later)), 200, "with one left");
    guarded.sentinels[0].child.kill().unwrap();
    guarded.sentinels[0].child.wait().unwrap();
    for _ in 0..20 {
        count.is(server.status("/items/", &token), 200, "with none");
        std::thread::sleep(Duration::from_millis(50));
    }
    tally("Redis, sentinels: none is there", count.tried, count.held);
}

#[test]
fn an_address_of_sentinels_that_will_never_do_is_told() {
    let mut count = Count::default();
    let guarded = Guarded::start();
    let nameless = guarded.url().replace("/main/", "/other/");
    let server = over(&nameless, &[]);
    count.is(
        super::sign_in(&server),
        503,
        "a name that no sentinel knows",
    );
    let port = guarded.sentinels[0].port;
    let (code, text) = super::start::refused(&format!("redis://127.0.0.1:{port}"));
    count.add(code == Some(2), &format!("{code:?}"));
    count.add(text.contains("redis-sentinel://HOST"), &text);
    tally("Redis, sentinels: wrong addresses", count.tried, count.held);
}
