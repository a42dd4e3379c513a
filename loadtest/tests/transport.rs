//! What a server can do to a connection: each failure has the name of its cause, and what is no failure is none.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;
#[path = "scripted/raw.rs"]
mod raw;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use authlab_reports::run::Run;
use place::run;
use raw::{Accepted, serve};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn load(request: &str, keys: &str) -> String {
    format!(
        r#"
[[step]]
name = "ask"
request = "{request}"
{keys}
[[load]]
name = "one"
users = 1
journey = ["ask"]
profile.quick = {{ blocks = 1, slice = "60ms", warm_up = "1ms" }}
"#
    )
}

fn reasons(run: &Run) -> Vec<&str> {
    let slices = run.slices.iter();
    let reasons = slices.flat_map(|slice| slice.failed.keys().map(String::as_str));
    let distinct: BTreeSet<_> = reasons.collect();
    distinct.into_iter().collect()
}

fn ok(run: &Run) -> u64 {
    run.slices.iter().map(|slice| slice.ok).sum()
}

fn retried(run: &Run) -> u64 {
    run.slices.iter().map(|slice| slice.retried).sum()
}

fn with_headers(count: usize, length: usize) -> String {
    let value = "v".repeat(length);
    let mut head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n".to_owned();
    for number in 1..count {
        let _ = write!(head, "x-{number}: {value}\r\n");
    }
    head + "\r\n"
}

/// Answers each request with these octets, and closes the connection.
fn answers(octets: String) -> impl Fn(Accepted) {
    move |mut accepted| {
        if accepted.request().is_some() {
            accepted.send(&octets);
        }
    }
}

#[test]
fn what_a_server_sends_is_named_when_it_is_no_answer() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let status = "HTTP/1.1 200 OK\r\n";
    let too_large = "response headers too large: over 1000 headers or 408 KiB";
    // (what it sends before it closes, the reason; none where that is an answer)
    let table = [
        (OK.to_owned(), None),
        (with_headers(101, 1), None),
        (with_headers(1_000, 1), None),
        (with_headers(1_001, 1), Some(too_large)),
        (with_headers(2, 380_000), None),
        (with_headers(2, 600_000), Some(too_large)),
        ("HTTP/1.0 200 OK\r\n\r\nuntil the end".to_owned(), None),
        (
            format!(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n{OK}"
            ),
            None,
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
                .to_owned(),
            Some("status 101"),
        ),
        (
            "SSH-2.0-OpenSSH_9.6\r\n".to_owned(),
            Some("the server sent something other than HTTP"),
        ),
        (
            "\u{16}\u{3}\u{1}".to_owned() + &"\0".repeat(40),
            Some("the server sent something other than HTTP"),
        ),
        (
            "220 mail.example ESMTP\r\n".to_owned(),
            Some("the server sent something other than HTTP"),
        ),
        (
            "HTTP/1.1 abc OK\r\n\r\n".to_owned(),
            Some("malformed response: invalid status line"),
        ),
        (
            format!("{status}no colon\r\n\r\n"),
            Some("malformed response: invalid header"),
        ),
        (
            format!("{status}Content-Length: x\r\n\r\n"),
            Some("malformed response: invalid Content-Length"),
        ),
        (
            format!("{status}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
            Some("malformed response: invalid Content-Length"),
        ),
        (String::new(), Some("connection closed before a response")),
        (
            "HTT".to_owned(),
            Some("connection closed within the response headers"),
        ),
        (
            format!("{status}Content-Le"),
            Some("connection closed within the response headers"),
        ),
        (
            format!("{status}Content-Length: 10\r\n\r\nhello"),
            Some("body cut short: connection closed before its end"),
        ),
        (
            format!("{chunked}5\r\nhello\r\n"),
            Some("body cut short: connection closed before its end"),
        ),
        (
            format!("{chunked}5\r\nhel"),
            Some("body cut short: connection closed before its end"),
        ),
        (
            format!("{chunked}zz\r\nhello\r\n"),
            Some("malformed body: invalid chunked encoding"),
        ),
        (
            format!("{chunked}2\r\nhello\r\n"),
            Some("malformed body: invalid chunked encoding"),
        ),
        (format!("{chunked}5\r\nhello\r\n0\r\n\r\n"), None),
    ];
    for (octets, reason) in table {
        let shown: String = octets.chars().take(60).collect();
        let server = serve(answers(octets));
        let finished = run(&server.url, &load("GET /", ""));
        let expected: Vec<_> = reason
            .iter()
            .map(|reason| format!("ask: {reason}"))
            .collect();
        assert_eq!(reasons(&finished.run), expected, "{shown:?}");
        assert_eq!(ok(&finished.run) > 0, reason.is_none(), "{shown:?}");
        // A connection that was open before may have been closed before the request was read.
        if reason.is_some() {
            assert!(
                retried(&finished.run) <= finished.run.slices.len() as u64,
                "{shown:?}"
            );
        }
    }
}

#[test]
fn a_server_that_speaks_before_it_is_asked_is_none_of_http() {
    let server = serve(|mut accepted| {
        accepted.send("SSH-2.0-OpenSSH_9.6\r\n");
        let _ = accepted.request();
    });
    let finished = run(&server.url, &load("GET /", ""));
    assert_eq!(
        reasons(&finished.run),
        ["ask: the server sent something other than HTTP"]
    );
}

#[test]
fn a_reset_and_a_port_that_nothing_listens_on_are_named() {
    let server = serve(Accepted::reset);
    let finished = run(&server.url, &load("GET /", ""));
    assert_eq!(
        reasons(&finished.run),
        ["ask: connection failed: connection reset"]
    );

    // It stops to listen after more requests than warm-up takes, and fewer than a slice.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        let mut answered = 0;
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            while stream.read(&mut [0; 1_024]).unwrap_or(0) > 0 {
                if answered == 40 {
                    return;
                }
                answered += 1;
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
            }
        }
    });
    let many = load("GET /", "").replace("[\"ask\"]", "[\"ask*90\"]");
    let many = many.replace("blocks = 1", "blocks = 1, min_samples = 90");
    let finished = run(&url, &many);
    assert_eq!(
        reasons(&finished.run),
        ["ask: cannot connect: Connection refused (os error 111)"]
    );
}

/// Answers `answered` requests on each connection; the next is read, and the connection closed.
fn closes_after(answered: usize) -> impl Fn(Accepted) {
    move |mut accepted| {
        for _ in 0..answered {
            if accepted.request().is_none() {
                return;
            }
            accepted.send(OK);
        }
        accepted.request();
    }
}

#[test]
fn an_idempotent_request_that_a_kept_connection_did_not_answer_is_sent_again_and_counted_apart() {
    for request in ["GET /", "HEAD /", "PUT /", "DELETE /", "OPTIONS /"] {
        let server = serve(move |mut accepted| {
            for _ in 0..3 {
                let Some(head) = accepted.request() else {
                    return;
                };
                accepted.send(if head.starts_with("HEAD") {
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
                } else {
                    OK
                });
            }
            accepted.request();
        });
        let finished = run(&server.url, &load(request, ""));
        assert_eq!(reasons(&finished.run), Vec::<&str>::new(), "{request}");
        let (ok, retried) = (ok(&finished.run), retried(&finished.run));
        // Each third answer is the last of its connection, up to where the slice begins and ends.
        assert!(
            ok > 3 && retried.abs_diff(ok / 3) <= 1,
            "{request}: {retried} of {ok}"
        );
    }
}

#[test]
fn a_connection_that_is_closed_between_requests_costs_no_failure() {
    // It closes at once after its answers, and says so or does not.
    for head in [
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    ] {
        let server = serve(move |mut accepted| {
            if accepted.request().is_some() {
                accepted.send(head);
            }
        });
        let finished = run(&server.url, &load("GET /", ""));
        assert_eq!(reasons(&finished.run), Vec::<&str>::new(), "{head}");
        assert!(ok(&finished.run) > 1, "{head}");
        if head.contains("close") {
            assert_eq!(retried(&finished.run), 0);
        }
    }
}

#[test]
fn what_the_server_may_have_processed_is_sent_once() {
    for request in ["POST /", "PATCH /"] {
        let server = serve(closes_after(2));
        let finished = run(&server.url, &load(request, "body = \"more\""));
        assert_eq!(
            reasons(&finished.run),
            ["ask: connection closed before a response"]
        );
        assert_eq!(retried(&finished.run), 0, "{request}");
    }
    // With a single octet an answer has begun.
    let server = serve(|mut accepted| {
        if accepted.request().is_some() {
            accepted.send(OK);
        }
        if accepted.request().is_some() {
            accepted.send("H");
        }
    });
    let finished = run(&server.url, &load("GET /", ""));
    assert_eq!(
        reasons(&finished.run),
        ["ask: connection closed within the response headers"]
    );
    assert_eq!(retried(&finished.run), 0);
}

#[test]
fn a_request_is_sent_again_once_and_then_it_has_failed() {
    let server = serve(|mut accepted| {
        while let Some(head) = accepted.request() {
            if head.starts_with("GET /last") {
                return;
            }
            accepted.send(OK);
        }
    });
    let last = "[[step]]\nname = \"last\"\nrequest = \"GET /last\"\n[[load]]";
    let steps = load("GET /", "").replace("[[load]]", last);
    let finished = run(
        &server.url,
        &steps.replace("[\"ask\"]", "[\"ask\", \"last\"]"),
    );
    assert_eq!(
        reasons(&finished.run),
        ["last: connection closed before a response"]
    );
    let slices = finished.run.slices.iter();
    let failed: u64 = slices.map(|slice| slice.failed.values().sum::<u64>()).sum();
    let retried = retried(&finished.run);
    assert!(retried.abs_diff(failed) <= 1, "{retried} for {failed}");
}

#[test]
fn a_request_with_values_of_its_own_is_the_same_when_it_is_sent_again() {
    let server = serve(closes_after(2));
    let finished = run(&server.url, &load("GET /{random}", ""));
    assert_eq!(reasons(&finished.run), Vec::<&str>::new());
    let heads = server.heads();
    let distinct: BTreeSet<_> = heads.iter().collect();
    // Each third request that is read is the one that is read again.
    assert!(retried(&finished.run) > 0);
    assert!(
        distinct.len() < heads.len(),
        "{} of {}",
        distinct.len(),
        heads.len()
    );
    for head in distinct {
        let times = heads.iter().filter(|other| *other == head).count();
        assert!(times <= 2, "{head}: {times}");
    }
}

#[test]
fn methods_that_have_a_body_say_when_it_is_empty() {
    // (request, keys, what the head holds of it)
    let table = [
        ("POST /", "", Some("content-length: 0")),
        ("PUT /", "", Some("content-length: 0")),
        ("PATCH /", "", Some("content-length: 0")),
        ("POST /", "form = {}", Some("content-length: 0")),
        ("POST /", "body = \"ab\"", Some("content-length: 2")),
        (
            "POST /",
            "headers = { content-length = \"0\" }",
            Some("content-length: 0"),
        ),
        ("GET /", "", None),
        ("HEAD /", "", None),
        ("DELETE /", "", None),
    ];
    for (request, keys, said) in table {
        let server = serve(|mut accepted| {
            while let Some(head) = accepted.request() {
                let body = if head.starts_with("HEAD") { "" } else { "ok" };
                accepted.send(format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{body}"
                ));
            }
        });
        let finished = run(&server.url, &load(request, keys));
        assert_eq!(
            reasons(&finished.run),
            Vec::<&str>::new(),
            "{request} {keys}"
        );
        let head = server.heads()[0].to_ascii_lowercase();
        let lengths: Vec<_> = head
            .lines()
            .filter(|line| line.starts_with("content-length"))
            .collect();
        assert_eq!(
            lengths,
            said.into_iter().collect::<Vec<_>>(),
            "{request} {keys}"
        );
    }
}

/// Leads from `/` to where `location` says, and answers there.
fn leads(location: &'static [u8]) -> impl Fn(Accepted) {
    move |mut accepted| {
        while let Some(head) = accepted.request() {
            if head.starts_with("GET /start ") || head.starts_with("POST /start ") {
                let host = head
                    .split("host: ")
                    .nth(1)
                    .unwrap()
                    .split("\r\n")
                    .next()
                    .unwrap();
                let location = match str::from_utf8(location) {
                    Ok(text) => text.replace("HOST", host).into_bytes(),
                    Err(_) => location.to_vec(),
                };
                accepted.send(
                    [
                        b"HTTP/1.1 303 See Other\r\nContent-Length: 0\r\nLocation: ",
                        &location[..],
                        b"\r\n\r\n",
                    ]
                    .concat(),
                );
            } else {
                accepted.send(OK);
            }
        }
    }
}

#[test]
fn a_redirect_is_followed_wherever_on_the_server_it_leads() {
    let own = "headers = { host = \"api.example\" }\nfollow = 1";
    // (Location, keys of the step, the request that follows and its host)
    let table: [(&'static [u8], &str, &str, Option<&str>); 11] = [
        (
            "/größe?q=ä".as_bytes(),
            "follow = 1",
            "GET /gr%C3%B6%C3%9Fe?q=%C3%A4 ",
            None,
        ),
        (b"/gr\xf6\xdfe", "follow = 1", "GET /gr%F6%DFe ", None),
        (b"/a b", "follow = 1", "GET /a%20b ", None),
        (b"http://HOST/next", "follow = 1", "GET /next ", None),
        (b"//HOST/next#part", "follow = 1", "GET /next ", None),
        (b"HTTP://HOST/next", "follow = 1", "GET /next ", None),
        (
            b"http://api.example/next",
            own,
            "GET /next ",
            Some("api.example"),
        ),
        (
            b"http://API.Example:80/next",
            own,
            "GET /next ",
            Some("api.example"),
        ),
        (b"next", own, "GET /next ", Some("api.example")),
        (b"?x=1", own, "GET /start?x=1 ", Some("api.example")),
        (
            b"http://elsewhere.example/next",
            "follow = 1\nexpect = [303]",
            "GET /start ",
            None,
        ),
    ];
    for (location, keys, next, host) in table {
        let shown = String::from_utf8_lossy(location);
        let server = serve(leads(location));
        let finished = run(&server.url, &load("GET /start", keys));
        assert_eq!(reasons(&finished.run), Vec::<&str>::new(), "{shown}");
        let heads = server.heads();
        let last = &heads[1];
        assert!(last.starts_with(next), "{shown}: {last}");
        if let Some(host) = host {
            assert!(
                last.contains(&format!("host: {host}\r\n")),
                "{shown}: {last}"
            );
        }
    }
    // A POST that becomes a GET says nothing of a body.
    let server = serve(leads(b"/next"));
    run(&server.url, &load("POST /start", "follow = 1"));
    assert!(
        !server.heads()[1].contains("content-length"),
        "{}",
        server.heads()[1]
    );
}

#[test]
fn a_redirect_from_a_host_of_its_own_to_the_server_itself_names_the_server() {
    let server = serve(|mut accepted| {
        while let Some(head) = accepted.request() {
            if head.starts_with("GET /start ") {
                let address = accepted.address();
                accepted.send(format!("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://{address}/next\r\n\r\n"));
            } else {
                accepted.send(OK);
            }
        }
    });
    let keys = "headers = { host = \"api.example\" }\nfollow = 1";
    let finished = run(&server.url, &load("GET /start", keys));
    assert_eq!(reasons(&finished.run), Vec::<&str>::new());
    let address = server.url.trim_start_matches("http://");
    let head = &server.heads()[1];
    assert!(
        head.starts_with("GET /next ") && head.contains(&format!("host: {address}\r\n")),
        "{head}"
    );
}

fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_step_reads_the_text_of_an_encoded_body() {
    // (its Content-Encoding, its body, the reason of the failure)
    let json = r#"{"token":"t1","note":"welcome"}"#;
    let table = [
        ("gzip", gzip(json), None),
        ("identity", json.as_bytes().to_vec(), None),
        (
            "br",
            b"whatever".to_vec(),
            Some("ask: the body is encoded as br; only gzip and deflate are decoded"),
        ),
        (
            "gzip",
            json.as_bytes().to_vec(),
            Some("ask: the body is not valid gzip"),
        ),
    ];
    for (coding, body, reason) in table {
        for keys in [
            "contains = \"welcome\"",
            "save = { token = \"json:/token\" }",
            "save = { token = \"json:/token\" }\nfollow = 1",
        ] {
            let sent = body.clone();
            let server = serve(move |mut accepted| {
                while accepted.request().is_some() {
                    accepted.send([format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", sent.len()).as_bytes(), &sent].concat());
                }
            });
            let finished = run(&server.url, &load("GET /", keys));
            assert_eq!(
                reasons(&finished.run),
                reason.into_iter().collect::<Vec<_>>(),
                "{coding} {keys}"
            );
        }
    }
}
