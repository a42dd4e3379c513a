//! Braces on a command line are sent as typed, unless values are asked for.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "other tests need more")]
mod command;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use command::{Place, error_line, stderr};

/// Answers each request with 200 and keeps what it read.
fn listen() -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let read = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&read);
    // It ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, kept) = (stream.unwrap(), Arc::clone(&kept));
            std::thread::spawn(move || {
                let mut part = [0; 4096];
                while let Ok(length @ 1..) = stream.read(&mut part) {
                    let mut kept = kept.lock().unwrap();
                    if kept.len() < 10_000 {
                        *kept += &String::from_utf8_lossy(&part[..length]);
                    }
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                    if stream.write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (url, read)
}

const SHORT: [&str; 6] = ["-d", "60ms", "--warm-up", "1ms", "--timeout", "5s"];

fn sent(words: &[&str]) -> String {
    let place = Place::new();
    let (url, read) = listen();
    let mut all = vec!["load", url.as_str()];
    all.extend_from_slice(words);
    all.extend(SHORT);
    let output = place.authlab(&all);
    // Whether so short a run is valid is the machine's matter.
    assert_ne!(output.status.code(), Some(2), "{}", stderr(&output));
    read.lock().unwrap().clone()
}

#[test]
fn braces_are_sent_as_typed() {
    for data in [
        r#"{"query":"query {user}"}"#,
        "{user}{{user}}{{{user}}}{random:raw}{unknown}",
        "{ user } {",
    ] {
        let sent = sent(&[
            "--data",
            data,
            "-H",
            "x-tag: {user} {{random}}",
            "--get",
            "/a/{user}?{random}",
        ]);
        assert!(
            sent.starts_with("POST /a/{user}?{random} HTTP/1.1\r\n"),
            "{sent}"
        );
        assert!(sent.contains("x-tag: {user} {{random}}\r\n"), "{sent}");
        assert!(sent.contains(&format!("\r\n\r\n{data}POST ")), "{sent}");
    }
}

#[test]
fn values_are_put_in_where_they_are_asked_for() {
    let words = [
        "--template",
        "--data",
        r#"{"query":"query {{user}}","n":{user}}"#,
        "-H",
        "content-type: application/json",
        "-H",
        "x-tag: {user}",
        "--get",
        "/a/{user}",
    ];
    let sent = sent(&words);
    assert!(sent.starts_with("POST /a/0 HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains("x-tag: 0\r\n"), "{sent}");
    assert!(
        sent.contains("\r\n\r\n{\"query\":\"query {user}\",\"n\":0}POST "),
        "{sent}"
    );
    let place = Place::new();
    let output = place.authlab(&[
        "load",
        "http://127.0.0.1:9",
        "--template",
        "--get",
        "/{usr}",
    ]);
    assert_eq!(output.status.code(), Some(2));
    let said = error_line(&output);
    assert!(
        said.contains("uses {usr}") && said.contains("{{usr}} writes the text {usr}"),
        "{said}"
    );
}
