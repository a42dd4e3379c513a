//! TLS towards clients: where the certificate and its key come from, and what speaks it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{
    CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::UnixTime;
use tokio_rustls::rustls::server::NoClientAuth;
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{
    self, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme,
};

use crate::files;

/// What a client says that wants HTTP/2 (RFC 9113 §3.2).
pub(crate) const HTTP_2: &[u8] = b"h2";

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

/// What secures connections, and the files that it is made of.
pub(crate) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    /// Whether clients are asked for their certificates.
    asks: bool,
    /// What connections that begin now are secured by.
    current: RwLock<TlsAcceptor>,
}

impl Tls {
    /// What secures the next connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again. Connections that are open keep what they began with, and after an error so do new ones.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        let next = acceptor(&self.certificate, &self.key, self.asks)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}

impl TlsFrom {
    /// What secures connections, and `asks` clients for their certificates; `None` where nothing does.
    ///
    /// # Errors
    /// A file that cannot be read, has no certificate or key, or a key that is not the certificate's.
    pub(crate) fn open(&self, asks: bool) -> Result<Option<Tls>, TlsError> {
        let Self::Files { certificate, key } = self else {
            return Ok(None);
        };
        Ok(Some(Tls {
            current: RwLock::new(acceptor(certificate, key, asks)?),
            certificate: certificate.clone(),
            key: key.clone(),
            asks,
        }))
    }

    /// What an address of this server begins with.
    pub(crate) fn scheme(&self) -> &'static str {
        match self {
            Self::Nowhere => "http",
            Self::Files { .. } => "https",
        }
    }
}

/// The certificate that a client showed, and whose key it used, told by its SHA-256 thumbprint in base64url. The listener puts
/// it into each request of the connection.
#[derive(Clone)]
pub(crate) struct Certificate(Arc<str>);

impl Certificate {
    /// The one of a connection, where there is one.
    pub(crate) fn shown(connection: &rustls::ServerConnection) -> Option<Self> {
        let first = connection.peer_certificates()?.first()?;
        Some(Self(URL_SAFE_NO_PAD.encode(Sha256::digest(first)).into()))
    }

    pub(crate) fn thumbprint(&self) -> &str {
        &self.0
    }
}

/// Takes any certificate whose key the client holds: a token names the one that it is bound to, and who signed it matters no
/// more than who signed the key of a DPoP proof (RFC 8705 §2.2 and §6.3).
#[derive(Debug)]
struct AnyHolder(CryptoProvider);

impl ClientCertVerifier for AnyHolder {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// TLS 1.2 or 1.3, with HTTP/2 or HTTP/1.1 inside, which `asks` clients for their certificates.
fn acceptor(certificate: &Path, key: &Path, asks: bool) -> Result<TlsAcceptor, TlsError> {
    let provider = aws_lc_rs::default_provider();
    let clients: Arc<dyn ClientCertVerifier> = if asks {
        Arc::new(AnyHolder(provider.clone()))
    } else {
        Arc::new(NoClientAuth)
    };
    let chain = read(certificate, "certificate", |text| {
        CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>()
    })?;
    if chain.is_empty() {
        return Err(of(certificate, "has no certificate (PEM)"));
    }
    let private = read(key, "private key", PrivateKeyDer::from_pem_slice)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| of(certificate, &error))?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, private)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                of(key, &format!("is not the key of {}", certificate.display()))
            }
            error => of(certificate, &error),
        })?;
    config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
    // Sessions that go on are kept by their clients, sealed, so that they take no memory here.
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(|error| of(certificate, &error))?;
    Ok(Arc::new(config).into())
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
