//! The signals that end the server or renew its certificate, on a thread of their own: an async thread that is kept busy must hold up neither their
//! arrival nor the end of the process.

use std::io;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until};

use crate::https::Tls;
use crate::log;

/// How many signals have come that ask the server to end.
#[derive(Clone)]
pub(super) struct Signals(watch::Receiver<usize>);

/// As long as this is held, the process ends within the bounds after a signal.
#[must_use]
pub(super) struct Watchdog {
    _held: oneshot::Sender<()>,
}

/// How long the end may take, from a signal on, before the process is ended by force.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// From the first signal.
    pub(super) first: Duration,
    /// From the second, which asks to hurry.
    pub(super) second: Duration,
}

/// Counts SIGINT, SIGTERM and SIGHUP. Where the server speaks TLS, SIGHUP has it read its certificate and key again, and
/// is not counted. The handlers are in place when this returns.
///
/// Under `nohup` SIGHUP is blocked before this is called, and does not arrive.
///
/// # Errors
/// The system refuses a handler or a thread.
pub(super) fn count(bounds: Bounds, tls: Option<Arc<Tls>>) -> io::Result<(Signals, Watchdog)> {
    let (count, counted) = watch::channel(0);
    let (held, released) = oneshot::channel();
    let (ready, installed) = mpsc::channel();
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        runtime.block_on(async {
            let handlers = Handlers::install();
            let is_installed = handlers.as_ref().map(|_| ()).map_err(copy);
            let _ = ready.send(is_installed);
            let Ok(handlers) = handlers else { return };
            tokio::select! {
                // The server has ended by itself.
                _ = released => {}
                () = handlers.count(&count, bounds, tls.as_deref()) => end_by_force(),
            }
        });
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(work)?;
    installed
        .recv()
        .unwrap_or_else(|_| Err(io::Error::other("the thread for signals ended")))?;
    Ok((Signals(counted), Watchdog { _held: held }))
}

fn copy(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

struct Handlers {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Handlers {
    fn install() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Ends when the bounds have passed.
    async fn count(mut self, count: &watch::Sender<usize>, bounds: Bounds, tls: Option<&Tls>) {
        let mut end: Option<Instant> = None;
        loop {
            let over = async {
                match end {
                    Some(end) => sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
                _ = self.hangup.recv() => {
                    if let Some(tls) = tls {
                        renew(tls);
                        continue;
                    }
                }
                () = over => return,
            }
            count.send_modify(|count| *count += 1);
            let bound = match *count.borrow() {
                1 => bounds.first,
                _ => bounds.second,
            };
            let next = Instant::now().checked_add(bound);
            end = match (end, next) {
                (Some(end), Some(next)) => Some(end.min(next)),
                (end, next) => end.or(next),
            };
        }
    }
}

/// Reads the certificate and its key again. A file that cannot be used changes nothing.
fn renew(tls: &Tls) {
    match tls.reload() {
        Ok(()) => tracing::info!("new connections have the certificate that --tls names now"),
        Err(error) => tracing::error!(%error, "the certificate stays the one before"),
    }
}

/// Ends the process as a shutdown does whose requests are not done in time: it was asked to end, so the exit code is 0.
fn end_by_force() {
    tracing::warn!(
        "the server's threads are busy and did not end within --shutdown-timeout: connections are cut, and their requests get no answer"
    );
    log::close();
    std::process::exit(0);
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
