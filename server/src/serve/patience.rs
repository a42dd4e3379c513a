//! A client's stream, and how long the server waits for that client.
//!
//! hyper has one limit for a head, which runs from the end of the request before, so it must also cover the pause of a
//! client that keeps its connection, and it takes a new timer for each request. Here a head that has begun has a short
//! limit, and so has an answer that is not read. Their timers only exist while a read or a write is pending: a request
//! that comes and is answered at once never sees one. A client that sends nothing is found by `Connections::close_idle`.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::connections::Connection;

/// How long a head may take, from its first byte to its end.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// How long a client may read nothing of an answer that waits for it.
const READ_WITHIN: Duration = Duration::from_secs(10);

/// How long the server waits for a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) head: Duration,
    pub(super) read: Duration,
    /// While no request is under way, and longer than the others.
    pub(super) idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: HEAD_WITHIN,
            read: READ_WITHIN,
            idle: super::HEAD_TIMEOUT,
        }
    }
}

/// A stream that is closed when its client takes too long.
#[derive(Debug)]
pub(super) struct Patient {
    stream: TcpStream,
    connection: Arc<Connection>,
    limits: Limits,
    /// The request of which a first byte has come.
    head: Option<u32>,
    read: Timer,
    write: Timer,
}

impl Patient {
    pub(super) fn new(stream: TcpStream, connection: Arc<Connection>, limits: Limits) -> Self {
        Self {
            stream,
            connection,
            limits,
            head: None,
            read: Timer::default(),
            write: Timer::default(),
        }
    }

    /// What a write came to; one that is pending for too long fails.
    fn written(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            if self.write.is_running() {
                self.write.stop();
                self.connection.reads();
            }
            return written;
        }
        ready!(self.write.poll(cx, self.limits.read));
        let counts = self.connection.counts();
        counts.not_read.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        let awaited = this.connection.awaits();
        if this.connection.has_streams() {
            // Bytes that are no head come at any time, and which are one is not to be seen from here: hyper bounds its size.
            if read.is_pending() && awaited.is_some() {
                ready!(this.read.poll(cx, this.limits.idle));
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            this.read.stop();
            return read;
        }
        match read {
            Poll::Ready(done) => {
                let has_begun = awaited.is_some() && buf.filled().len() > before;
                if has_begun && this.head != awaited {
                    this.head = awaited;
                    this.read.stop();
                }
                Poll::Ready(done)
            }
            Poll::Pending if awaited.is_some() && this.head == awaited => {
                ready!(this.read.poll(cx, this.limits.head));
                let counts = this.connection.counts();
                counts.slow_head.fetch_add(1, Ordering::Relaxed);
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Pending => {
                this.read.stop();
                Poll::Pending
            }
        }
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut whole = [0; SMALL_BYTES];
        let written = match joined(slices, &mut whole) {
            Some(bytes) => Pin::new(&mut self.stream).poll_write(cx, bytes),
            None => Pin::new(&mut self.stream).poll_write_vectored(cx, slices),
        };
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// An answer that is written whole: the kernel takes longer for the pieces of a small one than it takes to join them.
const SMALL_BYTES: usize = 512;

/// The pieces of a small answer as one, in `whole`.
fn joined<'a>(slices: &[io::IoSlice<'_>], whole: &'a mut [u8]) -> Option<&'a [u8]> {
    let mut end = 0;
    for slice in slices {
        let place = whole.get_mut(end..end + slice.len())?;
        place.copy_from_slice(slice);
        end += slice.len();
    }
    Some(&whole[..end])
}

impl Drop for Patient {
    fn drop(&mut self) {
        if self.write.is_running() {
            // The client does not read: without this the system would keep the rest of the answer for it.
            let _ = self.stream.set_zero_linger();
        }
    }
}

/// A timer that exists while something is pending.
#[derive(Debug, Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Starts the timer if it is not running, and is ready when it has run out.
    fn poll(&mut self, cx: &mut Context<'_>, limit: Duration) -> Poll<()> {
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + limit)));
        sleep.as_mut().poll(cx)
    }

    fn stop(&mut self) {
        if self.0.is_some() {
            self.0 = None;
        }
    }

    fn is_running(&self) -> bool {
        self.0.is_some()
    }
}
