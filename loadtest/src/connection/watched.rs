//! A stream that counts the octets that pass.
//!
//! It is above TLS: what is counted is HTTP (heads, bodies, the frames of HTTP/2), so that a figure
//! says the same with and without TLS. wrk counts there too. oha counts bodies alone, k6 what is
//! beneath TLS, with its handshake.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use authlab_reports::run::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The octets of one connection: they only grow.
#[derive(Clone, Default)]
pub(crate) struct Octets(Arc<Counts>);

#[derive(Default)]
struct Counts {
    received: AtomicU64,
    sent: AtomicU64,
}

impl Octets {
    /// All that passed so far.
    pub(crate) fn passed(&self) -> Bytes {
        Bytes {
            received: self.received(),
            sent: self.0.sent.load(Ordering::Relaxed),
        }
    }

    pub(super) fn received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }

    fn sent(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(more)) = written {
            add(&self.0.sent, *more);
        }
    }
}

/// Adds where no other thread writes, a connection's task being on its user's: a load and a store.
fn add(counter: &AtomicU64, more: usize) {
    let sum = counter.load(Ordering::Relaxed).wrapping_add(more as u64);
    counter.store(sum, Ordering::Relaxed);
}

/// The stream, of which every octet is counted.
pub(super) struct Watched<S> {
    stream: S,
    octets: Octets,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, octets: &Octets) -> Self {
        Self {
            stream,
            octets: octets.clone(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let more = buffer.filled().len().saturating_sub(before);
        if more > 0 {
            add(&self.octets.0.received, more);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, octets);
        self.octets.sent(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.octets.sent(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
