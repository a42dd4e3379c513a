//! A server of HTTP/1.1 or HTTP/2, over TLS or in the clear, on a free loopback port, until it is
//! dropped. Its certificate is issued by an authority of its own.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use http::{Request, Response, Version, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) tls: bool,
    /// Speaks HTTP/2 only; otherwise HTTP/1.1 only.
    pub(crate) http2: bool,
    /// What it offers in the handshake.
    pub(crate) alpn: Vec<&'static str>,
    /// What its certificate is for.
    pub(crate) name: &'static str,
    /// After so many connections it shows a certificate of another authority, and closes each
    /// connection after an answer.
    pub(crate) betrays_after: Option<u64>,
}

impl Script {
    pub(crate) fn new(tls: bool, http2: bool) -> Self {
        Self {
            tls,
            http2,
            alpn: vec![if http2 { "h2" } else { "http/1.1" }],
            name: "127.0.0.1",
            betrays_after: None,
        }
    }
}

/// What arrived.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) requests: AtomicU64,
    /// Connections with a request on them.
    pub(crate) connections: AtomicU64,
    pub(crate) versions: Mutex<Vec<Version>>,
    /// `Host` headers, or nothing, with the request target's authority, or nothing.
    pub(crate) hosts: Mutex<Vec<(Option<String>, Option<String>)>>,
    pub(crate) bodies: Mutex<Vec<Bytes>>,
}

pub(crate) struct Secured {
    pub(crate) url: String,
    /// PEM of the authority.
    pub(crate) ca: String,
    pub(crate) seen: Arc<Seen>,
    _stop: oneshot::Sender<()>,
}

pub(crate) fn serve(script: Script) -> Secured {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let scheme = if script.tls { "https" } else { "http" };
    let url = format!("{scheme}://{}", listener.local_addr().unwrap());
    let (ca, honest) = acceptor(&script);
    let (_, other) = acceptor(&script);
    let seen = Arc::new(Seen::default());
    let (stop, mut stopped) = oneshot::channel::<()>();
    let shared = Arc::clone(&seen);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let mut accepted = 0;
            loop {
                let stream = tokio::select! {
                    accepted = listener.accept() => accepted.unwrap().0,
                    _ = &mut stopped => return,
                };
                accepted += 1;
                let betrays = script.betrays_after.is_some_and(|most| accepted > most);
                let tls = if betrays { &other } else { &honest }.clone();
                let (script, seen) = (script.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    if !script.tls {
                        speak(stream, &script, seen).await;
                    } else if let Ok(secured) = tls.accept(stream).await {
                        speak(secured, &script, seen).await;
                    }
                });
            }
        });
    });
    Secured {
        url,
        ca,
        seen,
        _stop: stop,
    }
}

/// A new authority's PEM, and a server's side of TLS with a certificate from it.
fn acceptor(script: &Script) -> (String, TlsAcceptor) {
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = authority.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([script.name.to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = script
        .alpn
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    (ca, Arc::new(config).into())
}

async fn speak<S>(stream: S, script: &Script, seen: Arc<Seen>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let first = Arc::new(AtomicU64::new(0));
    let closes = script.betrays_after.is_some();
    let service = service_fn(move |request| {
        if first.fetch_add(1, Ordering::Relaxed) == 0 {
            seen.connections.fetch_add(1, Ordering::Relaxed);
        }
        answer(request, Arc::clone(&seen), closes)
    });
    let stream = TokioIo::new(stream);
    // A client that leaves is no matter here.
    let _ = if script.http2 {
        http2::Builder::new(TokioExecutor::new())
            .serve_connection(stream, service)
            .await
    } else {
        http1::Builder::new()
            .serve_connection(stream, service)
            .await
    };
}

async fn answer(
    request: Request<Incoming>,
    seen: Arc<Seen>,
    closes: bool,
) -> Result<Response<Full<Bytes>>, Infallible> {
    seen.requests.fetch_add(1, Ordering::Relaxed);
    let host = request.headers().get(header::HOST);
    let host = host.map(|host| host.to_str().unwrap().to_owned());
    let authority = request.uri().authority().map(ToString::to_string);
    remember(&seen.versions, request.version());
    remember(&seen.hosts, (host, authority));
    if let Ok(body) = request.into_body().collect().await {
        remember(&seen.bodies, body.to_bytes());
    }
    let mut response = Response::new(Full::from("hello"));
    if closes {
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, "close".parse().unwrap());
    }
    Ok(response)
}

/// Each distinct value once.
fn remember<T: PartialEq>(values: &Mutex<Vec<T>>, value: T) {
    let mut values = values.lock().unwrap();
    if !values.contains(&value) {
        values.push(value);
    }
}
