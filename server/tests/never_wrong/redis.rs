//! A Redis of a test's own, and what becomes of it: it ends with the test.

use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tempfile::TempDir;

use crate::installed::found;

/// It only catches a Redis that hangs.
pub(crate) const HANG: Duration = Duration::from_secs(60);

const DATABASES: u32 = 256;

pub(crate) struct Redis {
    running: RefCell<Running>,
    given: Cell<u32>,
    keeps: Keeps,
}

/// A process of it.
struct Running {
    port: u16,
    child: Child,
    connection: MultiplexedConnection,
    files: TempDir,
}

/// What it has after it was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    Nothing,
    /// Each change is in its file before it is answered.
    Everything,
}

impl Redis {
    /// `None` where there is none, which is said aloud.
    pub(crate) async fn start(keeps: Keeps) -> Option<Self> {
        if !found("redis-server", "redis-server", "decisions in Redis") {
            return None;
        }
        Some(Self {
            running: RefCell::new(Running::start(keeps, &[]).await),
            given: Cell::new(0),
            keeps,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.borrow().address()
    }

    /// A database that the last histories did not have: a server of theirs that goes on for a moment says there again what it
    /// finds lost.
    pub(crate) fn next_database(&self) -> u32 {
        let database = self.given.get();
        self.given.set((database + 1) % DATABASES);
        database
    }

    /// Each history begins with an empty one.
    pub(crate) async fn flush(&self) {
        self.run(&redis::cmd("FLUSHALL")).await;
    }

    /// Closes every other connection.
    pub(crate) async fn disconnect(&self) {
        let mut kill = redis::cmd("CLIENT");
        kill.arg("KILL").arg("SKIPME").arg("yes");
        self.run(&kill).await;
    }

    async fn run(&self, command: &redis::Cmd) {
        let mut connection = self.running.borrow().connection.clone();
        command.exec_async(&mut connection).await.unwrap();
    }

    /// It stands still once this returns.
    pub(crate) fn stop(&self) {
        let process = Pid::from_child(&self.running.borrow().child);
        kill_process(process, Signal::STOP).unwrap();
        // It may work on until the signal has come to it.
        let stopped = WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(process), stopped).unwrap();
    }

    pub(crate) fn go_on(&self) {
        let process = Pid::from_child(&self.running.borrow().child);
        kill_process(process, Signal::CONT).unwrap();
    }

    pub(crate) fn kill(&self) {
        self.running.borrow_mut().end();
    }

    /// Starts again where it was, with what it had or with nothing.
    pub(crate) async fn start_again(&self, forgets: bool) {
        let (port, files) = {
            let running = self.running.borrow();
            (running.port, running.files.path().to_owned())
        };
        if forgets {
            let _ = std::fs::remove_dir_all(files.join("appendonlydir"));
        }
        let (child, connection) = serve(port, &files, self.keeps, &[]).await;
        let mut running = self.running.borrow_mut();
        (running.child, running.connection) = (child, connection);
    }

    /// A replica that has all of it takes its place, and the master that was becomes its replica, with its connections. That
    /// ends when what is returned is dropped.
    pub(crate) async fn fail_over(&self) -> impl Drop + use<> {
        let old = self.address().port().to_string();
        let next = Running::start(self.keeps, &["--replicaof", "127.0.0.1", &old]).await;
        let mut old = self.running.borrow().connection.clone();
        let begun = Instant::now();
        // Counted is who has this write, and so all before it.
        loop {
            let (written, had): ((), u32) = redis::pipe()
                .cmd("SET")
                .arg("{test}:failover")
                .arg("begins")
                .cmd("WAIT")
                .arg(1)
                .arg(100)
                .query_async(&mut old)
                .await
                .unwrap();
            let () = written;
            if had > 0 {
                break;
            }
            assert!(begun.elapsed() < HANG, "the replica has not all of it");
        }
        let mut promoted = next.connection.clone();
        let mut of_none = redis::cmd("REPLICAOF");
        of_none.arg("NO").arg("ONE");
        of_none.exec_async(&mut promoted).await.unwrap();
        let mut of_next = redis::cmd("REPLICAOF");
        of_next.arg("127.0.0.1").arg(next.port);
        of_next.exec_async(&mut old).await.unwrap();
        self.running.replace(next)
    }
}

impl Running {
    async fn start(keeps: Keeps, more: &[&str]) -> Self {
        let port = free_port();
        let files = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let files = files.unwrap();
        let (child, connection) = serve(port, files.path(), keeps, more).await;
        Self {
            port,
            child,
            connection,
            files,
        }
    }

    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// A port that stays free until it is used, and while what uses it starts again: none that the system gives away.
fn free_port() -> u16 {
    const FIRST: u32 = 10_000;
    const PORTS: u32 = 20_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    loop {
        // Tests are processes of their own. A factor without a divisor of their number has neighbours start far apart, and no two
        // at the same port: one takes no port that another has left for a moment.
        let process = std::process::id().wrapping_mul(7_919);
        let number = process.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = (FIRST + number % PORTS) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

async fn serve(
    port: u16,
    files: &Path,
    keeps: Keeps,
    more: &[&str],
) -> (Child, MultiplexedConnection) {
    let append = match keeps {
        Keeps::Nothing => ["--appendonly", "no"],
        Keeps::Everything => ["--appendonly", "yes"],
    };
    let child = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--dir"])
        .arg(files)
        .args(append)
        .args(["--appendfsync", "always", "--auto-aof-rewrite-min-size"])
        .args(["4mb", "--repl-diskless-sync-delay", "0"])
        .args(["--databases", &DATABASES.to_string()])
        .args(more)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
    // The library's half a second is less than a loaded machine may keep Redis waiting for a core.
    let patient = AsyncConnectionConfig::new().set_response_timeout(Some(HANG));
    let connection = loop {
        let connecting = client.get_multiplexed_async_connection_with_config(&patient);
        if let Ok(mut connection) = connecting.await {
            // It answers other commands than this while it reads its file.
            let ready = redis::cmd("GET").arg("{test}:ready").clone();
            if ready.exec_async(&mut connection).await.is_ok() {
                break connection;
            }
        }
        assert!(begun.elapsed() < HANG, "redis-server did not start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    (child, connection)
}
