//! What a server can do within TLS: a certificate that is named is believed, and each failure has the name of its
//! cause.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use authlab_loadtest::conductor::Finished;
use authlab_loadtest::protocol::Trust;
use authlab_loadtest::scenario::{Connections, Scenario, Target};
use place::run_scenario;
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, KeyPair, date_time_ymd};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{
    HandshakeKind, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

/// A certificate that signed itself, as `openssl req -x509` makes it: an authority's.
fn self_signed(name: &str, expired: bool) -> (Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    if expired {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    }
    (params.self_signed(&key).unwrap(), key)
}

/// Answers over TLS with this certificate until the test ends; the url. It may want one of the client.
fn serve(certificate: &Certificate, key: &KeyPair, wants_client: bool) -> String {
    serve_counting(certificate, key, wants_client, Arc::default())
}

/// Full handshakes, and those that resumed a session.
#[derive(Default)]
struct Handshakes {
    full: AtomicUsize,
    resumed: AtomicUsize,
}

fn serve_counting(
    certificate: &Certificate,
    key: &KeyPair,
    wants_client: bool,
    handshakes: Arc<Handshakes>,
) -> String {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if wants_client {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        builder.with_client_cert_verifier(verifier.unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let config = builder
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let handshakes = Arc::clone(&handshakes);
            std::thread::spawn(move || {
                let mut stream = BufReader::new(StreamOwned::new(connection, stream));
                let mut line = String::new();
                while stream.read_line(&mut line).is_ok_and(|read| read > 0) {
                    if line == "\r\n" {
                        let _ = stream
                            .get_mut()
                            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
                    }
                    line.clear();
                }
                let _ = stream.get_mut().flush();
                match stream.get_ref().conn.handshake_kind() {
                    Some(HandshakeKind::Resumed) => {
                        handshakes.resumed.fetch_add(1, Ordering::Relaxed)
                    }
                    _ => handshakes.full.fetch_add(1, Ordering::Relaxed),
                };
            });
        }
    });
    url
}

fn run(url: &str, ca: &Certificate) -> Finished {
    run_scenario(&scenario(url, ca))
}

fn scenario(url: &str, ca: &Certificate) -> Scenario {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), ca.pem()).unwrap();
    let text = format!(
        r#"name = "t"
question = "?"
[[variant]]
name = "v"
url = "{url}"
ca = "ca.pem"
[[step]]
name = "ask"
request = "GET /"
[[load]]
name = "one"
users = 1
journey = ["ask"]
profile.quick = {{ blocks = 1, slice = "60ms", warm_up = "1ms" }}
"#
    );
    let path = folder.path().join("t.toml").display().to_string();
    Scenario::parse(&path, &text, "quick").unwrap()
}

#[test]
fn a_self_signed_certificate_that_is_no_authoritys_is_believed_where_it_is_named() {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let finished = run(&serve(&certificate, &key, false), &certificate);
    assert!(finished.error.is_none(), "{:?}", finished.error);
    assert!(finished.run.slices.iter().all(|slice| slice.ok > 0));
}

#[test]
fn each_journey_has_a_new_connection_where_the_load_says_so_and_resumes_or_not() {
    let (certificate, key) = self_signed("127.0.0.1", false);
    for (connections, wanted) in [
        (Connections::Kept, "few of either"),
        (Connections::Resumed, "nearly all resumed"),
        (Connections::New, "all full"),
    ] {
        let handshakes = Arc::new(Handshakes::default());
        let url = serve_counting(&certificate, &key, false, Arc::clone(&handshakes));
        let mut scenario = scenario(&url, &certificate);
        scenario.loads[0].connections = connections;
        let finished = run_scenario(&scenario);
        assert!(finished.error.is_none(), "{:?}", finished.error);
        let asked: u64 = finished.run.slices.iter().map(|slice| slice.ok).sum();
        // A connection is counted when it has ended, a moment after its answer.
        let counted = || {
            let of = |count: &AtomicUsize| count.load(Ordering::Relaxed) as u64;
            (of(&handshakes.full), of(&handshakes.resumed))
        };
        let is_so = || {
            let (full, resumed) = counted();
            match connections {
                Connections::Kept => full + resumed <= 4 && asked > 4,
                // Whether it is reached, and the first of its users.
                Connections::Resumed => full <= 3 && resumed >= asked,
                Connections::New => resumed == 0 && full >= asked,
            }
        };
        let until = Instant::now() + Duration::from_secs(30);
        while !is_so() {
            assert!(
                Instant::now() < until,
                "{wanted} of {asked}: {:?}",
                counted()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn any_certificate_is_believed_where_nothing_is_verified() {
    let (certificate, key) = self_signed("another.example", true);
    let (unrelated, _) = self_signed("127.0.0.1", false);
    let url = serve(&certificate, &key, false);
    assert!(run(&url, &unrelated).error.is_some());
    let mut scenario = scenario(&url, &unrelated);
    for variant in &mut scenario.variants {
        if let Target::Url { protocol, .. } = &mut variant.target {
            protocol.tls = Some(Trust::Any);
        }
    }
    let finished = run_scenario(&scenario);
    assert!(finished.error.is_none(), "{:?}", finished.error);
    assert!(finished.run.slices.iter().all(|slice| slice.ok > 0));
}

#[test]
fn a_self_signed_certificate_is_believed_where_it_is_named() {
    let (certificate, key) = self_signed("127.0.0.1", false);
    let finished = run(&serve(&certificate, &key, false), &certificate);
    assert!(finished.error.is_none(), "{:?}", finished.error);
    for slice in &finished.run.slices {
        assert!(slice.ok > 0 && slice.failed.is_empty(), "{slice:?}");
    }
}

#[test]
fn naming_a_certificate_does_not_make_another_one_good() {
    // (the name in it, whether it has expired, whether it is the one that is named, what is said)
    let table = [
        (
            "elsewhere.example",
            false,
            true,
            "certificate is for another host",
        ),
        ("127.0.0.1", true, true, "certificate has expired"),
        ("127.0.0.1", false, false, "certificate not trusted"),
    ];
    for (name, expired, is_named, words) in table {
        let (shown, key) = self_signed(name, expired);
        // Of the same name and subject, with another key.
        let (other, _) = self_signed(name, expired);
        let named = if is_named { &shown } else { &other };
        let finished = run(&serve(&shown, &key, false), named);
        let said = finished.error.map(|error| error.to_string());
        let said = said.unwrap_or_default();
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn a_handshake_that_the_server_ends_says_how() {
    // An alert that comes after the client's side of a TLS 1.3 handshake.
    let (certificate, key) = self_signed("127.0.0.1", false);
    let finished = run(&serve(&certificate, &key, true), &certificate);
    let reasons: Vec<_> = finished.run.slices[0].failed.keys().collect();
    assert_eq!(
        reasons,
        ["ask: TLS failed: the server sent the alert CertificateRequired"]
    );

    // (what a server sends instead of its side of the handshake, what is said)
    let table: [(&'static [u8], &str); 3] = [
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "the server does not speak TLS",
        ),
        (b"", "the server closed the connection"),
        // A fatal handshake_failure (RFC 8446, section 6).
        (
            &[21, 3, 3, 0, 2, 2, 40],
            "the server sent the alert HandshakeFailure",
        ),
    ];
    for (octets, words) in table {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            use std::io::Read;
            for mut stream in listener.incoming().map_while(Result::ok) {
                let _ = stream.read(&mut [0; 4_096]);
                let _ = stream.write_all(octets);
            }
        });
        let finished = run(&url, &certificate);
        let said = finished.error.map(|error| error.to_string());
        let said = said.unwrap_or_default();
        assert!(said.contains(words), "{words}: {said}");
    }
}
