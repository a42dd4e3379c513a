//! `authlab load`: what is sent, what is written down, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "a run that is not interrupted needs less")]
mod command;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use command::{Place, error_line, stderr};

/// Answers each request with a status, on one connection after another, and keeps what it read.
fn listen(status: &'static str) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let read = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&read);
    // It ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, kept) = (stream.unwrap(), Arc::clone(&kept));
            std::thread::spawn(move || {
                let mut part = [0; 4096];
                while let Ok(length @ 1..) = stream.read(&mut part) {
                    let text = String::from_utf8_lossy(&part[..length]).into_owned();
                    let mut kept = kept.lock().unwrap();
                    if kept.len() < 10_000 {
                        kept.push_str(&text);
                    }
                    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, read)
}

const SHORT: [&str; 6] = ["-d", "60ms", "--warm-up", "1ms", "--timeout", "5s"];

fn load(place: &Place, words: &[&str]) -> std::process::Output {
    let mut all = vec!["load"];
    all.extend_from_slice(words);
    all.extend(SHORT);
    place.authlab(&all)
}

#[test]
fn what_is_typed_is_what_is_sent_and_secrets_are_not_written_down() {
    let place = Place::new();
    place.write("body.txt", "s3cret body");
    let (address, read) = listen("401 Unauthorized");
    let url = format!("http://{address}/login?of=user");
    let words = [
        &url,
        "-X",
        "put",
        "--data",
        "@body.txt",
        "-H",
        "X-Key: s3cret key",
        "--expect",
        "200,401",
        "--users",
        "2",
    ];
    let output = load(&place, &words);
    // Whether so short a run is valid is the machine's matter.
    assert_ne!(output.status.code(), Some(2), "{}", stderr(&output));
    let sent = read.lock().unwrap().clone();
    assert!(
        sent.starts_with("PUT /login?of=user HTTP/1.1\r\n"),
        "{sent}"
    );
    assert!(sent.contains("x-key: s3cret key\r\n"), "{sent}");
    assert!(sent.contains("\r\n\r\ns3cret body"), "{sent}");
    let run = place.run_json();
    assert_eq!(run["variants"][0]["target"], format!("http://{address}"));
    assert_eq!(run["slices"][0]["failed"], serde_json::json!({}));
    let words = run["command"].to_string();
    for word in [
        "--method",
        "PUT",
        "--expect",
        "200,401",
        "X-Key: …",
        "--data",
    ] {
        assert!(words.contains(word), "{word}: {words}");
    }
    for file in std::fs::read_dir(place.run()).unwrap() {
        let text = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains("s3cret"));
    }
}

#[test]
fn data_is_posted_and_no_path_is_the_root() {
    let place = Place::new();
    let (address, read) = listen("200 OK");
    let output = load(
        &place,
        &[&format!("http://{address}"), "--data", "{\"a\": 1}"],
    );
    assert_ne!(output.status.code(), Some(2), "{}", stderr(&output));
    let sent = read.lock().unwrap().clone();
    assert!(sent.starts_with("POST / HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains("{\"a\": 1}"), "{sent}");
}

#[test]
fn bad_words_are_one_line_that_says_what_is_accepted_and_exit_two() {
    let place = Place::new();
    place.write("empty.pem", "");
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let unused = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    // (words, what must be said)
    let table: &[(&[&str], &str)] = &[
        (
            &["localhost:8080"],
            "use http://host:port or https://host:port",
        ),
        (&["ftp://h"], "use http://host:port or https://host:port"),
        (&["http://u:s3cret@h"], "a user or password is not accepted"),
        (
            &["http://h/a", "--get", "/b"],
            "in the url or in --get, not both",
        ),
        (
            &["http://h", "--get", "a"],
            "--get a: a path begins with `/`",
        ),
        (
            &["http://h", "-H", "s3cret"],
            "write a header as 'name: value'",
        ),
        (
            &["http://h", "-H", "s3cret thing: x"],
            "write a header as 'name: value'",
        ),
        (
            &["http://h", "-H", "a: 1", "-H", "A: 2"],
            "header `a` is there already",
        ),
        (&["http://h", "-X", "G T"], "a method is letters"),
        (
            &["http://h", "--data", "@nothing"],
            "--data @nothing: No such file",
        ),
        (
            &["http://h", "--data", "@/dev/zero"],
            "--data @/dev/zero: it has more than 64 MiB",
        ),
        (&["http://h", "--expect", "20"], "20 is not in 100..=599"),
        (
            &["http://h", "--timeout", "soon"],
            "write 500us, 250ms, 10s or 2m",
        ),
        (
            &["http://h", "--warm-up", "1"],
            "write 500us, 250ms, 10s or 2m",
        ),
        (
            &["http://h", "--rate", "5", "--think", "1s"],
            "cannot be used with",
        ),
        (&["http://h", "--rate", "0"], "more than 0"),
        (&["http://h", "--users", "0"], "users must be 1 to"),
        (&["http://h", "--ca", "empty.pem"], "--ca is of TLS"),
        (
            &["https://h", "--ca", "nothing.pem"],
            "nothing.pem: No such file",
        ),
        (
            &["https://h", "--ca", "empty.pem"],
            "BEGIN CERTIFICATE is wanted",
        ),
        (&["https://h", "--insecure"], "--insecure"),
        (&[&unused], "Connection refused"),
    ];
    for (words, expected) in table {
        let line = place.refused(&[&["load"][..], words].concat());
        assert!(line.contains(expected), "{words:?}: {line}");
        assert!(!line.contains("s3cret"), "{words:?}: {line}");
    }
}

#[test]
fn a_server_that_speaks_http_1_1_only_is_not_measured_in_http_2() {
    let place = Place::new();
    let (address, _) = listen("400 Bad Request");
    let output = load(&place, &[&format!("http://{address}"), "--http2"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let line = error_line(&output);
    assert!(line.contains("server does not speak HTTP/2"), "{line}");
}
