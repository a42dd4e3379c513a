//! A server's start and end, in a process of its own.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use authlab_server::{Design, PasswordKind, PolicyKind};
use rcgen::CertifiedKey;
use rustix::process::{Pid, Signal, kill_process};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const THREADS: &str = "AUTHLAB_TEST_THREADS";
const TLS: &str = "AUTHLAB_TEST_TLS";

/// Until when something that should happen has happened.
const SOON: Duration = Duration::from_secs(30);

#[test]
#[ignore = "run by the tests below, in a process of its own"]
fn child_serves() {
    let threads = std::env::var(THREADS).unwrap().parse().unwrap();
    let listen = ([127, 0, 0, 1], 0).into();
    let (password, policy) = (PasswordKind::Sha256, PolicyKind::AllowAll);
    let mut design = Design {
        threads,
        listen,
        password,
        policy,
        ..Design::default()
    };
    if let Ok(files) = std::env::var(TLS) {
        design.tls = files.parse().unwrap();
    }
    authlab_server::run(design).unwrap();
    println!("ended by itself");
}

struct Running {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    address: String,
}

fn start(threads: &str) -> Running {
    start_with(&[(THREADS, threads)])
}

fn start_with(variables: &[(&str, &str)]) -> Running {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_serves", "--nocapture", "--ignored"])
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    let address = loop {
        line.clear();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "no ready line");
        if let Some((_, ready)) = line.split_once("authlab listening on ") {
            let (_, address) = ready.split_once("://").unwrap();
            break address.trim().to_owned();
        }
    };
    Running {
        child,
        stdout,
        address,
    }
}

fn get_items(stream: &mut TcpStream) -> String {
    stream
        .write_all(b"GET /items/ HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let mut answer = [0; 1024];
    let read = stream.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[test]
fn a_server_says_when_it_is_ready_and_ends_cleanly_on_sigint_and_sigterm() {
    for (threads, end) in [("1", Signal::TERM), ("2", Signal::INT)] {
        let mut running = start(threads);
        let mut idle = TcpStream::connect(&running.address).unwrap();
        assert!(get_items(&mut idle).starts_with("HTTP/1.1 200"));

        // A connection that is kept alive must not hold the end up.
        let asked = Instant::now();
        kill_process(Pid::from_child(&running.child), end).unwrap();
        let status = running.child.wait().unwrap();
        assert!(status.success(), "{status}");
        assert!(
            asked.elapsed() < Duration::from_secs(4),
            "{:?}",
            asked.elapsed()
        );
        let mut rest = String::new();
        running.stdout.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("ended by itself"), "{rest}");
        assert!(
            TcpStream::connect(&running.address).is_err(),
            "the port is free"
        );

        let mut stderr = String::new();
        running
            .child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        assert!(stderr.contains("password      sha256\n"), "{stderr}");
        assert!(stderr.contains("warning: --policy allow-all"), "{stderr}");
    }
}

/// Writes a certificate for `localhost`, which signs itself, and its key.
fn certified(folder: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    cert.der().clone()
}

/// The answer to a request on a connection of its own, whose certificate must be this one.
fn ask_by_tls(address: &str, certificate: &CertificateDer<'static>) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(client, TcpStream::connect(address)?);
    stream.write_all(b"GET /items/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn a_hangup_has_the_certificate_read_again_and_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let first = certified(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let files = format!("{},{}", path("cert.pem"), path("key.pem"));
    let mut running = start_with(&[(THREADS, "1"), (TLS, &files)]);
    let address = running.address.clone();
    let hang_up = || kill_process(Pid::from_child(&running.child), Signal::HUP).unwrap();
    let is_served = |certificate| {
        let answer = ask_by_tls(&address, certificate);
        answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    };
    assert!(is_served(&first));

    let second = certified(folder.path());
    // Files alone change nothing.
    assert!(is_served(&first) && !is_served(&second));
    hang_up();
    let until = Instant::now() + SOON;
    while !is_served(&second) {
        assert!(Instant::now() < until, "the certificate stays the first");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!is_served(&first));

    // What cannot be used changes nothing either, and the log says so.
    std::fs::write(folder.path().join("cert.pem"), "no certificate").unwrap();
    hang_up();
    let mut stderr = BufReader::new(running.child.stderr.take().unwrap()).lines();
    let said = stderr.find(|line| line.as_ref().unwrap().contains("the certificate stays"));
    let said = said.unwrap().unwrap();
    assert!(said.contains("cert.pem: has no certificate"), "{said}");
    assert!(is_served(&second));

    kill_process(Pid::from_child(&running.child), Signal::TERM).unwrap();
    // What else it writes is read, so that it does not wait for us.
    stderr.for_each(drop);
    assert!(running.child.wait().unwrap().success());
}
