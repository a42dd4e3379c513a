//! How connections hear of the server's end, at no cost to their requests.
//!
//! `hyper_util::server::graceful` asks its channel each time that a connection is woken, and takes a lock for it. Here a
//! connection leaves its waker in the channel once, and looks at a number after that.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use hyper_util::server::graceful::GracefulConnection;
use pin_project_lite::pin_project;
use tokio::sync::watch;

/// Tells connections that the server ends.
#[derive(Debug)]
pub(super) struct Ending(watch::Sender<()>);

/// Hears of it.
#[derive(Debug)]
pub(super) struct Hearing(watch::Receiver<()>);

impl Ending {
    pub(super) fn new() -> Self {
        Self(watch::channel(()).0)
    }

    /// For a connection that opens.
    pub(super) fn hearing(&self) -> Hearing {
        Hearing(self.0.subscribe())
    }

    /// Tells all connections, and waits until they have ended.
    pub(super) async fn shutdown(self) {
        self.0.send_replace(());
        self.0.closed().await;
    }
}

impl Hearing {
    /// Serves the connection until it ends; from the server's end on, it takes no further request.
    pub(super) fn until_the_end<C: GracefulConnection>(
        self,
        connection: C,
    ) -> impl Future<Output = C::Output> {
        let mut channel = self.0.clone();
        Served {
            connection,
            told: async move {
                // A channel that is gone has told its last.
                let _ = channel.changed().await;
            },
            hearing: self,
            waker: None,
            is_told: false,
        }
    }

    fn has_heard(&self) -> bool {
        self.0.has_changed().unwrap_or(true)
    }
}

pin_project! {
    struct Served<C, F> {
        #[pin]
        connection: C,
        // Completes at the server's end.
        #[pin]
        told: F,
        hearing: Hearing,
        // What the channel wakes.
        waker: Option<Waker>,
        is_told: bool,
    }
}

impl<C: GracefulConnection, F: Future> Future for Served<C, F> {
    type Output = C::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if !*this.is_told {
            let waker = this.waker.as_ref();
            let is_woken = waker.is_some_and(|waker| waker.will_wake(context.waker()));
            if (!is_woken || this.hearing.has_heard()) && this.told.poll(context).is_ready() {
                *this.is_told = true;
                this.connection.as_mut().graceful_shutdown();
            } else if !is_woken {
                *this.waker = Some(context.waker().clone());
            }
        }
        this.connection.poll(context)
    }
}
