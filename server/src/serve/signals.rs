//! The signals that end the server.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How many signals have come that ask the server to end.
#[derive(Clone)]
pub(super) struct Signals(watch::Receiver<usize>);

/// Counts SIGINT, SIGTERM and SIGHUP. The handlers are in place when this returns.
///
/// Under `nohup` SIGHUP is blocked before this is called, and does not arrive.
///
/// # Errors
/// The system refuses a handler.
pub(super) fn count() -> io::Result<Signals> {
    let (count, counted) = watch::channel(0);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            count.send_modify(|count| *count += 1);
        }
    });
    Ok(Signals(counted))
}

impl Signals {
    /// Ends when the n-th signal has come.
    pub(super) async fn nth(mut self, n: usize) {
        // An error would mean that nothing counts any more: then none comes.
        if self.0.wait_for(|count| *count >= n).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
