//! A readiness probe: one GET on a connection of its own, outside every measurement.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(1);

/// The status that `path` answers.
pub(crate) fn get(authority: &str, path: &str) -> io::Result<u16> {
    let address = authority
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::other("no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, WITHIN)?;
    stream.set_read_timeout(Some(WITHIN))?;
    stream.set_write_timeout(Some(WITHIN))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n"
    )?;
    let mut head = [0; 64];
    let mut read = 0;
    while read < STATUS_LINE_BYTES {
        match stream.read(&mut head[read..])? {
            0 => break,
            more => read += more,
        }
    }
    std::str::from_utf8(&head[..read.min(STATUS_LINE_BYTES)])
        .ok()
        .and_then(|line| line.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok())
        .ok_or_else(|| io::Error::other("the answer is not HTTP/1.1"))
}

/// `HTTP/1.1 200`
const STATUS_LINE_BYTES: usize = 12;
