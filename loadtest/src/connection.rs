//! One connection of one user: HTTP/1.1 or HTTP/2, over TLS or in the clear.
//!
//! hyper's low-level connections rather than a pooled client: 5–8 µs less a request, and no pool
//! whose waiting would be measured as the server's. With HTTP/2 too a user has a connection of its
//! own and one request under way, so that figures compare, unless the load has several users share one.

mod broken;
mod endpoint;
mod shared;
mod tls;
mod watched;

use std::time::{Duration, Instant};

use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{self, TcpStream};

use crate::protocol::HttpVersion;

pub(crate) use self::broken::{Broken, Failure};
pub(crate) use self::endpoint::Endpoint;
pub(crate) use self::shared::Party;
pub(crate) use self::watched::Octets;
use self::watched::Watched;

/// A connection that is open, or was.
pub(crate) struct Connection {
    sender: Sender,
    octets: Octets,
    /// What of them had been received before the request under way.
    received_before: u64,
    /// Whether a response has come on it.
    is_proven: bool,
}

enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// An answer, with the instants of its request.
pub(crate) struct Answer {
    /// What the client's own proof of the first request took: every client of such a server pays for it.
    pub(crate) proved_in: Duration,
    pub(crate) sent: Instant,
    pub(crate) first_byte: Instant,
    pub(crate) last_byte: Instant,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body, where the step looks at it.
    pub(crate) body: Bytes,
    pub(crate) coding: Coding,
}

/// What became of the body's `Content-Encoding`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Coding {
    /// The body is as it came.
    AsSent,
    Decoded,
    /// It is as it came, and cannot be read for this reason.
    Unreadable(Box<str>),
}

/// A request that was not answered.
#[derive(Debug)]
pub(crate) struct Lost {
    pub(crate) broken: Broken,
    /// When it was sent.
    pub(crate) sent: Instant,
    pub(crate) again: Again,
    /// Whether the connection lives on.
    pub(crate) is_open: bool,
}

/// Whether a request that was not answered may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// The server may have processed it.
    No,
    /// On a connection that had been open before (RFC 9112 §9.3.1): it was closed before the server read the
    /// request, or the request is idempotent and was not answered with a single octet.
    IfReused,
    /// The server said that it did not process the request (RFC 9113 §6.8 and §8.7).
    Yes,
}

/// More of one answer is refused: a load generator must not be filled by what it measures.
const MOST_BODY_BYTES: usize = 16 << 20;
/// More headers of one answer are refused. hyper reserves the room for them at each response.
const MOST_HEADERS: usize = 1_000;
/// Longer headers of one answer are refused; Firefox reads 384 KiB and Chromium 256 KiB. It is what hyper's own
/// buffer of HTTP/1.1 holds.
const MOST_HEAD_BYTES: u32 = 408 << 10;

/// A connection that takes longer has failed.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(5);

impl Connection {
    /// Opens a connection, with what was agreed on in an earlier handshake if it `resumes`. What passes is added to `octets`.
    pub(crate) async fn open(
        endpoint: &Endpoint,
        resumes: bool,
        octets: &Octets,
    ) -> Result<Self, Failure> {
        let sender = Sender::open(endpoint, resumes, octets).await?;
        Ok(Self::with(sender, octets))
    }

    /// A connection of HTTP/2 that a party shares: opened for the first of them, whose octets are then those of all; one of
    /// HTTP/1.1 is opened for this user alone.
    pub(crate) async fn join(
        endpoint: &Endpoint,
        party: Party,
        octets: &Octets,
    ) -> Result<Self, Failure> {
        let sender = endpoint
            .shared
            .joined(party, || Sender::open(endpoint, true, octets));
        Ok(Self::with(sender.await?, octets))
    }

    fn with(sender: Sender, octets: &Octets) -> Self {
        Self {
            sender,
            octets: octets.clone(),
            received_before: 0,
            is_proven: false,
        }
    }

    /// Waits until another request may be sent on it; false when it has closed.
    pub(crate) async fn is_ready(&mut self) -> bool {
        match &mut self.sender {
            Sender::One(sender) => sender.ready().await.is_ok(),
            Sender::Two(sender) => sender.ready().await.is_ok(),
        }
    }

    /// Sends one request on a connection that is ready and reads the whole answer; the body is kept only when `keep_body`.
    pub(crate) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        keep_body: bool,
    ) -> Result<Answer, Lost> {
        let is_idempotent = request.method().is_idempotent();
        let sent = Instant::now();
        let received = self.octets.received();
        let came_unasked = received > self.received_before;
        self.received_before = received;
        let response = match &mut self.sender {
            Sender::One(sender) => sender.send_request(request).await,
            Sender::Two(sender) => sender.send_request(request).await,
        };
        let response =
            response.map_err(|error| self.lost(&error, sent, is_idempotent, came_unasked))?;
        self.is_proven = true;
        let first_byte = Instant::now();
        let (head, mut incoming) = response.into_parts();
        let mut body = Vec::new();
        let mut length = 0;
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|error| self.cut(Broken::of_body(&error), sent))?;
            if let Some(data) = frame.data_ref() {
                length += data.len();
                if length > MOST_BODY_BYTES {
                    return Err(self.cut(Broken::TooLarge, sent));
                }
                if keep_body {
                    body.extend_from_slice(data);
                }
            }
        }
        Ok(Answer {
            proved_in: Duration::ZERO,
            sent,
            first_byte,
            last_byte: Instant::now(),
            status: head.status,
            headers: head.headers,
            body: body.into(),
            coding: Coding::AsSent,
        })
    }

    /// Why no response began, and whether the request may be sent again.
    #[cold]
    fn lost(
        &self,
        error: &hyper::Error,
        sent: Instant,
        is_idempotent: bool,
        came_unasked: bool,
    ) -> Lost {
        let is_one = matches!(self.sender, Sender::One(_));
        // HTTP/2 has frames of its own; no response began, however many octets came.
        let octets = is_one && self.octets.received() > self.received_before;
        // hyper gives a request back that it has not begun to write.
        let was_written = !error.is_canceled();
        let broken = if is_one && !was_written && !self.is_proven && (octets || came_unasked) {
            Broken::NotHttp
        } else {
            Broken::of_response(error, octets)
        };
        let again = if broken.is_unprocessed() {
            Again::Yes
        } else if !was_written || (is_idempotent && !octets && broken.is_end_of_connection()) {
            Again::IfReused
        } else {
            Again::No
        };
        Lost {
            again,
            ..self.cut(broken, sent)
        }
    }

    /// An answer that broke off after it had begun.
    #[cold]
    fn cut(&self, broken: Broken, sent: Instant) -> Lost {
        Lost {
            broken,
            sent,
            again: Again::No,
            is_open: broken.is_of_stream() && matches!(self.sender, Sender::Two(_)),
        }
    }
}

impl Sender {
    async fn open(endpoint: &Endpoint, resumes: bool, octets: &Octets) -> Result<Self, Failure> {
        let stream = dial(endpoint).await?;
        match &endpoint.tls {
            None => Self::over(stream, endpoint.http, octets).await,
            // On the heap: a user's future, moved and polled for each request, stays small.
            Some(tls) => {
                let handshake = tls.handshake(stream, resumes);
                let secured = tokio::time::timeout(CONNECT_WITHIN, Box::pin(handshake));
                let secured = secured.await.map_err(|_| Broken::TlsLate)??;
                Box::pin(Self::over(secured, endpoint.http, octets)).await
            }
        }
    }

    /// Speaks HTTP on `stream`. The connection's task ends by itself, with the sender or with the
    /// server's side; what went wrong reaches the sender.
    async fn over<S>(stream: S, http: HttpVersion, octets: &Octets) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let refused = |error: hyper::Error| Failure::new(Broken::of_response(&error, false), error);
        let stream = TokioIo::new(Watched::new(stream, octets));
        match http {
            HttpVersion::One => {
                let (sender, connection) = http1::Builder::new()
                    .max_headers(MOST_HEADERS)
                    .max_buf_size(MOST_HEAD_BYTES as usize)
                    .handshake(stream)
                    .await
                    .map_err(refused)?;
                tokio::spawn(connection);
                Ok(Self::One(sender))
            }
            HttpVersion::Two => {
                let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                    .max_header_list_size(MOST_HEAD_BYTES)
                    .handshake(stream)
                    .await
                    .map_err(refused)?;
                tokio::spawn(connection);
                Ok(Self::Two(sender))
            }
        }
    }
}

/// A TCP connection, without Nagle's delay.
pub(crate) async fn dial(endpoint: &Endpoint) -> Result<TcpStream, Failure> {
    let connecting = tokio::time::timeout(CONNECT_WITHIN, connect(endpoint));
    let stream = connecting.await.map_err(|_| Broken::ConnectLate)??;
    stream
        .set_nodelay(true)
        .map_err(|error| Broken::of_connect(&error))?;
    Ok(stream)
}

/// The first of the endpoint's addresses that accepts. Where none does, the failure is that of the first.
async fn connect(endpoint: &Endpoint) -> Result<TcpStream, Failure> {
    let named = net::lookup_host(&endpoint.address).await;
    let named = named.map_err(|error| match error.raw_os_error() {
        // A name is looked up over descriptors, too.
        Some(_) => Broken::of_connect(&error).into(),
        None => Failure::new(Broken::Unresolved, error),
    })?;
    let mut failed = None;
    for address in named.chain(endpoint.second) {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failed.get_or_insert(Broken::of_connect(&error)),
        };
    }
    Err(failed.unwrap_or(Broken::Unresolved).into())
}
