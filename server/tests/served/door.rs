//! The way to a Redis, which a test closes: a partition, of one server where each has a door of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// Passes bytes on, and holds them while it is closed. It ends with its connections when it is dropped.
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    way: Arc<Way>,
}

struct Way {
    to: Mutex<SocketAddr>,
    closed: AtomicBool,
    /// What takes connections, and then what passes their bytes on.
    tasks: Mutex<Vec<AbortHandle>>,
}

impl Door {
    pub(crate) async fn before(to: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let way = Arc::new(Way {
            to: Mutex::new(to),
            closed: AtomicBool::new(false),
            tasks: Mutex::default(),
        });
        let taking = tokio::spawn(take(listener, Arc::clone(&way)));
        way.tasks.lock().unwrap().push(taking.abort_handle());
        Self { address, way }
    }

    /// Whether bytes are held, and those of new connections too: nobody is told.
    pub(crate) fn close(&self, closed: bool) {
        self.way.closed.store(closed, Ordering::SeqCst);
    }

    /// Connections that come from now on lead there; those that are there stay.
    #[allow(dead_code, reason = "not of every test that has doors")]
    pub(crate) fn lead_to(&self, to: SocketAddr) {
        *self.way.to.lock().unwrap() = to;
    }

    /// Ends the connections that are there.
    #[allow(dead_code, reason = "not of every test that has doors")]
    pub(crate) fn cut(&self) {
        let mut tasks = self.way.tasks.lock().unwrap();
        tasks.drain(1..).for_each(|task| task.abort());
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let mut tasks = self.way.tasks.lock().unwrap();
        tasks.drain(..).for_each(|task| task.abort());
    }
}

async fn take(listener: TcpListener, way: Arc<Way>) {
    while let Ok((one, _)) = listener.accept().await {
        let to = *way.to.lock().unwrap();
        let Ok(other) = TcpStream::connect(to).await else {
            continue;
        };
        for stream in [&one, &other] {
            stream.set_nodelay(true).unwrap();
        }
        let (one_read, one_write) = one.into_split();
        let (other_read, other_write) = other.into_split();
        for (from, to) in [(one_read, other_write), (other_read, one_write)] {
            let passing = tokio::spawn(pass(from, to, Arc::clone(&way)));
            way.tasks.lock().unwrap().push(passing.abort_handle());
        }
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Arc<Way>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        while way.closed.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
