//! The listener: its limits, its start and its end.

use std::convert::Infallible;
use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};

use crate::http::App;
use crate::lab::{Lab, OpenError};
use crate::setup::{Design, LogFormat, LogKind};

/// Until when a request's head must be there, counted from the end of the one before: it also ends idle connections,
/// so it is longer than a load generator pauses between slices.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest head: a token of 8 kB and a long URI beside it. Longer ones get 431 or 414 from hyper.
const MOST_HEAD_BYTES: usize = 32 * 1024;

/// Until when a request's body must be there, counted from its head: shorter than a shutdown waits, so that even then
/// its client is answered.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(4);
const _: () = assert!(BODY_TIMEOUT.as_millis() < SHUTDOWN_TIMEOUT.as_millis());

/// For how long a shutdown waits for requests under way.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause after a failed accept: out of descriptors, trying again at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Why the server does not run, in one line.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The design could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
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
    /// The runtime could not be started.
    #[error("cannot start {threads} worker threads: {error}")]
    Runtime {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        error: io::Error,
    },
}

/// Runs a design until SIGINT or SIGTERM: prints its pipeline and warnings to stderr, then one line to stdout when it
/// is ready: `authlab listening on http://ADDRESS`.
///
/// # Errors
/// One line: a design that cannot be opened, an address that cannot be had.
pub fn run(mut design: Design) -> Result<(), ServeError> {
    let runtime = runtime(design.threads.get())?;
    runtime.block_on(async {
        let server = Server::bind(design.listen).await?;
        // Port 0 was a wish; who issues tokens is where the server is.
        design.listen = server.address();
        let lab = Lab::open(design)?;
        announce(lab.design());
        log(lab.design());
        if !lab.sessions_answer().await {
            let sessions = &lab.design().sessions;
            let _ = writeln!(
                io::stderr(),
                "warning: {sessions} does not answer: until it does, who needs a session gets 503"
            );
        }
        let stop = stop_signal().map_err(|error| ServeError::Runtime { threads: 1, error })?;
        // Whoever started the server may have closed its end: serving does not depend on being read.
        let _ = writeln!(
            io::stdout(),
            "authlab listening on http://{}",
            server.address()
        );
        let _ = io::stdout().flush();
        server.run(lab, stop).await;
        Ok(())
    })
}

/// Where `--log` asks for lines, they go to stderr. Once a process: whoever has a subscriber of their own keeps it.
fn log(design: &Design) {
    use tracing_subscriber::filter::LevelFilter;
    if design.log == LogKind::None {
        return;
    }
    let lines = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(LevelFilter::INFO)
        .with_ansi(false)
        .with_target(false);
    let _ = match design.log_format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}

/// One worker needs no queues between workers.
fn runtime(threads: usize) -> Result<tokio::runtime::Runtime, ServeError> {
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

fn announce(design: &Design) {
    use std::fmt::Write as _;
    let mut text = String::new();
    for (axis, choice) in design.pipeline() {
        let _ = writeln!(text, "{axis:14}{choice}");
    }
    for warning in design.warnings() {
        let _ = writeln!(text, "warning: {}", warning.help());
    }
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Ends with the first SIGINT or SIGTERM. The handlers are in place when this returns.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// A bound listener.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
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
        Ok(Self { listener, address })
    }

    /// The address that was taken.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` ends, then lets requests under way finish, within limits.
    pub async fn run(self, lab: Arc<Lab>, stop: impl Future<Output = ()>) {
        self.run_with(lab, stop, BODY_TIMEOUT).await;
    }

    async fn run_with(self, lab: Arc<Lab>, stop: impl Future<Output = ()>, body_timeout: Duration) {
        let app = App::within(lab, body_timeout);
        let connections = GracefulShutdown::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        tokio::spawn(connections.watch(connection(stream, peer.ip(), app.clone())));
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
                () = &mut stop => break,
            }
        }
        drop(self.listener);
        tokio::select! {
            () = connections.shutdown() => {}
            () = tokio::time::sleep(SHUTDOWN_TIMEOUT) => {}
        }
    }
}

type Connection<S> = http1::Connection<TokioIo<TcpStream>, S>;

fn connection(
    stream: TcpStream,
    peer: IpAddr,
    app: App,
) -> Connection<
    impl hyper::service::HttpService<
        Incoming,
        ResBody = axum::body::Body,
        Error = Infallible,
        Future: Send,
    >,
> {
    // A small answer must not wait for the acknowledgement of the one before it.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let app = app.clone();
        async move { Ok(app.answer(request, peer).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MOST_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::{Ipv4Addr, TcpStream};
    use std::time::Instant;

    use tokio::sync::oneshot;

    use super::*;
    use crate::password::PasswordKind;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_body_that_never_comes_is_answered_408_and_holds_neither_connection_nor_end() {
        const LIMIT: Duration = Duration::from_millis(100);
        let design = Design {
            password: PasswordKind::Sha256,
            ..Design::default()
        };
        let lab = Lab::open(design).unwrap();
        let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let address = server.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async { stopped.await.unwrap() };
        let serving = tokio::spawn(server.run_with(Arc::clone(&lab), stopped, LIMIT));
        let mut waiting = Vec::new();
        for begun in ["", "{\"username\":"] {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(SHUTDOWN_TIMEOUT)).unwrap();
            let head = "POST /token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n";
            let sent = format!("{head}\r\n{begun}");
            stream.write_all(sent.as_bytes()).unwrap();
            waiting.push(stream);
        }
        for mut stream in waiting {
            let mut answer = String::new();
            // To its end: the server closes.
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
            assert!(answer.contains("connection: close"), "{answer}");
            assert!(answer.contains("error_description"), "{answer}");
        }
        let asked = Instant::now();
        stop.send(()).unwrap();
        serving.await.unwrap();
        assert!(asked.elapsed() < BODY_TIMEOUT, "{:?}", asked.elapsed());
    }
}
