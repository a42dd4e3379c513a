//! Gates that are wrong in one way each, and are found out; and the same gate without a fault, which is not.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "planted/gate.rs"]
mod gate;

use std::time::Duration;

use authlab_check::contract::Contract;
use authlab_check::{Bounds, Kind, Options, Outcome, Verdict, check};
use gate::Planted;

fn checked(planted: Planted, requests: u64) -> Outcome {
    let expires = planted == Planted::CachedBeyondExpiry;
    let lives = if expires {
        gate::LIFE
    } else {
        Duration::from_secs(3_600)
    };
    let address = gate::start(planted, lives);
    let mut text =
        include_str!("planted/contract.toml").replace("BASE", &format!("http://{address}"));
    if expires {
        text += "\n[expiry]\nafter = \"400ms\"\nwithin = \"0s\"\nearly = \"0s\"\n";
    }
    let contract = Contract::parse("planted.toml", &text).unwrap();
    run(&contract, requests).unwrap()
}

fn run(contract: &Contract, requests: u64) -> Result<Outcome, authlab_check::Refused> {
    let options = Options {
        seed: 1,
        bounds: Bounds {
            rate: 100_000.0,
            requests,
            time: Duration::from_secs(300),
        },
        keeps_going: false,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(check(contract, options))
}

#[test]
fn eleven_of_twelve_planted_faults_are_found_and_shortened_to_six_requests() {
    let checks = Planted::FAULTS.map(|planted| {
        let check = move || (planted, checked(planted, 20_000));
        std::thread::spawn(check)
    });
    let mut missed = Vec::new();
    for check in checks {
        let (planted, outcome) = check.join().unwrap();
        println!("{planted:?}: {} requests", outcome.requests);
        if outcome.verdict != Verdict::Violation {
            missed.push((planted, outcome.undecided));
            continue;
        }
        for violation in &outcome.violations {
            println!(
                "  {}\n    {}",
                violation.sentence,
                violation.steps.join("\n    ")
            );
            assert!(
                violation.requests <= 6,
                "{planted:?}: {:?}",
                violation.steps
            );
            assert!(violation.repeated[0] > 0, "{planted:?}");
        }
    }
    assert!(missed.len() <= 1, "{missed:?}");
}

/// TLS in front of a gate, of a certificate for `localhost`: its port, and the certificate as PEM.
fn secured(address: std::net::SocketAddr) -> (u16, String) {
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::crypto::aws_lc_rs;
    use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config =
        ServerConfig::builder_with_provider(std::sync::Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut near = acceptor.accept(stream).await?;
                    let mut far = tokio::net::TcpStream::connect(address).await?;
                    tokio::io::copy_bidirectional(&mut near, &mut far).await
                });
            }
        });
    });
    (port, made.cert.pem())
}

#[test]
fn a_gate_behind_tls_is_checked_by_the_authority_that_the_contract_names() {
    let folder = tempfile::tempdir().unwrap();
    let (port, certificate) = secured(gate::start(
        Planted::MethodNotInKey,
        Duration::from_secs(3_600),
    ));
    std::fs::write(folder.path().join("ca.pem"), certificate).unwrap();
    let base = format!("\"https://localhost:{port}\"\nca = \"ca.pem\"");
    let text = include_str!("planted/contract.toml").replace("\"BASE\"", &base);
    let path = folder.path().join("c.toml").display().to_string();
    let contract = Contract::parse(&path, &text).unwrap();
    let outcome = run(&contract, 2_000).unwrap();
    assert_eq!(
        outcome.verdict,
        Verdict::Violation,
        "{:?}",
        outcome.undecided
    );

    let contract = Contract::parse(&path, &text.replace("ca = \"ca.pem\"", "")).unwrap();
    let said = run(&contract, 2_000).unwrap_err().to_string();
    assert!(
        said.contains("`john` cannot sign in") && said.contains("certificate"),
        "{said}"
    );
}

#[test]
fn a_gate_that_fails_or_takes_a_request_of_two_hosts_is_found() {
    let outcome = checked(Planted::FailsOnTwo, 3_000);
    let violation = &outcome.violations[0];
    assert_eq!(violation.kind, Kind::Error, "{}", violation.sentence);
    assert!(
        violation
            .sentence
            .ends_with(" is answered with 500, an error")
    );

    // Few services of today look at Host: it is judged where a contract asks for it.
    let address = gate::start(Planted::Nothing, Duration::from_secs(3_600));
    let text = include_str!("planted/contract.toml").replace("BASE", &format!("http://{address}"));
    let text = text.replacen("[[step]]", "one_host = true\n[[step]]", 1);
    let outcome = run(&Contract::parse("planted.toml", &text).unwrap(), 3_000).unwrap();
    let violation = &outcome.violations[0];
    assert_eq!(violation.kind, Kind::Permitted, "{}", violation.sentence);
    assert!(violation.sentence.ends_with("it does not name one host"));
}

#[test]
fn a_credential_that_nobody_signs_in_for_does_not_expire() {
    let address = gate::start(Planted::Nothing, gate::LIFE);
    let text = format!(
        r#"
name = "fixed"
base = "http://{address}"
[[step]]
name = "login"
request = "POST /login"
json = {{ user = "{{name}}", password = "{{name}}-password" }}
save = {{ token = "json:/token" }}
[[principal]]
name = "john"
sign_in = ["login"]
present = [{{ bearer = "{{token}}", headers = {{ x-tenant = "a" }} }}]
[[principal]]
name = "root"
values = {{ token = "{}" }}
present = [{{ bearer = "{{token}}", headers = {{ x-tenant = "a" }} }}]
[[route]]
request = "GET /docs"
may = ["signed-in"]
[expiry]
after = "400ms"
within = "0s"
early = "0s"
[[history]]
ops = [
    {{ who = "root", do = "GET /docs" }},
    {{ who = "john", do = "GET /docs" }},
    {{ who = "john", do = "expire" }},
    {{ who = "john", do = "GET /docs" }},
    {{ who = "root", do = "GET /docs" }},
]
"#,
        gate::FIXED
    );
    let outcome = run(&Contract::parse("fixed.toml", &text).unwrap(), 100).unwrap();
    assert_eq!(
        outcome.verdict,
        Verdict::NothingFound,
        "{:#?}",
        outcome.violations
    );
}

#[test]
fn the_gate_without_a_fault_raises_no_alarm() {
    let outcome = checked(Planted::Nothing, 3_000);
    assert_eq!(
        outcome.verdict,
        Verdict::NothingFound,
        "{:#?} {:?}",
        outcome.violations,
        outcome.undecided
    );
    assert!(
        outcome.coverage.combinations > 200,
        "{:?}",
        outcome.coverage
    );
}
