//! TLS of a connection: one configuration a server, shared by its users, so that sessions resume.

use std::io;
use std::sync::Arc;

use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, Error as RustlsError, RootCertStore,
};

use super::broken::{Broken, Failure};
use crate::protocol::{HttpVersion, Trust};

/// How connections to one server are secured.
pub(crate) struct Tls {
    connector: TlsConnector,
    /// What the certificate must be for.
    name: ServerName<'static>,
    http: HttpVersion,
}

/// TLS that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("`{0}` cannot be the name in a certificate")]
    Name(String),
    #[error("the authorities cannot be used: {0}")]
    Authorities(#[from] RustlsError),
}

impl Tls {
    /// For a server that shows a certificate of `host`.
    pub(crate) fn new(trust: &Trust, host: &str, http: HttpVersion) -> Result<Self, TlsError> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name =
            ServerName::try_from(bare.to_owned()).map_err(|_| TlsError::Name(host.to_owned()))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = match trust {
            Trust::System => builder.with_platform_verifier()?.with_no_client_auth(),
            Trust::Only(authorities) => {
                let mut roots = RootCertStore::empty();
                for authority in authorities {
                    roots.add(authority.clone())?;
                }
                builder.with_root_certificates(roots).with_no_client_auth()
            }
        };
        config.alpn_protocols = vec![http.alpn().to_vec()];
        Ok(Self {
            connector: Arc::new(config).into(),
            name,
            http,
        })
    }

    /// Secures `stream` and agrees on the version of HTTP.
    pub(crate) async fn handshake(
        &self,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let secured = self
            .connector
            .connect(self.name.clone(), stream)
            .await
            .map_err(|error| self.failure(&error))?;
        match (secured.get_ref().1.alpn_protocol(), self.http) {
            // A server that knows nothing of ALPN speaks HTTP/1.1.
            (None, HttpVersion::One) => Ok(secured),
            (Some(agreed), _) if agreed == self.http.alpn() => Ok(secured),
            _ => Err(Broken::Version(self.http).into()),
        }
    }

    fn failure(&self, error: &io::Error) -> Failure {
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
        let broken = match cause {
            Some(RustlsError::InvalidCertificate(refused)) => match refused {
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => Broken::WrongName,
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => Broken::Outdated,
                _ => Broken::Untrusted,
            },
            Some(RustlsError::AlertReceived(AlertDescription::NoApplicationProtocol)) => {
                return Broken::Version(self.http).into();
            }
            _ => Broken::Tls,
        };
        Failure::new(broken, error)
    }
}
