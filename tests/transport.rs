//! What the command line and a scenario say of targets and servers: refused before anything starts, or sent as meant.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "a run that is not interrupted needs less")]
mod command;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use command::{Place, stderr};

/// Answers each connection's requests with 204, so many on each, and keeps the request lines and headers.
fn listen(on_each: usize) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let kept = Arc::new(Mutex::new(String::new()));
    let keeping = Arc::clone(&kept);
    // It ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, kept) = (stream.unwrap(), Arc::clone(&keeping));
            std::thread::spawn(move || {
                let mut part = [0; 4096];
                for answered in 0.. {
                    let length = stream.read(&mut part).unwrap_or(0);
                    if length == 0 || answered == on_each {
                        return;
                    }
                    let mut kept = kept.lock().unwrap();
                    if kept.len() < 10_000 {
                        kept.push_str(&String::from_utf8_lossy(&part[..length]));
                    }
                    let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
                }
            });
        }
    });
    (address, kept)
}

const SHORT: [&str; 6] = ["-d", "60ms", "--warm-up", "1ms", "--timeout", "5s"];

fn load(place: &Place, words: &[&str]) -> std::process::Output {
    let mut all = vec!["load"];
    all.extend_from_slice(words);
    all.extend(SHORT);
    place.authlab(&all)
}

#[test]
fn a_target_that_cannot_be_sent_is_refused_before_anything_starts() {
    let place = Place::new();
    let table: [(&[&str], &str); 9] = [
        (
            &["http://h", "--get", "/a b"],
            "--get /a b: a path cannot hold a space; write %20",
        ),
        (&["http://h", "--get", "/a?b c"], "cannot hold a space"),
        (&["http://h", "--get", "/a\tb"], "control character U+0009"),
        (&["http://h", "--get", "/a#b"], "`#` begins a fragment"),
        (&["http://h", "--get", ""], "a path begins with `/`"),
        (&["http://h", "--get", "a"], "a path begins with `/`"),
        (&["http://h", "--get", "/", "--get", "/a b"], "--get /a b"),
        (&["http://h/a b"], "a path cannot hold a space"),
        (&["http://h:1?a b"], "a path cannot hold a space"),
    ];
    for (words, expected) in table {
        let line = place.refused(&[&["load"][..], words].concat());
        assert!(line.contains(expected), "{words:?}: {line}");
    }
    let table = [
        ("/a b", "cannot hold a space"),
        ("/a#b", "fragment"),
        ("a", "begins with `/`"),
    ];
    for (ready, expected) in table {
        let command = "no-such-server {port}";
        let line = place.refused(&[
            "duel", "--base", command, "--head", command, "--ready", ready,
        ]);
        assert!(line.contains(expected), "{ready}: {line}");
    }
}

#[test]
fn a_target_is_sent_as_a_browser_sends_it() {
    // (what follows the address in the url, further words, what is sent)
    let table: [(&str, &[&str], &str); 6] = [
        ("?x=1", &[], "GET /?x=1 HTTP/1.1\r\n"),
        ("/a?b=/c#part", &[], "GET /a?b=/c HTTP/1.1\r\n"),
        ("#part", &[], "GET / HTTP/1.1\r\n"),
        (
            "",
            &["--get", "/größe?q=ä"],
            "GET /gr%C3%B6%C3%9Fe?q=%C3%A4 HTTP/1.1\r\n",
        ),
        ("/größe", &[], "GET /gr%C3%B6%C3%9Fe HTTP/1.1\r\n"),
        ("", &["-X", "POST"], "content-length: 0\r\n"),
    ];
    for (rest, words, sent) in table {
        let place = Place::new();
        let (address, kept) = listen(usize::MAX);
        let url = format!("http://{address}{rest}");
        let output = load(&place, &[&[url.as_str()], words].concat());
        let kept = kept.lock().unwrap();
        assert!(
            kept.contains(sent),
            "{rest} {words:?}: {kept} {}",
            stderr(&output)
        );
    }
}

#[test]
fn requests_that_were_sent_again_are_told_beside_failures_and_are_none() {
    let place = Place::new();
    let (address, _) = listen(3);
    let output = load(&place, &[&format!("http://{address}")]);
    let slice = &place.run_json()["slices"][0];
    assert_eq!(slice["failed"], serde_json::json!({}), "{slice}");
    assert!(slice["retried"].as_u64() > Some(0), "{slice}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output);
    assert!(
        text.contains("Retried: ") && text.contains("on a new connection"),
        "{text}"
    );
}

#[test]
fn a_command_that_listens_on_the_other_loopback_address_only_becomes_ready() {
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("this system has no IPv6");
        return;
    }
    let place = Place::new();
    let authlab = env!("CARGO_BIN_EXE_authlab");
    place.write(
        "t.toml",
        &format!(
            r#"name = "t"
question = "?"
[[variant]]
name = "six"
command = ["{authlab}", "null", "--listen", "[::1]:{{port}}"]
ready_within = "20s"
[[step]]
name = "get"
request = "GET /"
[[load]]
name = "one"
users = 2
journey = ["get"]
profile.quick = {{ blocks = 1, slice = "60ms", warm_up = "1ms" }}
"#
        ),
    );
    let output = place.authlab(&["run", "t.toml", "--quick"]);
    let run = place.run_json();
    let slice = &run["slices"][0];
    assert!(
        slice["ok"].as_u64() > Some(0),
        "{slice} {}",
        stderr(&output)
    );
    assert_eq!(slice["failed"], serde_json::json!({}), "{slice}");
}
