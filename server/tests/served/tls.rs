//! TLS towards clients: real handshakes with a certificate of a test's own authority.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use authlab_server::{BindingKind, CacheKind, CredentialKind, Design, Server, TlsFrom};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{
    ClientConfig, HandshakeKind, ProtocolVersion, RootCertStore, SupportedProtocolVersion, version,
};

use crate::harness::{HERE, Served, quick};

/// An authority, and files of a certificate that it made for `localhost`.
struct Files {
    folder: tempfile::TempDir,
    authority: CertificateDer<'static>,
    /// What a client shows of itself.
    client: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
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
            client: None,
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
        self.speaking(version, None)
    }

    /// A connector that asks for a protocol by ALPN.
    fn speaking(
        &self,
        version: &'static SupportedProtocolVersion,
        protocol: Option<&[u8]>,
    ) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match &self.client {
            Some((certificate, key)) => config
                .with_client_auth_cert(vec![certificate.clone()], key.clone_key())
                .unwrap(),
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = protocol.map(<[u8]>::to_vec).into_iter().collect();
        Arc::new(config).into()
    }

    /// The same for a client with a certificate of its own, which it signed itself.
    fn with_client(mut self) -> Self {
        let made = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        self.client = Some((made.cert.der().clone(), key));
        self
    }

    /// A connection that speaks HTTP/2.
    async fn http2(&self, server: &Served) -> SendRequest<Full<Bytes>> {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = self.speaking(&version::TLS13, Some(b"h2"));
        let stream = connector.connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let stream = TokioIo::new(stream);
        let (sender, connection) = http2::handshake(TokioExecutor::new(), stream)
            .await
            .unwrap();
        tokio::spawn(connection);
        sender
    }
}

/// Sends a request by HTTP/2: method and path, headers, and a body.
async fn send(
    sender: &SendRequest<Full<Bytes>>,
    line: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> hyper::Result<Response<Bytes>> {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder()
        .method(method)
        .uri(format!("https://localhost{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::from(body.to_owned())).unwrap();
    let mut sender = sender.clone();
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
}

const JSON: (&str, &str) = ("content-type", "application/json");
const JOHN: &str = r#"{"username":"john","password":"password123"}"#;

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
        let tls = files.tls(certificate, key);
        let refused = server.secured(&Design { tls, ..quick() }).unwrap_err();
        let line = refused.to_string();
        assert!(line.starts_with("tls ") && line.contains(said), "{line}");
        assert!(!line.contains('\n'), "{line}");
    }
    for typed in ["", "cert.pem", ",key.pem", "cert.pem,", "a,b,c"] {
        assert!(typed.parse::<TlsFrom>().is_err(), "{typed}");
    }
}

/// What a request is answered does not depend on the version that carries it.
#[tokio::test(flavor = "multi_thread")]
async fn many_requests_share_a_connection_and_are_authorized_as_others_are() {
    let files = Files::new();
    let tls = files.tls("cert.pem", "key.pem");
    let cache = CacheKind::Decision;
    let server = Served::start(Design {
        tls,
        cache,
        ..quick()
    })
    .await;
    let sender = files.http2(&server).await;
    let signed_in = send(&sender, "POST /token", &[JSON], JOHN).await.unwrap();
    assert_eq!(signed_in.status(), 200);
    let body: serde_json::Value = serde_json::from_slice(signed_in.body()).unwrap();
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let authorized = [("authorization", &*bearer)];
    // More than may be under way: the client waits with the rest.
    let mut asked = tokio::task::JoinSet::new();
    for number in 0..300 {
        let (sender, bearer) = (sender.clone(), bearer.clone());
        asked.spawn(async move {
            let shown = [("authorization", &*bearer)];
            let shown = if number % 3 == 0 { &[][..] } else { &shown };
            let answer = send(&sender, "GET /items/", shown, "").await.unwrap();
            (number, answer.status().as_u16())
        });
    }
    for (number, status) in asked.join_all().await {
        assert_eq!(status, if number % 3 == 0 { 401 } else { 200 }, "{number}");
    }
    for (line, headers, expected) in [
        ("GET /items/?x=1", &authorized[..], 200),
        ("GET //items/", &authorized, 200),
        ("GET /nowhere", &authorized, 404),
        ("GET /items/", &[("host", "localhost")], 401),
        ("GET /items/", &[("host", "elsewhere")], 400),
        ("POST /token/revoke", &authorized, 200),
        ("GET /items/", &authorized, 401),
        ("GET /healthz", &[], 200),
    ] {
        let answer = send(&sender, line, headers, "").await.unwrap();
        let text = String::from_utf8_lossy(answer.body());
        assert_eq!(answer.status(), expected, "{line} {headers:?}: {text}");
    }
    // A head that is too long ends its request, and no other.
    let long = "x".repeat(40_000);
    let refused = send(&sender, "GET /items/", &[("x-long", &long)], "").await;
    assert!(refused.is_err() || refused.unwrap().status() == 431);
    let answer = send(&sender, "GET /healthz", &[], "").await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// A client that takes its requests back, whether their bodies came or not, is not taken for one that is worked for: it
/// makes room.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_whose_requests_were_taken_back_makes_room() {
    let files = Files::new();
    let server = Served::start(Design {
        tls: files.tls("cert.pem", "key.pem"),
        max_connections: NonZeroUsize::new(1).unwrap(),
        ..quick()
    })
    .await;
    let first = files.http2(&server).await;
    for round in 0..20 {
        let asked = send(&first, "POST /token", &[JSON], JOHN);
        // Not awaited to its end: the client resets the stream.
        let _ = tokio::time::timeout(std::time::Duration::from_micros(100 * round), asked).await;
        let mut unfinished = first.clone();
        let request = Request::post("https://localhost/token")
            .header(JSON.0, JSON.1)
            .header("content-length", "9")
            .body(Full::default())
            .unwrap();
        let asked = unfinished.send_request(request);
        let _ = tokio::time::timeout(std::time::Duration::from_micros(100 * round), asked).await;
    }
    let answer = send(&first, "GET /healthz", &[], "").await.unwrap();
    assert_eq!(answer.status(), 200);
    let second = files.http2(&server).await;
    let answer = send(&second, "GET /healthz", &[], "").await.unwrap();
    assert_eq!(answer.status(), 200);
    let gone = send(&first, "GET /healthz", &[], "").await;
    assert!(gone.is_err(), "{:?}", gone.map(|answer| answer.status()));
}

/// The token of a client goes with its certificate and with no other, whatever is cached, whatever version of TLS or HTTP
/// carries it, and when the session of TLS is taken up again.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_bound_to_a_certificate_is_worth_nothing_without_it() {
    for (credential, cache) in [
        (CredentialKind::Jwt, CacheKind::None),
        (CredentialKind::Jwt, CacheKind::Token),
        (CredentialKind::Jwt, CacheKind::Decision),
        (CredentialKind::Opaque, CacheKind::Decision),
    ] {
        let files = Files::new();
        let server = Served::start(Design {
            tls: files.tls("cert.pem", "key.pem"),
            binding: BindingKind::Mtls,
            credential,
            cache,
            ..quick()
        })
        .await;
        let (stranger, files) = (files.connector(&version::TLS13), files.with_client());
        let owner = files.connector(&version::TLS13);
        let owner_by_1_2 = files.connector(&version::TLS12);
        let sign_in = ["POST /token", "content-type: application/json", JOHN];
        // Without a certificate there is nothing to bind to.
        let refused = ask(&stranger, &server, sign_in).await.unwrap();
        assert!(refused.text.starts_with("HTTP/1.1 401"), "{}", refused.text);
        assert!(refused.text.contains("TLS certificate"), "{}", refused.text);

        let signed_in = ask(&owner, &server, sign_in).await.unwrap();
        assert!(
            signed_in.text.starts_with("HTTP/1.1 200"),
            "{}",
            signed_in.text
        );
        let (_, body) = signed_in.text.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["token_type"], "Bearer");
        let token = body["access_token"].as_str().unwrap().to_owned();
        let bearer = format!("authorization: Bearer {token}");
        let items = ["GET /items/", &*bearer, ""];
        let files = files.with_client();
        let thief = files.connector(&version::TLS13);
        for _ in 0..3 {
            for (connector, expected) in [
                (&owner, "HTTP/1.1 200"),
                (&owner_by_1_2, "HTTP/1.1 200"),
                (&thief, "HTTP/1.1 401"),
                (&stranger, "HTTP/1.1 401"),
            ] {
                let answer = ask(connector, &server, items).await.unwrap();
                assert!(
                    answer.text.starts_with(expected),
                    "{credential} {cache}: {}",
                    answer.text
                );
            }
        }
        let resumed = ask(&owner, &server, items).await.unwrap();
        assert_eq!(resumed.kind, HandshakeKind::Resumed);
        assert!(resumed.text.starts_with("HTTP/1.1 200"), "{}", resumed.text);
        let thief = files.http2(&server).await;
        let shown = format!("Bearer {token}");
        let stolen = send(&thief, "GET /items/", &[("authorization", &shown)], "").await;
        assert_eq!(stolen.unwrap().status(), 401);
    }
}
