//! TLS of a connection: one configuration a server, shared by its users, so that sessions resume.

use std::sync::Arc;

use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{
    Resumption, VerifierBuilderError, WebPkiServerVerifier, verify_server_name,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as RustlsError, OtherError,
    RootCertStore, SignatureScheme,
};

use super::broken::{Broken, Failure};
use crate::protocol::{Client, HttpVersion, Trust};

/// How connections to one server are secured.
pub(crate) struct Tls {
    connector: TlsConnector,
    /// Which makes a full handshake each time.
    unresumed: TlsConnector,
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
    #[error("the authorities cannot be used: {0}")]
    Verifier(#[from] VerifierBuilderError),
    #[error("the client's certificate cannot be used: {0}")]
    Client(RustlsError),
}

impl Tls {
    /// For a server that shows a certificate of `host`, and may ask for the `client`'s.
    pub(crate) fn new(
        trust: &Trust,
        client: Option<&Client>,
        host: &str,
        http: HttpVersion,
    ) -> Result<Self, TlsError> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name =
            ServerName::try_from(bare.to_owned()).map_err(|_| TlsError::Name(host.to_owned()))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match trust {
            Trust::System => builder.with_platform_verifier()?,
            Trust::Any => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyOne(provider))),
            Trust::Only(none) if none.is_empty() => {
                builder.with_root_certificates(RootCertStore::empty())
            }
            Trust::Only(authorities) => {
                let verifier = NamedOnes::new(authorities, provider)?;
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(verifier))
            }
        };
        let mut config = match client {
            Some(Client { chain, key }) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(TlsError::Client)?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![http.alpn().to_vec()];
        let mut unresumed = config.clone();
        unresumed.resumption = Resumption::disabled();
        Ok(Self {
            connector: Arc::new(config).into(),
            unresumed: Arc::new(unresumed).into(),
            name,
            http,
        })
    }

    /// Secures `stream` and agrees on the version of HTTP.
    pub(crate) async fn handshake(
        &self,
        stream: TcpStream,
        resumes: bool,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let connector = if resumes {
            &self.connector
        } else {
            &self.unresumed
        };
        let secured = connector
            .connect(self.name.clone(), stream)
            .await
            .map_err(|error| Failure::new(Broken::of_handshake(&error, self.http), error))?;
        match (secured.get_ref().1.alpn_protocol(), self.http) {
            // A server that knows nothing of ALPN speaks HTTP/1.1.
            (None, HttpVersion::One) => Ok(secured),
            (Some(agreed), _) if agreed == self.http.alpn() => Ok(secured),
            _ => Err(Broken::Version(self.http).into()),
        }
    }
}

/// Believes any certificate; a server still has to hold the key of the one that it shows.
#[derive(Debug)]
struct AnyOne(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyOne {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, RustlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Believes what the authorities have issued, and the very certificates that were named: webpki refuses one that
/// is an authority's as a server's own, which is what `openssl req -x509` makes.
#[derive(Debug)]
struct NamedOnes {
    authorities: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
}

impl NamedOnes {
    fn new(
        authorities: &[CertificateDer<'static>],
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority.clone())?;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        Ok(Self {
            authorities: verifier.build()?,
            named: authorities.to_vec(),
        })
    }
}

impl ServerCertVerifier for NamedOnes {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, RustlsError> {
        let verified =
            self.authorities
                .verify_server_cert(end_entity, intermediates, name, ocsp, now);
        match verified {
            // webpki says so after it has found the certificate to be valid at this time.
            Err(RustlsError::InvalidCertificate(CertificateError::Other(cause)))
                if is_of_authority(&cause) && self.named.contains(end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        self.authorities
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        self.authorities
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

fn is_of_authority(cause: &OtherError) -> bool {
    cause.0.downcast_ref() == Some(&webpki::Error::CaUsedAsEndEntity)
}
