//! Streams to a server, secured where the address says so, over which Redis is spoken.

use std::io;
use std::path::Path;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ProtocolVersion, RedisConnectionInfo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
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

/// What reads and writes a connection. It ends with this, also while the other end is silent.
pub(super) struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Speaks Redis over a stream: signed in, and in the database of the settings. The library would say of any refusal here that
/// the password is wrong.
pub(super) async fn speak(
    stream: Stream,
    settings: &RedisConnectionInfo,
    config: AsyncConnectionConfig,
) -> Result<(MultiplexedConnection, Driver), Trouble> {
    let is_resp3 = settings.protocol() == ProtocolVersion::RESP3;
    // The library greets with the password in this protocol.
    let bare = if is_resp3 {
        settings.clone().set_db(0)
    } else {
        RedisConnectionInfo::default().set_skip_set_lib_name()
    };
    let made = MultiplexedConnection::new_with_config(&bare, stream, config);
    let (mut commands, driver) = made.await?;
    let driver = Driver(tokio::spawn(driver).abort_handle());
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
        first.query_async::<()>(&mut commands).await?;
    }
    Ok((commands, driver))
}
