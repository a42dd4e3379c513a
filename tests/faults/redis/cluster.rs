//! A cluster of three masters and their replicas: the master of the keys is killed, and their slot is moved to another, while
//! requests go on.

use std::net::TcpListener;

use super::meanwhile::meanwhile;
use super::{Count, KINDS, Redis, jane, over, revoke, until};
use crate::stand::tally;

/// The slots of a master, of three.
const SHARE: u16 = 5462;

struct Cluster {
    /// Three masters, then a replica of each.
    nodes: Vec<Redis>,
    _folder: tempfile::TempDir,
}

impl Cluster {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let buses: Vec<u16> = (0..6).map(|_| free()).collect();
        let nodes = buses.iter().map(|bus| {
            let place = folder.path().join(bus.to_string());
            std::fs::create_dir(&place).unwrap();
            Redis::start(&[
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                &bus.to_string(),
                "--cluster-node-timeout",
                "1000",
                "--dir",
                place.to_str().unwrap(),
            ])
        });
        let cluster = Self {
            nodes: nodes.collect(),
            _folder: folder,
        };
        let nodes = &cluster.nodes;
        for (number, node) in (0..).zip(nodes) {
            node.run(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
            if number < 3 {
                let (first, last) = (number * SHARE, ((number + 1) * SHARE).min(16384) - 1);
                let (first, last) = (first.to_string(), last.to_string());
                node.run(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
            }
        }
        for (node, bus) in nodes.iter().zip(&buses).skip(1) {
            let (port, bus) = (node.port.to_string(), bus.to_string());
            nodes[0].run(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
        }
        let all = |what: &str| {
            until(what, || {
                nodes
                    .iter()
                    .all(|node| text(node, &["CLUSTER", "INFO"]).contains(what))
            });
        };
        all("cluster_known_nodes:6");
        for (master, replica) in nodes[..3].iter().zip(&nodes[3..]) {
            let id = text(master, &["CLUSTER", "MYID"]);
            until("the replica does not know its master", || {
                text(replica, &["CLUSTER", "NODES"]).contains(&id)
            });
            replica.run(&["CLUSTER", "REPLICATE", &id]);
        }
        all("cluster_state:ok");
        for replica in &nodes[3..] {
            until("no replication", || {
                text(replica, &["INFO", "replication"]).contains("master_link_status:up")
            });
        }
        cluster
    }

    /// Two of its nodes, neither of which is the master of the keys.
    fn url(&self) -> String {
        let others = self.nodes[..3]
            .iter()
            .filter(|node| !is_master(node, slot(node)));
        let hosts: Vec<String> = others
            .map(|node| format!("127.0.0.1:{}", node.port))
            .collect();
        format!("redis-cluster://{}", hosts.join(","))
    }

    fn master(&self) -> usize {
        let slot = slot(&self.nodes[0]);
        let mut masters = self.nodes.iter();
        masters.position(|node| is_master(node, slot)).unwrap()
    }
}

fn free() -> u16 {
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    free.local_addr().unwrap().port()
}

fn text(redis: &Redis, words: &[&str]) -> String {
    match redis.run(words) {
        redis::Value::BulkString(text) => String::from_utf8(text).unwrap(),
        redis::Value::VerbatimString { text, .. } => text,
        other => format!("{other:?}"),
    }
}

/// The slot of the keys.
fn slot(redis: &Redis) -> u16 {
    match redis.run(&["CLUSTER", "KEYSLOT", "{authlab}:epochs"]) {
        redis::Value::Int(slot) => u16::try_from(slot).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Whether a node says that the slot is its own.
fn is_master(redis: &Redis, slot: u16) -> bool {
    let nodes = text(redis, &["CLUSTER", "NODES"]);
    let own = nodes.lines().find(|line| line.contains("myself,master"));
    let ranges = own.into_iter().flat_map(|own| own.split(' ').skip(8));
    ranges.into_iter().any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (first.parse::<u16>(), last.parse::<u16>());
        matches!((first, last), (Ok(first), Ok(last)) if (first..=last).contains(&slot))
    })
}

#[test]
fn every_kind_of_token_is_issued_and_revoked_in_a_cluster() {
    let mut count = Count::default();
    let cluster = Cluster::start();
    for kind in KINDS {
        let server = over(&cluster.url(), kind);
        let (token, other) = (jane(&server), jane(&server));
        for token in [&token, &other, &token] {
            count.is(server.status("/items/", token), 200, "before");
        }
        count.is(revoke(&server, &token), 200, "a sign-out");
        count.is(server.status("/items/", &token), 401, "afterwards");
        count.is(server.status("/items/", &other), 200, "the other token");
    }
    // Without its form, the address of a node is refused.
    let (code, text) = super::start::refused(&cluster.nodes[0].url());
    count.add(code == Some(2), &format!("{code:?}"));
    count.add(text.contains("redis-cluster://HOST"), &text);
    tally("Redis, cluster: each kind", count.tried, count.held);
}

#[test]
fn a_master_of_a_cluster_that_is_killed_is_replaced() {
    let mut cluster = Cluster::start();
    let server = over(&cluster.url(), &[]);
    let (master, url) = (cluster.master(), cluster.url());
    assert!(!url.contains(&cluster.nodes[master].port.to_string()));
    let slot = slot(&cluster.nodes[master]);
    meanwhile(&server, "Redis, cluster: kill -9 of the master", || {
        cluster.nodes[master].kill();
        until("no failover", || {
            is_master(&cluster.nodes[master + 3], slot)
        });
    });
}

#[test]
fn a_slot_that_is_moved_to_another_master_takes_its_requests_along() {
    let cluster = Cluster::start();
    let server = over(&cluster.url(), super::SHARED);
    let before = jane(&server);
    let from = cluster.master();
    let to = (from + 1) % 3;
    meanwhile(&server, "Redis, cluster: resharding", || {
        let (old, new) = (&cluster.nodes[from], &cluster.nodes[to]);
        let slot = slot(old).to_string();
        let id = |node| text(node, &["CLUSTER", "MYID"]);
        new.run(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(old)]);
        old.run(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(new)]);
        let port = new.port.to_string();
        loop {
            let redis::Value::Array(some) = old.run(&["CLUSTER", "GETKEYSINSLOT", &slot, "7"])
            else {
                panic!("no keys");
            };
            if some.is_empty() {
                break;
            }
            let some: Vec<String> = some
                .into_iter()
                .map(|key| match key {
                    redis::Value::BulkString(key) => String::from_utf8(key).unwrap(),
                    other => panic!("{other:?}"),
                })
                .collect();
            let mut migrate = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            migrate.extend(some.iter().map(String::as_str));
            old.run(&migrate);
        }
        for node in [new, old] {
            node.run(&["CLUSTER", "SETSLOT", &slot, "NODE", &id(new)]);
        }
    });
    assert_eq!(server.status("/items/", &before), 200);
}
