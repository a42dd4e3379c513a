//! Streams to a server, secured where the address says so, over which Redis is spoken.

use std::future::poll_fn;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ProtocolVersion, RedisConnectionInfo, RedisResult};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use super::address::Host;
use super::failure::Trouble;

/// A stream of any kind.
pub(super) type Stream = Box<dyn Duplex>;

pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// A stream to a host.
pub(super) async fn to_host(host: &Host, tls: Option<&TlsConnector>) -> Result<Stream, Trouble> {
    let stream = TcpStream::connect((host.name.as_str(), host.port)).await?;
    stream.set_nodelay(true)?;
    match tls {
        None => Ok(Box::new(stream)),
        Some(tls) => Ok(Box::new(secured(stream, host, tls).await?)),
    }
}

/// A stream to a socket of the file system.
pub(super) async fn to_socket(path: &Path) -> io::Result<Stream> {
    Ok(Box::new(UnixStream::connect(path).await?))
}

async fn secured(
    stream: TcpStream,
    host: &Host,
    tls: &TlsConnector,
) -> Result<TlsStream<TcpStream>, Trouble> {
    let name = ServerName::try_from(host.name.clone());
    let name = name.map_err(|error| Trouble::Tls(error.to_string().into()))?;
    let stream = tls.connect(name, stream).await;
    stream.map_err(|error| match error.kind() {
        // What the other end says is wrong, or no TLS at all.
        io::ErrorKind::InvalidData => Trouble::Tls(error.to_string().into()),
        _ => error.into(),
    })
}

/// For calls that have a time of their own.
pub(super) fn untimed() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_response_timeout(None)
}

/// A connection over which Redis is spoken; its clones are the same one. It ends with the last of them, also while the other
/// end is silent.
#[derive(Clone)]
pub(super) struct Commands {
    redis: MultiplexedConnection,
    /// Says that what reads and writes has ended.
    ended: watch::Receiver<()>,
    _driver: Arc<Driver>,
}

/// What reads and writes a connection. It ends with this.
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Commands {
    /// What is answered, or that the connection was lost.
    ///
    /// A call that is sent in the moment in which the other end closes may stay in the queue of what writes, which has ended
    /// by then: nobody answers it, and nobody drops it as long as there is a sender (tokio's channel drains it before the call
    /// arrives). The library would wait for good.
    pub(super) async fn ask<T>(
        &mut self,
        asked: impl AsyncFnOnce(&mut MultiplexedConnection) -> RedisResult<T>,
    ) -> RedisResult<T> {
        let mut ended = self.ended.clone();
        // On the heap: the future of a request, of which this is a part, stays small.
        let mut answer = Box::pin(asked(&mut self.redis));
        or_lost(answer.as_mut(), async move {
            // Nothing is ever sent: it changes by its end.
            let _ = ended.changed().await;
        })
        .await
    }
}

/// An answer; where it is not there when all has ended, that the connection was lost.
async fn or_lost<T>(
    mut answer: Pin<&mut impl Future<Output = RedisResult<T>>>,
    ended: impl Future<Output = ()>,
) -> RedisResult<T> {
    tokio::select! {
        biased;
        answer = &mut answer => return answer,
        () = ended => {}
    }
    // It may have come before the end did.
    let last = poll_fn(|context| match answer.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => Poll::Ready(None),
    });
    last.await
        .unwrap_or_else(|| Err(io::Error::from(io::ErrorKind::ConnectionAborted).into()))
}

/// Speaks Redis over a stream: signed in, and in the database of the settings. The library would say of any refusal here that
/// the password is wrong.
pub(super) async fn speak(
    stream: Stream,
    settings: &RedisConnectionInfo,
    config: AsyncConnectionConfig,
) -> Result<Commands, Trouble> {
    let is_resp3 = settings.protocol() == ProtocolVersion::RESP3;
    // The library greets with the password in this protocol.
    let bare = if is_resp3 {
        settings.clone().set_db(0)
    } else {
        RedisConnectionInfo::default().set_skip_set_lib_name()
    };
    let made = MultiplexedConnection::new_with_config(&bare, stream, config);
    let (redis, driver) = made.await?;
    let (end, ended) = watch::channel(());
    let driver = tokio::spawn(async move {
        driver.await;
        drop(end);
    });
    let mut commands = Commands {
        redis,
        ended,
        _driver: Arc::new(Driver(driver.abort_handle())),
    };
    let mut first = redis::pipe();
    if let Some(password) = settings.password().filter(|_| !is_resp3) {
        let sign_in = first.cmd("AUTH");
        if let Some(name) = settings.username() {
            sign_in.arg(name);
        }
        sign_in.arg(password).ignore();
    }
    if settings.db() != 0 {
        first.cmd("SELECT").arg(settings.db()).ignore();
    }
    if !first.is_empty() {
        let answered = commands.ask(async |redis| first.query_async::<()>(redis).await);
        answered.await?;
    }
    Ok(commands)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn what_nobody_will_answer_is_lost_and_what_was_answered_is_not() {
        let unanswered = pin!(pending::<RedisResult<u8>>());
        let lost = or_lost(unanswered, ready(())).await.unwrap_err();
        assert_eq!(lost.kind(), redis::ErrorKind::Io);
        // Answered in the moment of the end.
        let (answer, answered) = tokio::sync::oneshot::channel();
        let answered = pin!(async { Ok(answered.await.unwrap()) });
        let ended = async { answer.send(7_u8).unwrap() };
        assert_eq!(or_lost(answered, ended).await.unwrap(), 7);
        let answered = pin!(async { Ok(8_u8) });
        assert_eq!(or_lost(answered, pending()).await.unwrap(), 8);
    }
}
