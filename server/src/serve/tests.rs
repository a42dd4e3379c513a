//! Limits of the listener, its room and its end, over real connections.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Instant;

use tokio::sync::oneshot;

use super::*;
use crate::password::PasswordKind;
use crate::period::Period;

/// Until when something that should happen has happened.
const SOON: Duration = Duration::from_secs(20);

/// A server with these limits, until `stop` is sent or dropped.
async fn served(
    design: Design,
    body_timeout: Duration,
    limits: Limits,
) -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let lab = Lab::open(design).unwrap();
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
    let address = server.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { stopped.await.unwrap_or_default() };
    let never = std::future::pending();
    let serving = server.run_with(lab, stopped, never, body_timeout, limits);
    (address, stop, tokio::spawn(serving))
}

fn quick() -> Design {
    Design {
        password: PasswordKind::Sha256,
        ..Design::default()
    }
}

/// What the server sends until it closes the connection; an error when it does not close it.
fn read_to_end(mut stream: &TcpStream) -> io::Result<String> {
    stream.set_read_timeout(Some(SOON))?;
    let mut text = String::new();
    match stream.read_to_string(&mut text) {
        Err(error) if error.kind() != io::ErrorKind::ConnectionReset => Err(error),
        _ => Ok(text),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_has_begun_has_less_time_than_a_connection_that_is_kept() {
    const HEAD: Duration = Duration::from_millis(200);
    let limits = Limits {
        head: HEAD,
        ..Limits::default()
    };
    let (address, _stop, _) = served(quick(), BODY_TIMEOUT, limits).await;
    let kept = TcpStream::connect(address).unwrap();
    let ask = |last: &str| {
        let request = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{last}\r\n");
        (&kept).write_all(request.as_bytes()).unwrap();
    };
    ask("");
    let mut answer = [0; 12];
    (&kept).read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let begun = TcpStream::connect(address).unwrap();
    (&begun).write_all(b"GET / HTTP/1.1\r\nx-slow: ").unwrap();
    assert_eq!(read_to_end(&begun).unwrap(), "");
    // By now the kept connection has been idle for longer than a head may take.
    ask("connection: close\r\n");
    assert!(read_to_end(&kept).unwrap().contains("HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_its_answers_is_closed() {
    let limits = Limits {
        read: Duration::from_millis(200),
        ..Limits::default()
    };
    let (address, _stop, _) = served(quick(), BODY_TIMEOUT, limits).await;
    let stream = TcpStream::connect(address).unwrap();
    stream.set_write_timeout(Some(SOON)).unwrap();
    // More answers than any socket buffers: sending fails once the server has closed the connection.
    let request = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    let failed = loop {
        if let Err(error) = (&stream).write_all(&request) {
            break error.kind();
        }
    };
    assert!(
        matches!(
            failed,
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
        ),
        "{failed}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_that_has_been_waited_for_longest_makes_room() {
    let design = Design {
        max_connections: std::num::NonZeroUsize::new(3).unwrap(),
        ..quick()
    };
    let (address, _stop, _) = served(design, SOON, Limits::default()).await;
    let connect = |sent: &str| {
        let stream = TcpStream::connect(address).unwrap();
        (&stream).write_all(sent.as_bytes()).unwrap();
        // Each is waited for from a millisecond of its own on.
        std::thread::sleep(Duration::from_millis(20));
        stream
    };
    let silent = connect("");
    let slow_head = connect("GET / HTTP/1.1\r\n");
    let slow_body = connect(
        "POST /token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
    );
    for (gone, what) in [
        (silent, "no request"),
        (slow_head, "a slow head"),
        (slow_body, "a slow body"),
    ] {
        let next = connect("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
        let mut answer = [0; 12];
        (&next).read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200", "{what}");
        assert_eq!(read_to_end(&gone).unwrap(), "", "{what}");
        // It is kept, and waited for from now on.
        std::mem::forget(next);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_shutdown_cannot_finish_is_answered_503() {
    let design = Design {
        shutdown_timeout: Period(Duration::from_millis(100)),
        ..quick()
    };
    let (address, stop, serving) = served(design, SOON, Limits::default()).await;
    let under_way = TcpStream::connect(address).unwrap();
    let head = "POST /token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n";
    (&under_way).write_all(head.as_bytes()).unwrap();
    stop.send(()).unwrap();
    let answer = read_to_end(&under_way).unwrap().to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 503"), "{answer}");
    for header in [
        "connection: close",
        "retry-after: ",
        "cache-control: no-store",
    ] {
        assert!(answer.contains(header), "{answer}");
    }
    tokio::time::timeout(SOON, serving).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_comes_is_answered_408_and_holds_neither_connection_nor_end() {
    const LIMIT: Duration = Duration::from_millis(100);
    let (address, stop, serving) = served(quick(), LIMIT, Limits::default()).await;
    let mut waiting = Vec::new();
    for begun in ["", "{\"username\":"] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let head = "POST /token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n";
        let sent = format!("{head}\r\n{begun}");
        stream.write_all(sent.as_bytes()).unwrap();
        waiting.push(stream);
    }
    for mut stream in waiting {
        let mut answer = String::new();
        // To its end: the server closes.
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
        assert!(answer.contains("error_description"), "{answer}");
    }
    let asked = Instant::now();
    stop.send(()).unwrap();
    serving.await.unwrap();
    assert!(asked.elapsed() < BODY_TIMEOUT, "{:?}", asked.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_nothing_is_closed_and_one_that_reads_slowly_is_not() {
    const IDLE: Duration = Duration::from_millis(400);
    const PART: usize = 64 << 10;
    let limits = Limits {
        idle: IDLE,
        ..Limits::default()
    };
    let (address, _stop, _) = served(quick(), BODY_TIMEOUT, limits).await;
    let silent = TcpStream::connect(address).unwrap();
    let answered = TcpStream::connect(address).unwrap();
    (&answered)
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let slow = TcpStream::connect(address).unwrap();
    slow.set_read_timeout(Some(SOON)).unwrap();
    (&slow)
        .write_all(b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    assert_eq!(read_to_end(&silent).unwrap(), "");
    assert!(read_to_end(&answered).unwrap().contains("HTTP/1.1 200"));
    let (mut read, begun) = (Vec::new(), Instant::now());
    let mut part = vec![0; PART];
    // For longer than an idle connection is kept.
    while begun.elapsed() < 2 * IDLE {
        let bytes = (&slow).read(&mut part).unwrap();
        read.extend_from_slice(&part[..bytes]);
        std::thread::sleep(IDLE / 8);
    }
    (&slow).read_to_end(&mut read).unwrap();
    let head = read
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let length = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
    let length = length.split("content-length: ").nth(1).unwrap();
    let length: usize = length.lines().next().unwrap().parse().unwrap();
    assert_eq!(read.len(), head + 4 + length);
}
