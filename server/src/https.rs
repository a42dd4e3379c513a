//! TLS towards clients: where the certificate and its key come from, and what speaks it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{self, ServerConfig};

use crate::files;

/// Whether connections are secured, and by which certificate.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub enum TlsFrom {
    /// They are not.
    Nowhere,
    /// By files in PEM.
    Files {
        /// The certificate, and after it those of the authorities between it and a root.
        certificate: PathBuf,
        /// Its private key: PKCS #8, PKCS #1 or SEC 1, not encrypted.
        key: PathBuf,
    },
}

/// A text that does not name two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "accepted: two PEM files with a comma between them, the certificate first: cert.pem,key.pem"
)]
pub struct NotTwoFiles;

/// Why connections cannot be secured.
#[derive(Debug, thiserror::Error)]
#[error("tls {}: {problem}", path.display())]
pub struct TlsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

impl TlsFrom {
    /// What secures connections, by TLS 1.2 or 1.3 and with HTTP/1.1 inside; `None` where nothing does.
    ///
    /// # Errors
    /// A file that cannot be read, has no certificate or key, or a key that is not the certificate's.
    pub(crate) fn open(&self) -> Result<Option<TlsAcceptor>, TlsError> {
        let Self::Files { certificate, key } = self else {
            return Ok(None);
        };
        let chain = read(certificate, "certificate", |text| {
            CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>()
        })?;
        if chain.is_empty() {
            return Err(of(certificate, "has no certificate (PEM)"));
        }
        let private = read(key, "private key", PrivateKeyDer::from_pem_slice)?;
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|error| of(certificate, &error))?
                .with_no_client_auth()
                .with_single_cert(chain, private)
                .map_err(|error| match error {
                    rustls::Error::InconsistentKeys(_) => {
                        of(key, &format!("is not the key of {}", certificate.display()))
                    }
                    error => of(certificate, &error),
                })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Sessions that go on are kept by their clients, sealed, so that they take no memory here.
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(|error| of(certificate, &error))?;
        Ok(Some(Arc::new(config).into()))
    }

    /// What an address of this server begins with.
    pub(crate) fn scheme(&self) -> &'static str {
        match self {
            Self::Nowhere => "http",
            Self::Files { .. } => "https",
        }
    }
}

fn read<T>(
    path: &Path,
    what: &str,
    parse: impl FnOnce(&[u8]) -> Result<T, pem::Error>,
) -> Result<T, TlsError> {
    let text = files::read(path, files::MOST_BYTES).map_err(|error| of(path, &error))?;
    parse(&text).map_err(|error| match error {
        pem::Error::NoItemsFound if text.windows(9).any(|at| at == b"ENCRYPTED") => {
            of(path, "is encrypted; accepted: a key without a passphrase")
        }
        pem::Error::NoItemsFound => of(path, &format!("has no {what} (PEM)")),
        error => of(path, &error),
    })
}

fn of(path: &Path, problem: &(impl ToString + ?Sized)) -> TlsError {
    TlsError {
        path: path.to_owned(),
        problem: problem.to_string(),
    }
}

impl FromStr for TlsFrom {
    type Err = NotTwoFiles;

    fn from_str(typed: &str) -> Result<Self, NotTwoFiles> {
        match typed.split_once(',') {
            Some((certificate, key))
                if !certificate.is_empty() && !key.is_empty() && !key.contains(',') =>
            {
                Ok(Self::Files {
                    certificate: certificate.into(),
                    key: key.into(),
                })
            }
            _ => Err(NotTwoFiles),
        }
    }
}

impl TryFrom<String> for TlsFrom {
    type Error = NotTwoFiles;

    fn try_from(typed: String) -> Result<Self, NotTwoFiles> {
        typed.parse()
    }
}

impl fmt::Display for TlsFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("none"),
            Self::Files { certificate, .. } => write!(f, "by {}", certificate.display()),
        }
    }
}
