//! The script on a real Redis: what it finds changed, whatever became of the sequence.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::AsyncCommands as _;
use redis::aio::MultiplexedConnection;

use super::*;

/// How many of the latest changes are kept one by one.
const KEPT: u64 = 1024;

/// It only catches a Redis that hangs.
const HANG: Duration = Duration::from_secs(60);

struct Store {
    child: Child,
    sessions: RedisSessions,
    connection: MultiplexedConnection,
}

impl Store {
    /// `None` where there is none, which is said aloud.
    async fn start() -> Option<Self> {
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let started = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir", "/"])
            .stdout(Stdio::null())
            .spawn();
        let Ok(child) = started else {
            assert!(
                std::env::var_os("CI").is_none(),
                "needed in CI: redis-server"
            );
            eprintln!("NOT TESTED: the feed: apt-get install redis-server");
            return None;
        };
        let url = format!("redis://127.0.0.1:{port}");
        let client = redis::Client::open(&*url).unwrap();
        let begun = Instant::now();
        let connection = loop {
            if let Ok(connection) = client.get_multiplexed_async_connection().await {
                break connection;
            }
            assert!(begun.elapsed() < HANG, "redis-server did not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        Some(Self {
            child,
            sessions: RedisSessions::open(&url, HANG).unwrap(),
            connection,
        })
    }

    async fn run(&self, command: &str) -> redis::RedisResult<redis::Value> {
        let mut words = command.split(' ');
        let mut asked = redis::cmd(words.next().unwrap());
        for word in words {
            asked.arg(word);
        }
        asked.query_async(&mut self.connection.clone()).await
    }

    async fn raise(&self, slot: Slot) {
        self.sessions.make_stale(&slot.to_string()).await.unwrap();
    }

    /// What changed, and how far that is read.
    async fn hear(&self, known: &mut Known) -> Changed {
        let heard = self.sessions.hear(known, &["policy"]).await.unwrap();
        *known = heard.known;
        heard.changed
    }

    async fn dump(&self) -> Vec<u8> {
        let mut dump = redis::cmd("DUMP");
        dump.arg(EPOCHS);
        dump.query_async(&mut self.connection.clone())
            .await
            .unwrap()
    }

    async fn restore(&self, dump: &[u8]) {
        let mut restore = redis::cmd("RESTORE");
        restore.arg(EPOCHS).arg(0).arg(dump).arg("REPLACE");
        let restored = restore.exec_async(&mut self.connection.clone()).await;
        restored.unwrap();
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn nothing() -> Changed {
    Changed::These(Vec::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_is_told_one_by_one_or_as_everything_where_it_is_not_known() {
    let Some(store) = Store::start().await else {
        return;
    };
    let mut known = Known::default();
    assert_eq!(store.hear(&mut known).await, Changed::Everything, "first");
    assert_eq!(store.hear(&mut known).await, nothing());
    let slots = [Slot::Token(7), Slot::Subject(4095), Slot::Everyone];
    for slot in slots {
        store.raise(slot).await;
    }
    let all = Changed::These(slots.to_vec());
    assert_eq!(store.hear(&mut known).await, all);

    // As many as are kept, and one more.
    for (count, is_known) in [(KEPT - 1, true), (KEPT, false)] {
        for _ in 0..count {
            store.raise(Slot::Token(1)).await;
        }
        let expected = if is_known {
            Changed::These(vec![Slot::Token(1); count as usize])
        } else {
            Changed::Everything
        };
        assert!(store.hear(&mut known).await == expected, "{count} behind");
    }

    // A failover to a replica that lagged: the sequence goes on from before, with other changes under the same numbers.
    let before = store.dump().await;
    store.raise(Slot::Token(2)).await;
    store.hear(&mut known).await;
    store.restore(&before).await;
    let mut gone_back = known.clone();
    assert_eq!(store.hear(&mut gone_back).await, Changed::Everything);
    for behind in 0..3 {
        store.raise(Slot::Token(3)).await;
        let mut same_number = known.clone();
        let changed = store.hear(&mut same_number).await;
        assert_eq!(changed, Changed::Everything, "{behind} beyond");
        assert_eq!(same_number.number, known.number + behind);
    }

    store.hear(&mut known).await;
    store.run("FLUSHALL").await.unwrap();
    assert_eq!(store.hear(&mut known).await, Changed::Everything, "flushed");
    assert_eq!(store.hear(&mut known).await, nothing());
    store.connection.clone().del::<_, ()>(EPOCHS).await.unwrap();
    store.raise(Slot::Token(1)).await;
    assert_eq!(store.hear(&mut known).await, Changed::Everything, "evicted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_redis_makes_everything_stale_and_a_replica_does_not_answer() {
    let Some(store) = Store::start().await else {
        return;
    };
    let mut known = Known::default();
    store.hear(&mut known).await;
    store.run("CONFIG SET maxmemory 1").await.unwrap();
    assert_eq!(store.hear(&mut known).await, nothing(), "full, unchanged");
    for _ in 0..2 {
        store.raise(Slot::Token(1)).await;
        assert_eq!(store.hear(&mut known).await, Changed::Everything, "full");
        assert_eq!(store.hear(&mut known).await, nothing(), "full, heard");
    }
    let none = Fact::default();
    let said = store.sessions.share("policy", &none, "full").await;
    assert_eq!(said.unwrap().version, 1);
    let changed = store.hear(&mut known).await;
    assert_eq!(changed, Changed::These(vec![Slot::Everyone]));
    store.run("CONFIG SET maxmemory 0").await.unwrap();
    store.raise(Slot::Token(1)).await;
    let changed = store.hear(&mut known).await;
    assert_eq!(changed, Changed::These(vec![Slot::Token(1)]));

    store.run("REPLICAOF 127.0.0.1 1").await.unwrap();
    assert_eq!(
        store.sessions.hear(&known, &["policy"]).await,
        Err(Denied::Unavailable)
    );
    store.run("REPLICAOF NO ONE").await.unwrap();
    assert_eq!(store.hear(&mut known).await, nothing());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_rings_and_so_does_a_flush() {
    let Some(store) = Store::start().await else {
        return;
    };
    let rung = std::sync::Arc::new(tokio::sync::Notify::new());
    let told = std::sync::Arc::clone(&rung);
    let mut bell = store.sessions.bell(move || told.notify_one()).await;
    assert!(bell.as_mut().unwrap().is_there().await);
    for flushes in [false, true] {
        store.raise(Slot::Token(1)).await;
        tokio::time::timeout(HANG, rung.notified()).await.unwrap();
        if flushes {
            store.run("FLUSHALL").await.unwrap();
            tokio::time::timeout(HANG, rung.notified()).await.unwrap();
        }
    }
    store
        .run("CLIENT KILL TYPE normal")
        .await
        .unwrap_or(redis::Value::Nil);
    tokio::time::timeout(HANG, rung.notified()).await.unwrap();
    assert!(!bell.unwrap().is_there().await);
}

/// What Redis lost is said again by whoever knows the latest, and nobody makes it older.
#[tokio::test(flavor = "multi_thread")]
async fn a_fact_has_one_order_of_versions_whatever_redis_loses() {
    let Some(store) = Store::start().await else {
        return;
    };
    let sessions = &store.sessions;
    let mut known = Known::default();
    let none = Fact::default();
    let said = |version: u64, says: &str| Fact {
        version,
        says: says.into(),
    };
    store.hear(&mut known).await;
    let first = sessions.share("policy", &none, "one two").await.unwrap();
    assert_eq!(first, said(1, "one two"));
    let heard = sessions.hear(&known, &["policy", "key"]).await.unwrap();
    assert_eq!(heard.changed, Changed::These(vec![Slot::Everyone]));
    assert_eq!(heard.facts, [first.clone(), none.clone()]);

    store.run("FLUSHALL").await.unwrap();
    let later = said(5, "five");
    sessions.restore("policy", &later).await.unwrap();
    sessions.restore("policy", &first).await.unwrap();
    let heard = sessions.hear(&known, &["policy"]).await.unwrap();
    assert_eq!(heard.facts, [later]);
    // Of a server that knows less.
    let next = sessions.share("policy", &first, "six").await.unwrap();
    assert_eq!(next, said(6, "six"));

    let mut ended = none;
    for (before, after) in [("a", "b"), ("b", "c"), ("c", "a"), ("a", "d")] {
        ended = sessions
            .end_key("key", &ended, before, after)
            .await
            .unwrap();
    }
    assert_eq!(ended, said(4, "a c b"));
    for number in 0..2 * super::super::common::MOST_ENDED {
        let (before, after) = (format!("k{number}"), format!("k{}", number + 1));
        let end = sessions.end_key("key", &ended, &before, &after);
        ended = end.await.unwrap();
    }
    assert_eq!(
        ended.says.split(' ').count(),
        super::super::common::MOST_ENDED
    );
}
