//! TLS towards clients: real handshakes with a certificate of a test's own authority.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use authlab_server::{Design, Server, TlsFrom};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{
    ClientConfig, HandshakeKind, ProtocolVersion, RootCertStore, SupportedProtocolVersion, version,
};

use crate::harness::{HERE, Served, quick};

/// An authority, and files of a certificate that it made for `localhost`.
struct Files {
    folder: tempfile::TempDir,
    authority: CertificateDer<'static>,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let names = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = names.signed_by(&key, &issuer).unwrap();
        let files = Self {
            folder,
            authority: authority.der().clone(),
        };
        files.write("cert.pem", &certificate.pem());
        files.write("key.pem", &key.serialize_pem());
        files.write("other.pem", &KeyPair::generate().unwrap().serialize_pem());
        files
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tls(&self, certificate: &str, key: &str) -> TlsFrom {
        TlsFrom::Files {
            certificate: self.path(certificate),
            key: self.path(key),
        }
    }

    async fn serve(&self) -> Served {
        let tls = self.tls("cert.pem", "key.pem");
        Served::start(Design { tls, ..quick() }).await
    }

    fn connector(&self, version: &'static SupportedProtocolVersion) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config).into()
    }
}

/// An answer, and how its connection was made.
struct Answer {
    text: String,
    version: ProtocolVersion,
    kind: HandshakeKind,
}

/// Sends a request on a connection of its own: its first line less the version, a header, and a body.
async fn ask(
    connector: &TlsConnector,
    server: &Served,
    [line, header, body]: [&str; 3],
) -> std::io::Result<Answer> {
    let stream = TcpStream::connect(server.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = connector.connect(name, stream).await?;
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{header}\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    // The server says that the connection ends (close_notify): otherwise this is an error.
    stream.read_to_string(&mut text).await?;
    let connection = stream.get_ref().1;
    Ok(Answer {
        text,
        version: connection.protocol_version().unwrap(),
        kind: connection.handshake_kind().unwrap(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_sign_in_and_are_authorized_and_take_sessions_up_again() {
    let files = Files::new();
    let server = files.serve().await;
    for (chosen, expected) in [
        (&version::TLS12, ProtocolVersion::TLSv1_2),
        (&version::TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let connector = files.connector(chosen);
        let john = [
            "POST /token",
            "content-type: application/json",
            r#"{"username":"john","password":"password123"}"#,
        ];
        let signed_in = ask(&connector, &server, john).await.unwrap();
        assert!(
            signed_in.text.starts_with("HTTP/1.1 200"),
            "{}",
            signed_in.text
        );
        assert_eq!(
            (signed_in.version, signed_in.kind),
            (expected, HandshakeKind::Full)
        );
        let (_, body) = signed_in.text.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let token = body["access_token"].as_str().unwrap();
        let bearer = format!("authorization: Bearer {token}");
        let items = ask(&connector, &server, ["GET /items/", &bearer, ""]).await;
        let items = items.unwrap();
        assert!(items.text.starts_with("HTTP/1.1 200"), "{}", items.text);
        assert_eq!(items.kind, HandshakeKind::Resumed);
    }
    let about = [
        "GET /.well-known/oauth-authorization-server",
        "accept: */*",
        "",
    ];
    let about = ask(&files.connector(&version::TLS13), &server, about).await;
    let issuer = format!("\"issuer\":\"https://{}\"", server.address);
    let text = about.unwrap().text;
    assert!(text.contains(&issuer), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_handshake_is_closed_and_those_that_send_nothing_make_room() {
    let files = Files::new();
    let server = Served::start(Design {
        tls: files.tls("cert.pem", "key.pem"),
        max_connections: NonZeroUsize::new(2).unwrap(),
        ..quick()
    })
    .await;
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    plain.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    // An alert, or nothing where the system was faster.
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    let connector = files.connector(&version::TLS13);
    let mut held = Vec::new();
    for sent in [&b""[..], b"\x16\x03\x01"] {
        let mut silent = TcpStream::connect(server.address).await.unwrap();
        silent.write_all(sent).await.unwrap();
        held.push(silent);
    }
    for _ in 0..3 {
        let health = ["GET /healthz", "accept: */*", ""];
        let health = ask(&connector, &server, health).await.unwrap();
        assert!(health.text.starts_with("HTTP/1.1 200"), "{}", health.text);
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_are_said_in_one_line() {
    let files = Files::new();
    files.write("empty.pem", "");
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    files.write("encrypted.pem", encrypted);
    let broken = "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n";
    files.write("broken.pem", broken);
    for (certificate, key, said) in [
        ("nowhere.pem", "key.pem", "nowhere.pem: No such file"),
        (
            "empty.pem",
            "key.pem",
            "empty.pem: has no certificate (PEM)",
        ),
        ("key.pem", "key.pem", "key.pem: has no certificate (PEM)"),
        ("broken.pem", "key.pem", "broken.pem: "),
        ("cert.pem", "cert.pem", "cert.pem: has no private key (PEM)"),
        ("cert.pem", "encrypted.pem", "encrypted.pem: is encrypted"),
        ("cert.pem", "other.pem", "other.pem: is not the key of "),
    ] {
        let server = Server::bind((HERE, 0).into()).await.unwrap();
        let refused = server.secured(&files.tls(certificate, key)).unwrap_err();
        let line = refused.to_string();
        assert!(line.starts_with("tls ") && line.contains(said), "{line}");
        assert!(!line.contains('\n'), "{line}");
    }
    for typed in ["", "cert.pem", ",key.pem", "cert.pem,", "a,b,c"] {
        assert!(typed.parse::<TlsFrom>().is_err(), "{typed}");
    }
}
