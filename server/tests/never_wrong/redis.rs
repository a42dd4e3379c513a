//! A Redis of a test's own: it ends with the test.

use std::cell::Cell;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use authlab_server::SessionsFrom;

use redis::AsyncConnectionConfig;

use crate::installed::found;

/// It only catches a Redis that hangs.
const HANG: Duration = Duration::from_secs(60);

const DATABASES: u32 = 256;

pub(crate) struct Redis {
    port: u16,
    child: Child,
    connection: redis::aio::MultiplexedConnection,
    given: Cell<u32>,
}

impl Redis {
    /// `None` where there is none, which is said aloud.
    pub(crate) async fn start() -> Option<Self> {
        if !found("redis-server", "redis-server", "decisions in Redis") {
            return None;
        }
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir", "/"])
            .args(["--databases", &DATABASES.to_string()])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
        // The library's half a second is less than a loaded machine may keep Redis waiting for a core.
        let patient = AsyncConnectionConfig::new().set_response_timeout(Some(HANG));
        let connection = loop {
            let connecting = client.get_multiplexed_async_connection_with_config(&patient);
            if let Ok(connection) = connecting.await {
                break connection;
            }
            assert!(begun.elapsed() < HANG, "redis-server did not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        Some(Self {
            port,
            child,
            connection,
            given: Cell::new(0),
        })
    }

    /// A database that the last histories did not have: a server of theirs that goes on for a moment says there again what it
    /// finds lost.
    pub(crate) fn sessions(&self) -> SessionsFrom {
        let database = self.given.get();
        self.given.set((database + 1) % DATABASES);
        let url = format!("redis://127.0.0.1:{}/{database}", self.port);
        url.parse().unwrap()
    }

    /// Each history begins with an empty one.
    pub(crate) async fn flush(&self) {
        let mut connection = self.connection.clone();
        let flushed = redis::cmd("FLUSHALL").exec_async(&mut connection).await;
        flushed.unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
