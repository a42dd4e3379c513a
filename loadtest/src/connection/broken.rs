//! Why no answer came.

use std::fmt;

use crate::protocol::HttpVersion;

/// Why no answer came; the label is the key under which failures are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    Connect,
    /// The certificate's authority is none that is believed.
    Untrusted,
    /// The certificate is for another host.
    WrongName,
    /// The certificate is too old, or too new.
    Outdated,
    Tls,
    /// The server does not speak this version.
    Version(HttpVersion),
    Send,
    Body,
    TooLarge,
}

impl Broken {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Connect => "cannot connect",
            Self::Untrusted => "TLS handshake failed: certificate not trusted",
            Self::WrongName => "TLS handshake failed: certificate is for another host",
            Self::Outdated => "TLS handshake failed: certificate has expired or is not yet valid",
            Self::Tls => "TLS handshake failed",
            Self::Version(HttpVersion::One) => "server does not speak HTTP/1.1",
            Self::Version(HttpVersion::Two) => "server does not speak HTTP/2",
            Self::Send => "connection lost",
            Self::Body => "body cut short",
            Self::TooLarge => "body over 16 MiB",
        }
    }

    /// Whether waiting for the server cannot help: it is up, and shows the wrong certificate.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Untrusted | Self::WrongName | Self::Outdated)
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
        f.write_str(self.broken.label())?;
        if !self.cause.is_empty() {
            write!(f, " ({})", self.cause)?;
        }
        f.write_str(self.broken.remedy())
    }
}
