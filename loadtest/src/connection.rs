//! One HTTP/1.1 connection of one user.
//!
//! hyper's low-level connection rather than a pooled client: 5–8 µs less a request, and no pool
//! whose waiting would be measured as the server's.

use std::time::{Duration, Instant};

use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A connection that is open, or was.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
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

/// Why no answer came; the label is the key under which failures are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    Connect,
    Send,
    Body,
    TooLarge,
}

impl Broken {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Connect => "cannot connect",
            Self::Send => "connection lost",
            Self::Body => "body cut short",
            Self::TooLarge => "body over 16 MiB",
        }
    }
}

/// More of one answer is refused: a load generator must not be filled by what it measures.
const MOST_BODY_BYTES: usize = 16 << 20;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);

impl Connection {
    /// Opens a connection to `authority` (`host:port`).
    pub(crate) async fn open(authority: &str) -> Result<Self, Broken> {
        let stream = tokio::time::timeout(CONNECT_WITHIN, TcpStream::connect(authority))
            .await
            .map_err(|_| Broken::Connect)?
            .map_err(|_| Broken::Connect)?;
        stream.set_nodelay(true).map_err(|_| Broken::Connect)?;
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|_| Broken::Connect)?;
        // It ends by itself, with the sender or with the server's side; what went wrong reaches
        // the sender.
        tokio::spawn(connection);
        Ok(Self { sender })
    }

    /// Waits until another request may be sent on it; false when it has closed.
    pub(crate) async fn is_ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends one request on a connection that is ready and reads the whole answer; the body is kept only when `keep_body`.
    pub(crate) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        keep_body: bool,
    ) -> Result<Answer, Broken> {
        let sent = Instant::now();
        let response = self
            .sender
            .send_request(request)
            .await
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
