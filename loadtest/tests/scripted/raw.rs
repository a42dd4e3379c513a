//! A server that sends the octets that it is told to, on a free loopback port, until it is dropped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A connection that the server has accepted.
pub(crate) struct Accepted {
    stream: BufReader<TcpStream>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Accepted {
    /// Reads one request; its head, or nothing when the client has closed.
    pub(crate) fn request(&mut self) -> Option<String> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let lower = head.to_ascii_lowercase();
        let length = lower.split("content-length: ").nth(1);
        let length = length.and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body).ok()?;
        self.heads.lock().unwrap().push(head.clone());
        Some(head)
    }

    /// Reads so many octets, or nothing when the client has closed.
    #[allow(dead_code, reason = "only some tests read octets")]
    pub(crate) fn octets(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut octets = vec![0; count];
        self.stream.read_exact(&mut octets).ok()?;
        Some(octets)
    }

    /// Sends octets. A client that has left is no matter here.
    pub(crate) fn send(&mut self, octets: impl AsRef<[u8]>) {
        let _ = self.stream.get_mut().write_all(octets.as_ref());
    }

    /// The server's own address.
    #[allow(dead_code, reason = "only some tests name it")]
    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.stream.get_ref().local_addr().unwrap()
    }

    /// Ends the connection when a request has come and is not read: Linux resets it.
    #[allow(dead_code, reason = "only some tests reset")]
    pub(crate) fn reset(self) {
        let _ = self.stream.get_ref().peek(&mut [0]);
    }
}

pub(crate) struct Raw {
    pub(crate) url: String,
    heads: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
}

impl Raw {
    /// The heads of the requests that were read, in order.
    #[allow(dead_code, reason = "only some tests look at them")]
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    #[allow(dead_code, reason = "only some tests count them")]
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the listener.
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
    }
}

/// Handles each connection on a thread of its own.
pub(crate) fn serve(handle: impl Fn(Accepted) + Send + Sync + 'static) -> Raw {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let raw = Raw {
        url: format!("http://{}", listener.local_addr().unwrap()),
        heads: Arc::default(),
        connections: Arc::default(),
        stopped: Arc::default(),
    };
    let handle = Arc::new(handle);
    let (heads, stopped) = (Arc::clone(&raw.heads), Arc::clone(&raw.stopped));
    let connections = Arc::clone(&raw.connections);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if stopped.load(Ordering::Relaxed) {
                return;
            }
            connections.fetch_add(1, Ordering::Relaxed);
            let _ = stream.set_nodelay(true);
            let (handle, heads) = (Arc::clone(&handle), Arc::clone(&heads));
            std::thread::spawn(move || {
                handle(Accepted {
                    stream: BufReader::new(stream),
                    heads,
                });
            });
        }
    });
    raw
}
