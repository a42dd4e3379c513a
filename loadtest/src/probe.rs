//! A readiness probe, on a connection of its own, outside every measurement.

use std::io;
use std::time::Duration;

use h2::Ping;
use http::{HeaderValue, Request, Uri, header};
use http_body_util::Full;
use hyper::body::Bytes;

use crate::connection::{Broken, Connection, Endpoint, Failure, Octets, dial};
use crate::protocol::HttpVersion;

/// A server that is not reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreached {
    #[error("{0}")]
    Broken(Failure),
    #[error("no answer within {0:?}")]
    Late(Duration),
    #[error("`{0}` is not a path")]
    Path(String),
    #[error("the probe cannot run: {0}")]
    Runtime(#[from] io::Error),
}

impl Unreached {
    /// Whether waiting for the server cannot help.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Broken(failure) => failure.broken.is_final(),
            Self::Path(_) => true,
            Self::Late(_) | Self::Runtime(_) => false,
        }
    }
}

impl From<Failure> for Unreached {
    fn from(failure: Failure) -> Self {
        Self::Broken(failure)
    }
}

/// The status that `path` answers.
pub(crate) fn get(endpoint: &Endpoint, path: &str, within: Duration) -> Result<u16, Unreached> {
    let request = request(endpoint, path)?;
    run(within, async {
        if is_clear_http2(endpoint) {
            ping(endpoint).await?;
        }
        let mut connection = Connection::open(endpoint, true, &Octets::default()).await?;
        let answer = connection.exchange(request, false).await;
        let answer = answer.map_err(|lost| Failure::from(lost.broken))?;
        Ok(answer.status.as_u16())
    })
}

/// Connects, and no more than that is asked: a server that runs already may count its requests.
pub(crate) fn reach(endpoint: &Endpoint, within: Duration) -> Result<(), Unreached> {
    run(within, async {
        if is_clear_http2(endpoint) {
            return ping(endpoint).await;
        }
        Connection::open(endpoint, true, &Octets::default())
            .await
            .map(drop)
    })
}

fn is_clear_http2(endpoint: &Endpoint) -> bool {
    endpoint.tls.is_none() && endpoint.http == HttpVersion::Two
}

/// In the clear nothing is agreed on: whoever answers a PING speaks HTTP/2 (RFC 9113, section 6.7).
async fn ping(endpoint: &Endpoint) -> Result<(), Failure> {
    let mute = |error| Failure::new(Broken::Version(HttpVersion::Two), error);
    let stream = dial(endpoint).await?;
    let (_sender, mut connection) = h2::client::handshake(stream).await.map_err(mute)?;
    let Some(mut pings) = connection.ping_pong() else {
        return Ok(());
    };
    tokio::select! {
        pong = pings.ping(Ping::opaque()) => pong.map(drop).map_err(mute),
        ended = connection => Err(match ended {
            Ok(()) => Broken::Version(HttpVersion::Two).into(),
            Err(error) => mute(error),
        }),
    }
}

fn request(endpoint: &Endpoint, path: &str) -> Result<Request<Full<Bytes>>, Unreached> {
    let refused = || Unreached::Path(path.to_owned());
    let authority = endpoint.origin.authority();
    let mut request = Request::new(Full::default());
    *request.uri_mut() = match endpoint.http {
        HttpVersion::One => {
            let host = HeaderValue::from_str(&authority).map_err(|_| refused())?;
            request.headers_mut().insert(header::HOST, host);
            path.parse::<Uri>()
        }
        HttpVersion::Two => format!("{}{path}", endpoint.origin).parse(),
    }
    .map_err(|_| refused())?;
    Ok(request)
}

fn run<T>(
    within: Duration,
    asking: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Unreached> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match tokio::time::timeout(within, asking).await {
            Ok(answered) => Ok(answered?),
            Err(_) => Err(Unreached::Late(within)),
        }
    })
}
