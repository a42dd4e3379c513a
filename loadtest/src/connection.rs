//! One connection of one user: HTTP/1.1 or HTTP/2, over TLS or in the clear.
//!
//! hyper's low-level connections rather than a pooled client: 5–8 µs less a request, and no pool
//! whose waiting would be measured as the server's. With HTTP/2 too a user has a connection of its
//! own and one request under way, so that figures compare.

mod broken;
mod endpoint;
mod tls;

use std::time::{Duration, Instant};

use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::protocol::HttpVersion;

pub(crate) use self::broken::{Broken, Failure};
pub(crate) use self::endpoint::Endpoint;
use self::tls::Tls;

/// A connection that is open, or was.
pub(crate) struct Connection {
    sender: Sender,
}

enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// An answer, with the instants of its request.
pub(crate) struct Answer {
    pub(crate) sent: Instant,
    pub(crate) first_byte: Instant,
    pub(crate) last_byte: Instant,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body, where the step looks at it.
    pub(crate) body: Bytes,
}

/// More of one answer is refused: a load generator must not be filled by what it measures.
const MOST_BODY_BYTES: usize = 16 << 20;

/// A connection that takes longer has failed.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(5);

impl Connection {
    /// Opens a connection; the TLS handshake is part of it, and of no request.
    pub(crate) async fn open(endpoint: &Endpoint) -> Result<Self, Failure> {
        let stream = dial(endpoint).await?;
        let sender = match &endpoint.tls {
            None => Sender::over(stream, endpoint.http).await?,
            // On the heap: a user's future, moved and polled for each request, stays small.
            Some(tls) => Box::pin(Sender::secured(stream, tls, endpoint.http)).await?,
        };
        Ok(Self { sender })
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
    ) -> Result<Answer, Broken> {
        let sent = Instant::now();
        let response = match &mut self.sender {
            Sender::One(sender) => sender.send_request(request).await,
            Sender::Two(sender) => sender.send_request(request).await,
        }
        .map_err(|_| Broken::Send)?;
        let first_byte = Instant::now();
        let (head, mut incoming) = response.into_parts();
        let mut body = Vec::new();
        let mut length = 0;
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|_| Broken::Body)?;
            if let Some(data) = frame.data_ref() {
                length += data.len();
                if length > MOST_BODY_BYTES {
                    return Err(Broken::TooLarge);
                }
                if keep_body {
                    body.extend_from_slice(data);
                }
            }
        }
        Ok(Answer {
            sent,
            first_byte,
            last_byte: Instant::now(),
            status: head.status,
            headers: head.headers,
            body: body.into(),
        })
    }
}

impl Sender {
    async fn secured(stream: TcpStream, tls: &Tls, http: HttpVersion) -> Result<Self, Failure> {
        let handshake = tokio::time::timeout(CONNECT_WITHIN, tls.handshake(stream));
        let secured = handshake
            .await
            .map_err(|late| Failure::new(Broken::Tls, late))??;
        Self::over(secured, http).await
    }

    /// Speaks HTTP on `stream`. The connection's task ends by itself, with the sender or with the
    /// server's side; what went wrong reaches the sender.
    async fn over<S>(stream: S, http: HttpVersion) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let refused = |error| Failure::new(Broken::Connect, error);
        let stream = TokioIo::new(stream);
        match http {
            HttpVersion::One => {
                let (sender, connection) = http1::handshake(stream).await.map_err(refused)?;
                tokio::spawn(connection);
                Ok(Self::One(sender))
            }
            HttpVersion::Two => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), stream)
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
    let connecting = TcpStream::connect(&endpoint.address);
    let stream = tokio::time::timeout(CONNECT_WITHIN, connecting)
        .await
        .map_err(|late| Failure::new(Broken::Connect, late))?
        .map_err(|error| Failure::new(Broken::Connect, error))?;
    stream
        .set_nodelay(true)
        .map_err(|error| Failure::new(Broken::Connect, error))?;
    Ok(stream)
}
