//! The listener: its limits, its start and its end.

mod body;
mod client;
mod connections;
mod ending;
mod patience;
mod signals;

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::cause::Seldom;
use crate::clock::{Clock, Timestamp};
use crate::http::{App, BODY_TIMEOUT, Counts};
use crate::https::{self, Certificate, Tls, TlsError};
use crate::lab::Lab;
use crate::log;
use crate::open::OpenError;
use crate::sessions::WrongSessions;
use crate::setup::Design;
use client::Client;
use connections::Connections;
use ending::{Ending, Hearing};
use patience::{Limits, Patient};

/// Until when a request's head must be there, counted from the answer to the one before: it also ends idle connections,
/// so it is longer than a load generator pauses between slices. A head that has begun has less time (`patience`).
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest head: a token of 8 kB and a long URI beside it. Longer ones get 431 or 414 from hyper.
const MOST_HEAD_BYTES: usize = 32 * 1024;

/// How many requests of an HTTP/2 connection may be under way, as RFC 9113 §6.5.2 recommends at least.
const MOST_STREAMS: u32 = 100;

/// What a client may send of a request's body, and of all of a connection's, before the server has read it: the longest
/// body that is accepted, and sixteen of them.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 16 * STREAM_WINDOW;

/// How long a shutdown lets requests that have already been sent arrive, before it closes connections without one.
const LAST_REQUESTS: Duration = Duration::from_millis(20);

/// How long the last answers may take to be written, after `--shutdown-timeout`.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// How long the end of the process waits for blocking work that nobody awaits any more.
const BLOCKING_WORK: Duration = Duration::from_secs(1);

/// What the steps of an end take beyond their limits, on a busy machine.
const BETWEEN_STEPS: Duration = Duration::from_millis(500);

/// The pause after a failed accept: out of descriptors, trying again at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Why the server does not run, in one line.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The design could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store of sessions refuses what the configuration says.
    #[error(transparent)]
    Sessions(#[from] WrongSessions),
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address could not be had.
    #[error("--listen {address}: {error}{hint}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
        /// What helps.
        hint: &'static str,
    },
    /// The process may open too few files.
    #[error("the limit of open files is {limit}, and at least {least} are needed (ulimit -n)")]
    Descriptors {
        /// The limit.
        limit: u64,
        /// The lowest with which a server starts.
        least: u64,
    },
    /// The runtime could not be started.
    #[error("cannot start {threads} worker threads: {error}")]
    Runtime {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        error: io::Error,
    },
}

/// Runs a design until SIGINT, SIGTERM or SIGHUP, which with `--tls` reads the certificate again instead: writes its pipeline and warnings to stderr, then one line to stdout
/// when it is ready: `authlab listening on http://ADDRESS`, or `https://`. Serving waits for neither stream, the start and
/// the end for a moment. From now on panics of this process are written to that log, too.
///
/// # Errors
/// One line: a design that cannot be opened, an address that cannot be had.
pub fn run(mut design: Design) -> Result<(), ServeError> {
    if let Some((limit, least)) = connections::lacking() {
        return Err(ServeError::Descriptors { limit, least });
    }
    let runtime = runtime(design.threads.get())?;
    let done = runtime.block_on(async {
        let server = Server::bind(design.listen).await?.secured(&design)?;
        // Port 0 was a wish; who issues tokens is where the server is.
        design.listen = server.address();
        if design.forgets_revocations() {
            next_second(&Clock::Coarse).await;
        }
        let lab = Lab::open(design)?;
        let warnings = lab.check_sessions().await?;
        let refuse = |error| ServeError::Runtime { threads: 1, error };
        let stderr = log::start(lab.design().log, lab.design().log_format).map_err(refuse)?;
        let stdout = log::stdout().map_err(refuse)?;
        stderr.push(&announcement(lab.design()));
        for warning in lab.notes().into_iter().chain(warnings) {
            stderr.push(&format!("warning: {warning}\n"));
        }
        let bounds = bounds(lab.design().shutdown_timeout.0);
        let (signals, watchdog) = signals::count(bounds, server.tls.clone()).map_err(refuse)?;
        stderr.flush();
        stdout.push(&format!(
            "authlab listening on {}://{}\n",
            lab.design().tls.scheme(),
            server.address()
        ));
        let limits = Limits::default();
        let (stop, hurry) = (signals.clone().nth(1), signals.nth(2));
        server
            .run_with(lab, stop, hurry, BODY_TIMEOUT, limits)
            .await;
        Ok(watchdog)
    });
    runtime.shutdown_timeout(BLOCKING_WORK);
    // Held until here: the end of the runtime is bounded too.
    done.map(drop)
}

/// How long each step of the end may take together, and a moment more: then none of them was reached, because something
/// keeps the async threads busy (`--hash-on inline`).
fn bounds(shutdown_timeout: Duration) -> signals::Bounds {
    let second = LAST_REQUESTS + LAST_ANSWERS + BLOCKING_WORK + BETWEEN_STEPS;
    signals::Bounds {
        first: shutdown_timeout + second,
        second,
    }
}

/// Waits for the next whole second. Tokens count them, and those of a process that ended within this one are refused.
async fn next_second(clock: &Clock) {
    let next = Timestamp::from_seconds(clock.now().seconds() + 1);
    loop {
        let now = clock.now();
        if now >= next {
            return;
        }
        tokio::time::sleep(next.since(now)).await;
    }
}

/// One worker needs no queues between workers.
pub(crate) fn runtime(threads: usize) -> Result<tokio::runtime::Runtime, ServeError> {
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder
        .worker_threads(threads)
        .enable_all()
        .build()
        .map_err(|error| ServeError::Runtime { threads, error })
}

/// What is written at the start: the pipeline and the warnings.
fn announcement(design: &Design) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for (axis, choice) in design.pipeline() {
        let _ = writeln!(text, "{axis:14}{choice}");
    }
    for warning in design.warnings() {
        let _ = writeln!(text, "warning: {}", warning.help());
    }
    let most = connections::most(design);
    // A note and no warning: it is of the machine, and says nothing of the design.
    if most < design.max_connections.get() {
        let _ = writeln!(
            text,
            "note: at most {most} connections at once, not {}: the limit of open files is too low (ulimit -n)",
            design.max_connections
        );
    }
    text
}

/// A bound listener.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
}

impl Server {
    /// Takes the address. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`ServeError::Listen`] when it cannot be had.
    pub async fn bind(address: SocketAddr) -> Result<Self, ServeError> {
        let refuse = |error: io::Error| {
            let hint = match error.kind() {
                io::ErrorKind::AddrInUse => "; another server has it, port 0 takes a free one",
                _ => "",
            };
            ServeError::Listen {
                address,
                error,
                hint,
            }
        };
        let listener = TcpListener::bind(address).await.map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        Ok(Self {
            listener,
            address,
            tls: None,
        })
    }

    /// The same, which speaks TLS where the design says so.
    ///
    /// # Errors
    /// One line: a file that cannot be used.
    pub fn secured(self, design: &Design) -> Result<Self, TlsError> {
        Ok(Self {
            tls: design.tls.open(design.asks_certificates())?.map(Arc::new),
            ..self
        })
    }

    /// The address that was taken.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The listener alone, for another server.
    pub(crate) fn listener(self) -> TcpListener {
        self.listener
    }

    /// Serves until `stop` ends, then lets requests under way finish, for at most `--shutdown-timeout`. Those that are
    /// not done by then are answered 503.
    pub async fn run(self, lab: Arc<Lab>, stop: impl Future<Output = ()>) {
        let never = std::future::pending();
        self.run_with(lab, stop, never, BODY_TIMEOUT, Limits::default())
            .await;
    }

    /// Serves until `stop` ends; when `hurry` ends after that, what is under way is answered 503 at once.
    async fn run_with(
        self,
        lab: Arc<Lab>,
        stop: impl Future<Output = ()>,
        hurry: impl Future<Output = ()>,
        body_timeout: Duration,
        limits: Limits,
    ) {
        let within = lab.design().shutdown_timeout.0;
        let counts = Arc::new(Counts::default());
        let most = connections::most(lab.design());
        lab.follow_list();
        let (cut, cutting) = watch::channel(false);
        let serving = Serving {
            app: App::within(lab, body_timeout, Arc::clone(&counts)),
            connections: Arc::new(Connections::new(most, counts)),
            ending: Ending::new(),
            tls: self.tls,
            limits,
            cutting,
        };
        let mut stop = pin!(stop);
        tokio::select! {
            () = serving.accept(&self.listener, stop.as_mut()) => {}
            () = serving.connections.close_idle(limits.idle) => {}
        }
        serving.accept_last(self.listener).await;
        let mut ended = pin!(serving.ending.shutdown());
        tokio::select! {
            () = &mut ended => return,
            () = tokio::time::sleep(within) => {}
            () = hurry => {}
        }
        cut.send_replace(true);
        tokio::select! {
            () = &mut ended => {}
            () = tokio::time::sleep(LAST_ANSWERS) => {}
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("is_secured", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

/// A listener's connections, and what they share.
struct Serving {
    app: App,
    connections: Arc<Connections>,
    ending: Ending,
    tls: Option<Arc<Tls>>,
    limits: Limits,
    /// Whether requests under way are cut off: the server ends.
    cutting: watch::Receiver<bool>,
}

impl Serving {
    /// Accepts connections until `stop` ends.
    async fn accept(
        &self,
        listener: &TcpListener,
        mut stop: std::pin::Pin<&mut impl Future<Output = ()>>,
    ) {
        let (mut refused, mut crowded) = (Seldom::default(), Seldom::default());
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut stop => return,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let mut is_stopped = false;
                    while self.connections.is_full() && !is_stopped {
                        let freed = self.connections.freed();
                        let closed = self.connections.evict();
                        if let Some(times) = crowded.times(Instant::now()) {
                            let most = self.connections.most();
                            tracing::warn!(
                                most,
                                closed,
                                times,
                                "all connections are taken: those that wait for their clients make room, else new ones wait"
                            );
                        }
                        tokio::select! {
                            () = freed => {}
                            () = &mut stop => is_stopped = true,
                        }
                    }
                    self.open(stream, peer.ip());
                    if is_stopped {
                        return;
                    }
                }
                // The client went before it was accepted.
                Err(error) if is_of_client(&error) => {}
                Err(error) => {
                    let counts = self.connections.counts();
                    counts.not_accepted.fetch_add(1, Ordering::Relaxed);
                    if let Some(times) = refused.times(Instant::now()) {
                        tracing::warn!(times, %error, "connections cannot be accepted");
                    }
                    // Where descriptors are what is missing, this frees some.
                    self.connections.evict();
                    tokio::select! {
                        () = tokio::time::sleep(ACCEPT_PAUSE) => {}
                        () = &mut stop => return,
                    }
                }
            }
        }
    }

    /// Takes the connections that the system has accepted already, and closes the listener. Their clients, and those of
    /// open connections, may have sent a request that is not read yet.
    async fn accept_last(&self, listener: TcpListener) {
        if let Ok(listener) = listener.into_std() {
            while !self.connections.is_full() {
                let Ok((stream, peer)) = listener.accept() else {
                    break;
                };
                if stream.set_nonblocking(true).is_err() {
                    continue;
                }
                if let Ok(stream) = TcpStream::from_std(stream) {
                    self.open(stream, peer.ip());
                }
            }
        }
        if !self.connections.is_empty() {
            tokio::time::sleep(LAST_REQUESTS).await;
        }
    }

    /// Serves a connection in a task of its own.
    fn open(&self, stream: TcpStream, peer: IpAddr) {
        // A small answer must not wait for the acknowledgement of the one before it.
        let _ = stream.set_nodelay(true);
        let entry = self.connections.enter();
        let connection = entry.connection();
        let stream = Patient::new(stream, Arc::clone(&connection), self.limits);
        let (app, cutting) = (self.app.clone(), self.cutting.clone());
        let hearing = self.ending.hearing();
        let tls = self.tls.as_deref().map(Tls::acceptor);
        let task = tokio::spawn(async move {
            // Dropped after the stream is closed.
            let entry = entry;
            let connection = entry.connection();
            let answers = |certificate| {
                let client = Client {
                    app,
                    cutting,
                    connection: Arc::clone(&connection),
                    peer,
                    certificate,
                };
                client.answers()
            };
            let Some(tls) = tls else {
                return serve(stream, answers(None), hearing).await;
            };
            // The first byte of a handshake begins the first head, which has less time than this.
            let secured = tokio::time::timeout(HEAD_TIMEOUT, tls.accept(stream)).await;
            let Ok(Ok(stream)) = secured else { return };
            let session = stream.get_ref().1;
            let answers = answers(Certificate::shown(session));
            if session.alpn_protocol() == Some(https::HTTP_2) {
                connection.has_streams_now();
                // Boxed, so that connections without it are no larger.
                Box::pin(serve_http2(stream, answers, hearing)).await;
            } else {
                serve(stream, answers, hearing).await;
            }
        });
        connection.served_by(task.abort_handle());
    }
}

/// Answers the requests of a connection until its client, a limit or the end of the server closes it.
async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    service: impl hyper::service::HttpService<
        Incoming,
        ResBody = Body,
        Error = Infallible,
        Future: Send,
    >,
    hearing: Hearing,
) {
    let served = http1::Builder::new()
        // `Connections::close_idle` does this: hyper takes a timer for each request.
        .header_read_timeout(None)
        .max_buf_size(MOST_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let _ = hearing.until_the_end(served).await;
}

/// The same by HTTP/2 (RFC 9113).
async fn serve_http2<S>(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    service: S,
    hearing: Hearing,
) where
    S: hyper::service::HttpService<Incoming, ResBody = Body, Error = Infallible>,
    S::Future: Send + 'static,
{
    let served = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(MOST_HEAD_BYTES as u32)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .serve_connection(TokioIo::new(stream), service);
    let _ = hearing.until_the_end(served).await;
}

/// Whether an accept failed for a reason of one client, and the next may succeed at once.
fn is_of_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests;
