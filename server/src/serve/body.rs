//! A request's body: while the server waits for it, the client has its turn.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use super::connections::Connection;

/// A body that tells its connection when it is awaited, so that a slow one can make room as a slow head does: a handler
/// does nothing else while it waits for the body.
pub(super) struct Awaited {
    body: Incoming,
    connection: Arc<Connection>,
    /// When the wait began. Bytes that trickle in do not make it later.
    since: Option<u64>,
    is_pending: bool,
}

impl Awaited {
    pub(super) fn new(body: Incoming, connection: Arc<Connection>) -> Self {
        Self {
            body,
            connection,
            since: None,
            is_pending: false,
        }
    }
}

impl Body for Awaited {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        match polled {
            Poll::Pending if !this.is_pending => {
                let since = *this.since.get_or_insert_with(|| this.connection.now());
                this.connection.wait_since(since);
                this.is_pending = true;
                Poll::Pending
            }
            Poll::Ready(_) if std::mem::take(&mut this.is_pending) && !this.connection.begin() => {
                // The connection was chosen to make room: its task ends before this is polled again.
                Poll::Pending
            }
            polled => polled,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        // The server goes on with the request, if only to end it: waiting ends as it began, so that requests are counted
        // right where several are under way.
        if self.is_pending {
            self.connection.begin();
        }
    }
}
