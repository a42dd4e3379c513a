//! What a server speaks: the version of HTTP, over TLS or in the clear.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use authlab_reports::foreign;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What is spoken on a connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Protocol {
    /// The version of HTTP: over TLS agreed by ALPN, in the clear known beforehand.
    pub http: HttpVersion,
    /// Whose certificates are believed; none for a connection in the clear.
    pub tls: Option<Trust>,
    /// What users show of themselves where the server asks for it.
    pub client: Option<Client>,
}

/// A version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HttpVersion {
    /// HTTP/1.1.
    #[default]
    One,
    /// HTTP/2.
    Two,
}

impl HttpVersion {
    /// Each version.
    pub const ALL: [Self; 2] = [Self::One, Self::Two];

    /// As a scenario writes it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::One => "1.1",
            Self::Two => "2",
        }
    }

    /// Its name in the TLS handshake (RFC 7301, section 6; RFC 9113, section 3.1).
    pub(crate) fn alpn(self) -> &'static [u8] {
        match self {
            Self::One => b"http/1.1",
            Self::Two => b"h2",
        }
    }
}

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Authorities that this system believes.
    System,
    /// Any certificate: nothing is verified.
    Any,
    /// These authorities and no other.
    Only(Vec<CertificateDer<'static>>),
}

/// A client's certificate with its chain, and its key, which `Debug` does not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: Arc<PrivateKeyDer<'static>>,
}

/// A PEM file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// It cannot be read.
    #[error("{}: {cause}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's word for it.
        cause: io::Error,
    },
    /// It holds no certificate.
    #[error("{}: no certificate in it; a PEM file with BEGIN CERTIFICATE is wanted", file.display())]
    NoCertificate {
        /// The file.
        file: PathBuf,
    },
    /// It holds no key.
    #[error("{}: no private key in it; a PEM file with BEGIN PRIVATE KEY is wanted", file.display())]
    NoKey {
        /// The file.
        file: PathBuf,
    },
}

impl Trust {
    /// The authorities in a PEM file.
    ///
    /// # Errors
    /// The file cannot be read or holds no certificate.
    pub fn read(file: &Path) -> Result<Self, TrustError> {
        certificates(file).map(Self::Only)
    }
}

impl Client {
    /// The certificate and its chain in a PEM file, and the key in another.
    ///
    /// # Errors
    /// A file cannot be read, or holds no certificate or key.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TrustError> {
        let text = text_of(key)?;
        let private = PrivateKeyDer::from_pem_slice(foreign::without_mark(&text));
        Ok(Self {
            chain: certificates(certificate)?,
            key: Arc::new(private.map_err(|_| TrustError::NoKey {
                file: key.to_owned(),
            })?),
        })
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let text = text_of(file)?;
    let read: Result<Vec<_>, pem::Error> =
        CertificateDer::pem_slice_iter(foreign::without_mark(&text)).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(TrustError::NoCertificate {
            file: file.to_owned(),
        }),
    }
}

fn text_of(file: &Path) -> Result<Vec<u8>, TrustError> {
    std::fs::read(file).map_err(|cause| TrustError::Unreadable {
        file: file.to_owned(),
        cause,
    })
}
