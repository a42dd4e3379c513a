//! A central server that closes connections as they are used again, and answers that say other things than the standard.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::stand::{Server, tally};

/// What the central server does with a connection on which it has answered once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// Answers on it as before.
    Answers,
    /// Reads the next request and closes.
    Closes,
    /// Closes with unread data, which resets the connection.
    Resets,
    /// Reads every request, also the first one of a connection, and closes.
    NeverAnswers,
}

struct Central {
    address: SocketAddr,
    /// Requests that were read.
    asked: Arc<AtomicUsize>,
    answer: Arc<Mutex<String>>,
}

impl Central {
    fn start(kept: Kept, answer: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let central = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            answer: Arc::new(Mutex::new(answer.to_owned())),
        };
        let (asked, answer) = (Arc::clone(&central.asked), Arc::clone(&central.answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream.unwrap(), kept, &asked, &answer));
            }
        });
        central
    }

    fn says(&self, answer: &str) {
        answer.clone_into(&mut self.answer.lock().unwrap());
    }

    fn url(&self) -> String {
        format!("http://{}/introspect", self.address)
    }
}

fn serve(stream: TcpStream, kept: Kept, asked: &AtomicUsize, answer: &Mutex<String>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    let mut answered = false;
    loop {
        if answered && kept == Kept::Resets {
            let mut one = [0];
            let _ = reader.get_mut().read(&mut one);
            return;
        }
        if read(&mut reader).is_none() {
            return;
        }
        asked.fetch_add(1, Ordering::Relaxed);
        if kept == Kept::NeverAnswers || answered && kept == Kept::Closes {
            return;
        }
        let body = answer.lock().unwrap().clone();
        let length = body.len();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
        if write!(writer, "{head}\r\ncontent-length: {length}\r\n\r\n{body}").is_err() {
            return;
        }
        answered = true;
    }
}

/// Reads a request to its end; `None` when the connection was closed.
fn read(reader: &mut BufReader<TcpStream>) -> Option<()> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()
}

const ACTIVE: &str = r#"{"active":true,"sub":"x"}"#;

/// A server that asks this one, and its log.
fn asking(url: &str, more: &[&str]) -> (Server, tempfile::NamedTempFile) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let flags = [
        "--credential",
        "opaque",
        "--verify",
        "introspect",
        "--introspect-url",
        url,
    ];
    let stderr = Stdio::from(log.reopen().unwrap());
    let server = Server::start_with(&[&flags[..], more].concat(), stderr);
    (server, log)
}

#[test]
fn a_kept_connection_that_closes_as_it_is_used_again_costs_no_answer() {
    for (name, kept) in [
        ("introspection: a kept connection closes", Kept::Closes),
        ("introspection: a kept connection is reset", Kept::Resets),
        ("introspection: a kept connection stays", Kept::Answers),
    ] {
        let central = Central::start(kept, ACTIVE);
        let (server, _log) = asking(&central.url(), &[]);
        let held = (0..12).filter(|number| {
            // The connection is in the pool again.
            std::thread::sleep(Duration::from_millis(20));
            server.status("/user", &format!("t{number}")) == 200
        });
        tally(name, 12, held.count());
    }
}

/// Twice at most, and then the refusal is said.
#[test]
fn a_server_that_never_answers_is_asked_once_more_and_no_more() {
    let central = Central::start(Kept::NeverAnswers, ACTIVE);
    let (server, _log) = asking(&central.url(), &[]);
    for number in 1..=5 {
        assert_eq!(server.status("/user", &format!("t{number}")), 503);
        assert_eq!(central.asked.load(Ordering::Relaxed), 2 * number);
    }
}

#[test]
fn members_are_judged_where_they_are_used_and_the_log_names_the_one_that_is_wrong() {
    let central = Central::start(Kept::Answers, ACTIVE);
    let (server, log) = asking(&central.url(), &[]);
    for (number, (members, status, cause)) in [
        // Whatever else is there, the token is not active.
        (r#""active":false,"sub":5"#, 401, ""),
        (
            r#""active":false,"exp":"never","nbf":[],"username":{},"client_id":7"#,
            401,
            "",
        ),
        (r#""active":false,"exp":1e999,"sub":"\ud800""#, 401, ""),
        (r#""sub":["x"],"active":false"#, 401, ""),
        // Not used, so not judged.
        (r#""active":true,"sub":"x","client_id":7"#, 200, ""),
        (r#""active":true,"sub":"x","username":["x"]"#, 200, ""),
        (
            r#""active":true,"sub":"x","iat":"yesterday","iss":[],"jti":{}"#,
            200,
            "",
        ),
        (r#""active":true,"username":"x","client_id":{}"#, 200, ""),
        // Used, and of another type. None falls back to the next one.
        (r#""active":true,"sub":5115,"username":"x""#, 503, "sub"),
        (
            r#""active":true,"sub":"","username":["hunter2"],"client_id":"c""#,
            503,
            "username",
        ),
        (r#""active":true,"client_id":true"#, 503, "client_id"),
        (r#""active":true,"sub":"x","exp":"hunter2""#, 503, "exp"),
        (
            r#""active":true,"sub":"x","nbf":{"a":"hunter2"}"#,
            503,
            "nbf",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        central.says(&format!("{{{members}}}"));
        let from = std::fs::read_to_string(log.path()).unwrap().len();
        if !cause.is_empty() {
            // One line a second of each source.
            std::thread::sleep(Duration::from_millis(1100));
        }
        for _ in 0..2 {
            assert_eq!(
                server.status("/user", &format!("t{number}")),
                status,
                "{members}"
            );
        }
        if cause.is_empty() {
            continue;
        }
        let wanted = format!("the member {cause} of an answer has another type");
        let said = said(log.path(), from, &wanted);
        assert!(
            !said.contains("hunter2") && !said.contains("5115"),
            "{said}"
        );
    }
}

/// The log from there on, once it contains this text.
fn said(log: &std::path::Path, from: usize, wanted: &str) -> String {
    for _ in 0..500 {
        let text = std::fs::read_to_string(log).unwrap();
        if text[from..].contains(wanted) {
            return text[from..].to_owned();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no {wanted:?} in {}", std::fs::read_to_string(log).unwrap());
}

/// No store failed, so a proxy must not be told to come back: the request is refused, and the log says why.
#[test]
fn a_subject_that_no_header_can_hold_is_refused_by_403_with_its_cause() {
    let central = Central::start(Kept::Answers, ACTIVE);
    let (server, log) = asking(&central.url(), &["--trusted-proxy", "127.0.0.1"]);
    let head = "GET /authorize HTTP/1.1\r\nauthorization: Bearer t\r\nx-original-method: GET\r\nx-original-uri: /x";
    for (subject, status) in [
        ("x", 204),
        (" x", 403),
        ("x ", 403),
        (r"x\ny", 403),
        (r"x\u0000", 403),
        (r"x\u007f", 403),
        (r"\u2028", 403),
        ("  ", 403),
        (r"\u00e4", 204),
        ("a b", 204),
    ] {
        central.says(&format!(r#"{{"active":true,"sub":"{subject}"}}"#));
        let (asked, body) = server.ask(head, "").unwrap();
        assert_eq!(asked, status, "{subject:?}: {body}");
        assert_eq!(
            body.contains("cannot be passed on"),
            status == 403,
            "{body}"
        );
        // It is somebody, who is let in elsewhere.
        assert_eq!(server.status("/user", "t"), 200, "{subject:?}");
    }
    let said = said(
        log.path(),
        0,
        "authorize: no header can hold the subject's name \" x\": refused",
    );
    assert!(!said.contains("introspection: "), "{said}");
}

#[test]
fn the_query_of_the_introspection_address_is_in_no_line() {
    let central = Central::start(Kept::NeverAnswers, ACTIVE);
    let url = format!("{}?api_key=hunter2", central.url());
    let (server, log) = asking(&url, &[]);
    assert_eq!(server.status("/user", "t"), 503);
    let said = said(log.path(), 0, "introspection: ");
    assert!(
        said.contains(&format!("introspect at {}?…, within", central.url())),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
}
