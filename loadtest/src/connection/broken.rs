//! Why no answer came: each cause by its own name, read from the errors of the system and the libraries.

use std::error::Error;
use std::{fmt, io, iter};

use h2::Reason;
use rustix::io::Errno;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, Error as RustlsError, InvalidMessage,
};

use super::{CONNECT_WITHIN, MOST_BODY_BYTES, MOST_HEAD_BYTES, MOST_HEADERS};
use crate::protocol::HttpVersion;

/// Why no answer came. What it displays is the label under which failures are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The host's name has no address.
    Unresolved,
    /// The system refused to connect; its error number, where it gave one.
    Connect(Option<i32>),
    /// The connection took too long to establish.
    ConnectLate,
    /// The process or the system has no file descriptor left for a connection.
    NoDescriptors,
    /// Every local port towards this address is in use.
    NoPorts,
    /// The certificate's authority is none that is believed.
    Untrusted,
    /// The certificate is for another host.
    WrongName,
    /// The certificate is too old, or too new.
    Outdated,
    /// The server ended the TLS session with this alert.
    TlsAlert(AlertDescription),
    /// Server and client have no version, cipher suite or key exchange of TLS in common.
    TlsIncompatible,
    /// What the server sent is not TLS.
    NotTls,
    /// The server closed the connection within the handshake.
    TlsClosed,
    /// The handshake took too long.
    TlsLate,
    /// Another failure of TLS.
    Tls,
    /// The server does not speak this version.
    Version(HttpVersion),
    /// The connection was closed before the first octet of a response.
    Unanswered,
    /// The connection was closed within the status line or the headers.
    HeadCut,
    /// The socket failed while a response was awaited.
    Socket(io::ErrorKind),
    /// The server sent something other than HTTP.
    NotHttp,
    /// The status line is not one.
    BadStatus,
    /// A header is malformed.
    BadHeader,
    /// `Content-Length` is not a number, or has several values.
    BadLength,
    /// `Transfer-Encoding` is not allowed here.
    BadTransferEncoding,
    /// The headers are malformed in another way.
    BadHead,
    /// More headers than are read, or longer ones.
    HeadTooLarge,
    /// The server reset the HTTP/2 stream.
    StreamReset(Reason),
    /// The HTTP/2 stream broke the protocol; the client reset it.
    StreamInvalid(Reason),
    /// The server closed the HTTP/2 connection and did not process the request.
    GoAway(Reason),
    /// The server broke HTTP/2; the client closed the connection.
    Http2Invalid(Reason),
    /// The connection was closed before the end of the body.
    BodyCut,
    /// The socket failed within the body.
    BodySocket(io::ErrorKind),
    /// The chunks of the body are malformed.
    BadChunk,
    /// The body is longer than is read.
    TooLarge,
}

impl Broken {
    /// Of a connection that did not come about.
    pub(crate) fn of_connect(error: &io::Error) -> Self {
        let number = error.raw_os_error();
        match number.map(Errno::from_raw_os_error) {
            Some(Errno::MFILE | Errno::NFILE) => Self::NoDescriptors,
            Some(Errno::ADDRNOTAVAIL) => Self::NoPorts,
            _ => Self::Connect(number),
        }
    }

    /// Of a TLS handshake that failed.
    pub(super) fn of_handshake(error: &io::Error, http: HttpVersion) -> Self {
        let cause = chain(error).find_map(|cause| cause.downcast_ref::<RustlsError>());
        match (cause, error.kind()) {
            (Some(RustlsError::AlertReceived(AlertDescription::NoApplicationProtocol)), _) => {
                Self::Version(http)
            }
            (Some(cause), _) => Self::of_tls(cause),
            (None, io::ErrorKind::UnexpectedEof) => Self::TlsClosed,
            (None, kind) if error.raw_os_error().is_some() => Self::Socket(kind),
            (None, _) => Self::Tls,
        }
    }

    /// Of a response that did not begin. `octets` says whether any octet of one came.
    pub(super) fn of_response(error: &hyper::Error, octets: bool) -> Self {
        if error.is_incomplete_message() {
            return Self::closed(octets);
        }
        if error.is_parse() {
            return Self::of_head(error);
        }
        match Self::of_stream(error) {
            Some(Stream::Named(broken)) => broken,
            Some(Stream::Socket(kind)) if is_closed(kind) => Self::closed(octets),
            Some(Stream::Socket(kind)) => Self::Socket(kind),
            None => Self::closed(octets),
        }
    }

    /// Of a body that did not come to its end.
    pub(super) fn of_body(error: &hyper::Error) -> Self {
        match Self::of_stream(error) {
            Some(Stream::Named(broken)) => broken,
            // hyper's own words for a chunk that is none.
            Some(Stream::Socket(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)) => {
                Self::BadChunk
            }
            Some(Stream::Socket(kind)) if is_closed(kind) => Self::BodyCut,
            Some(Stream::Socket(kind)) => Self::BodySocket(kind),
            None => Self::BodyCut,
        }
    }

    fn closed(octets: bool) -> Self {
        if octets {
            Self::HeadCut
        } else {
            Self::Unanswered
        }
    }

    /// What is wrong with a status line or headers. hyper tells most of it in words only; the table of
    /// `tests/transport.rs` holds them.
    fn of_head(error: &hyper::Error) -> Self {
        if error.is_parse_too_large() {
            return Self::HeadTooLarge;
        }
        if error.is_parse_status() {
            return Self::BadStatus;
        }
        if error.is_parse_version_h2() {
            return Self::NotHttp;
        }
        match error.to_string().as_str() {
            "invalid HTTP version parsed" => Self::NotHttp,
            "invalid HTTP header parsed" => Self::BadHeader,
            "invalid content-length parsed" => Self::BadLength,
            "unexpected transfer-encoding parsed" => Self::BadTransferEncoding,
            _ => Self::BadHead,
        }
    }

    fn of_stream(error: &hyper::Error) -> Option<Stream> {
        chain(error).find_map(|cause| {
            if let Some(cause) = cause.downcast_ref::<h2::Error>() {
                return Self::of_http2(cause);
            }
            if let Some(cause) = cause.downcast_ref::<RustlsError>() {
                return Some(Stream::Named(Self::of_tls(cause)));
            }
            let cause = cause.downcast_ref::<io::Error>()?;
            // A cause within it says more.
            let is_outer = cause.get_ref().is_some_and(|inner| {
                inner.is::<RustlsError>() || inner.is::<h2::Error>() || inner.is::<io::Error>()
            });
            (!is_outer).then(|| Stream::Socket(cause.kind()))
        })
    }

    fn of_http2(error: &h2::Error) -> Option<Stream> {
        if let Some(cause) = error.get_io() {
            return Some(Stream::Socket(cause.kind()));
        }
        let reason = error.reason()?;
        let of_server = error.is_remote();
        Some(Stream::Named(match (error.is_go_away(), of_server) {
            (true, true) => Self::GoAway(reason),
            (true, false) => Self::Http2Invalid(reason),
            (false, true) => Self::StreamReset(reason),
            (false, false) => Self::StreamInvalid(reason),
        }))
    }

    fn of_tls(error: &RustlsError) -> Self {
        match error {
            RustlsError::InvalidCertificate(refused) => match refused {
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => Self::WrongName,
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => Self::Outdated,
                _ => Self::Untrusted,
            },
            RustlsError::AlertReceived(alert) => Self::TlsAlert(*alert),
            RustlsError::PeerIncompatible(_) => Self::TlsIncompatible,
            RustlsError::InvalidMessage(InvalidMessage::InvalidContentType) => Self::NotTls,
            _ => Self::Tls,
        }
    }

    /// Whether waiting for the server cannot help: it is up, and shows the wrong certificate.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Untrusted | Self::WrongName | Self::Outdated)
    }

    /// Whether only the request's HTTP/2 stream has ended: the connection lives on (RFC 9113 §5.4.2).
    pub(super) fn is_of_stream(self) -> bool {
        matches!(
            self,
            Self::StreamReset(_) | Self::StreamInvalid(_) | Self::TooLarge
        )
    }

    /// Whether the server said that it did not process the request (RFC 9113 §6.8 and §8.7). After an error it
    /// may have said so of more than it knows.
    pub(super) fn is_unprocessed(self) -> bool {
        matches!(
            self,
            Self::StreamReset(Reason::REFUSED_STREAM) | Self::GoAway(Reason::NO_ERROR)
        )
    }

    /// Whether the connection ended, rather than something that came on it was wrong.
    pub(super) fn is_end_of_connection(self) -> bool {
        match self {
            Self::Unanswered | Self::GoAway(_) => true,
            Self::Socket(kind) => matches!(
                kind,
                io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted
            ),
            _ => false,
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Untrusted => "; name the PEM file of the authority that issued it as `ca`",
            Self::WrongName => {
                "; use the certificate's name in the url, or as the command's `host`"
            }
            _ => "",
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unresolved => f.write_str("cannot connect: the host name has no address"),
            Self::Connect(None) => f.write_str("cannot connect"),
            Self::Connect(Some(number)) => {
                let cause = io::Error::from_raw_os_error(number);
                write!(f, "cannot connect: {cause}")
            }
            Self::ConnectLate => {
                write!(f, "cannot connect: no connection within {CONNECT_WITHIN:?}")
            }
            Self::NoDescriptors => f.write_str(
                "cannot connect: no file descriptors are left (`ulimit -n` is the limit)",
            ),
            Self::NoPorts => f.write_str("cannot connect: no local ports are left"),
            Self::Untrusted => f.write_str("TLS handshake failed: certificate not trusted"),
            Self::WrongName => f.write_str("TLS handshake failed: certificate is for another host"),
            Self::Outdated => {
                f.write_str("TLS handshake failed: certificate has expired or is not yet valid")
            }
            Self::TlsAlert(alert) => write!(f, "TLS failed: the server sent the alert {alert:?}"),
            Self::TlsIncompatible => f.write_str(
                "TLS handshake failed: no version, cipher suite or key exchange in common",
            ),
            Self::NotTls => f.write_str("TLS handshake failed: the server does not speak TLS"),
            Self::TlsClosed => {
                f.write_str("TLS handshake failed: the server closed the connection")
            }
            Self::TlsLate => {
                write!(
                    f,
                    "TLS handshake failed: not completed within {CONNECT_WITHIN:?}"
                )
            }
            Self::Tls => f.write_str("TLS handshake failed"),
            Self::Version(HttpVersion::One) => f.write_str("server does not speak HTTP/1.1"),
            Self::Version(HttpVersion::Two) => f.write_str("server does not speak HTTP/2"),
            Self::Unanswered => f.write_str("connection closed before a response"),
            Self::HeadCut => f.write_str("connection closed within the response headers"),
            Self::Socket(kind) => write!(f, "connection failed: {kind}"),
            Self::NotHttp => f.write_str("the server sent something other than HTTP"),
            Self::BadStatus => f.write_str("malformed response: invalid status line"),
            Self::BadHeader => f.write_str("malformed response: invalid header"),
            Self::BadLength => f.write_str("malformed response: invalid Content-Length"),
            Self::BadTransferEncoding => {
                f.write_str("malformed response: Transfer-Encoding is not allowed here")
            }
            Self::BadHead => f.write_str("malformed response headers"),
            Self::HeadTooLarge => write!(
                f,
                "response headers too large: over {MOST_HEADERS} headers or {} KiB",
                MOST_HEAD_BYTES >> 10
            ),
            Self::StreamReset(reason) => {
                write!(f, "HTTP/2 stream reset by the server: {reason:?}")
            }
            // h2 refuses headers over the limit in the same way as malformed ones.
            Self::StreamInvalid(reason) => write!(
                f,
                "malformed HTTP/2 response, or headers over {} KiB: {reason:?}",
                MOST_HEAD_BYTES >> 10
            ),
            Self::GoAway(reason) => {
                write!(f, "HTTP/2 connection closed by the server: {reason:?}")
            }
            // h2 ends the connection so for very long headers, and for floods of small frames.
            Self::Http2Invalid(Reason::ENHANCE_YOUR_CALM) => write!(
                f,
                "the server sent headers over {} KiB, or too many frames: ENHANCE_YOUR_CALM",
                MOST_HEAD_BYTES >> 10
            ),
            Self::Http2Invalid(reason) => {
                write!(f, "the server violated HTTP/2: {reason:?}")
            }
            Self::BodyCut => f.write_str("body cut short: connection closed before its end"),
            Self::BodySocket(kind) => write!(f, "body cut short: {kind}"),
            Self::BadChunk => f.write_str("malformed body: invalid chunked encoding"),
            Self::TooLarge => write!(f, "body over {} MiB", MOST_BODY_BYTES >> 20),
        }
    }
}

/// What a library's error is about.
enum Stream {
    Named(Broken),
    Socket(io::ErrorKind),
}

/// Whether the socket's error only says that the other side has closed it.
fn is_closed(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::NotConnected
    )
}

/// An error and its causes. The source of an `io::Error` skips the error that it holds.
fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| {
        let held = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match held {
            Some(held) => Some(held as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

/// A failure told in full, once; what is counted is only its label.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) broken: Broken,
    /// The system's or the library's word for it; may be empty.
    cause: String,
}

impl Failure {
    pub(crate) fn new(broken: Broken, cause: impl fmt::Display) -> Self {
        Self {
            broken,
            cause: cause.to_string(),
        }
    }
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Self {
        Self::new(broken, "")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.broken.fmt(f)?;
        if !self.cause.is_empty() {
            write!(f, " ({})", self.cause)?;
        }
        f.write_str(self.broken.remedy())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_does_not_come_about_says_why() {
        let table = [
            (
                Errno::MFILE,
                "cannot connect: no file descriptors are left (`ulimit -n` is the limit)",
            ),
            (
                Errno::NFILE,
                "cannot connect: no file descriptors are left (`ulimit -n` is the limit)",
            ),
            (
                Errno::ADDRNOTAVAIL,
                "cannot connect: no local ports are left",
            ),
            (
                Errno::CONNREFUSED,
                "cannot connect: Connection refused (os error 111)",
            ),
            (
                Errno::CONNRESET,
                "cannot connect: Connection reset by peer (os error 104)",
            ),
            (
                Errno::TIMEDOUT,
                "cannot connect: Connection timed out (os error 110)",
            ),
            (
                Errno::HOSTUNREACH,
                "cannot connect: No route to host (os error 113)",
            ),
        ];
        for (number, label) in table {
            let error = io::Error::from(number);
            assert_eq!(Broken::of_connect(&error).to_string(), label);
        }
    }

    #[test]
    fn a_cause_is_found_within_the_errors_that_carry_it() {
        let alert = RustlsError::AlertReceived(AlertDescription::CertificateRequired);
        let carried = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, alert));
        let broken = Broken::of_handshake(&carried, HttpVersion::One);
        assert_eq!(
            broken,
            Broken::TlsAlert(AlertDescription::CertificateRequired)
        );
    }
}
