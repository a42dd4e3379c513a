//! Any target: HTTP/1.1 and HTTP/2, over TLS and in the clear, against a server that really speaks
//! them, and refusals that say what to do.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;
#[path = "scripted/secured.rs"]
mod secured;

use std::sync::atomic::Ordering;

use authlab_loadtest::conductor::Finished;
use authlab_loadtest::scenario::Scenario;
use http::Version;
use place::{count, run_scenario};
use secured::{Script, Secured, serve};

const CLOSED: &str = "users = 3\njourney = [\"post\"]";
const OPEN: &str = "users = 4\nrate = 500\njourney = [\"post\"]";
/// At least 90 requests a slice, however slow the machine.
const MANY: &str = "users = 3\njourney = [\"post*90\"]";

/// A run against `url`, believing the authorities in `ca`; `http` is the version asked for.
fn run(url: &str, ca: &str, http: &str, load: &str) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), ca).unwrap();
    let key = if url.starts_with("https") {
        "ca = \"ca.pem\""
    } else {
        ""
    };
    let text = format!(
        r#"name = "t"
question = "?"
[[variant]]
name = "v"
url = "{url}"
http = "{http}"
{key}
[[step]]
name = "post"
request = "POST /items?of=user"
body = "what is sent"
[[load]]
name = "load"
{load}
profile.quick = {{ blocks = 1, slice = "200ms", min_samples = 90, warm_up = "1ms" }}
"#
    );
    let path = folder.path().join("t.toml").display().to_string();
    run_scenario(&Scenario::parse(&path, &text, "quick").unwrap())
}

fn run_at(server: &Secured, http: &str, load: &str) -> Finished {
    run(&server.url, &server.ca, http, load)
}

#[test]
fn closed_and_open_loads_are_answered_over_every_protocol() {
    let mut of_an_answer = None;
    for (tls, http2) in [(false, false), (false, true), (true, false), (true, true)] {
        for (load, users) in [(CLOSED, 3), (OPEN, 4)] {
            let case = format!("tls {tls}, http2 {http2}, {load:?}");
            let server = serve(Script::new(tls, http2));
            let finished = run_at(&server, if http2 { "2" } else { "1.1" }, load);
            assert!(finished.error.is_none(), "{case}: {:?}", finished.error);
            let run = &finished.run;
            assert_eq!(run.variants[0].target, server.url, "{case}");
            for slice in &run.slices {
                assert!(slice.ok > 0 && slice.failed.is_empty(), "{case}: {slice:?}");
                let bytes = slice.bytes.unwrap();
                assert!(bytes.received > 0 && bytes.sent > 0, "{case}: {bytes:?}");
                if !http2 {
                    // All answers are as long, and TLS is not counted.
                    assert_eq!(bytes.received % slice.ok, 0, "{case}: {bytes:?}");
                    let each = bytes.received / slice.ok;
                    assert_eq!(*of_an_answer.get_or_insert(each), each, "{case}");
                }
            }
            if load == OPEN {
                assert_eq!(count(run, "post", "response"), 200, "{case}");
            }
            let seen = &server.seen;
            let connections = seen.connections.load(Ordering::Relaxed);
            assert!(
                connections <= users,
                "{case}: one connection a user, {connections}"
            );
            assert!(
                seen.requests.load(Ordering::Relaxed) > connections,
                "{case}"
            );
            let version = if http2 {
                Version::HTTP_2
            } else {
                Version::HTTP_11
            };
            assert_eq!(*seen.versions.lock().unwrap(), [version], "{case}");
            assert_eq!(*seen.bodies.lock().unwrap(), ["what is sent"], "{case}");
            let authority = server.url.split("//").nth(1).map(str::to_owned);
            let named = if http2 {
                (None, authority)
            } else {
                (authority, None)
            };
            assert_eq!(*seen.hosts.lock().unwrap(), [named], "{case}");
        }
    }
}

/// The one line that a run ends with before its first slice.
fn refusal(finished: &Finished) -> String {
    let said = finished.error.as_ref().unwrap().to_string();
    assert!(!said.contains('\n'), "{said}");
    assert!(finished.run.slices.is_empty(), "{said}");
    said
}

#[test]
fn a_certificate_of_another_authority_is_refused_with_a_line_that_names_ca() {
    for http2 in [false, true] {
        let server = serve(Script::new(true, http2));
        let stranger = serve(Script::new(true, http2));
        let http = if http2 { "2" } else { "1.1" };
        let said = refusal(&run(&server.url, &stranger.ca, http, CLOSED));
        assert!(said.contains(&server.url), "{said}");
        assert!(
            said.contains("TLS handshake failed: certificate not trusted"),
            "{said}"
        );
        assert!(said.contains("as `ca`"), "{said}");
        assert_eq!(server.seen.requests.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn a_certificate_of_another_host_is_refused_with_a_line_that_says_so() {
    let server = serve(Script {
        name: "elsewhere.example",
        ..Script::new(true, false)
    });
    let said = refusal(&run_at(&server, "1.1", CLOSED));
    assert!(said.contains("certificate is for another host"), "{said}");
    assert!(said.contains("elsewhere.example"), "{said}");
}

#[test]
fn a_server_that_does_not_speak_the_version_asked_for_is_refused_with_a_line_that_says_so() {
    // (its script, the version asked for, what is said)
    let table = [
        (
            Script::new(true, false),
            "2",
            "server does not speak HTTP/2",
        ),
        (
            Script::new(false, false),
            "2",
            "server does not speak HTTP/2",
        ),
        (
            Script {
                alpn: Vec::new(),
                ..Script::new(true, false)
            },
            "2",
            "server does not speak HTTP/2",
        ),
        (
            Script::new(true, true),
            "1.1",
            "server does not speak HTTP/1.1",
        ),
    ];
    for (script, http, words) in table {
        let server = serve(script);
        let said = refusal(&run_at(&server, http, CLOSED));
        assert!(said.contains(words), "{said}");
        assert_eq!(server.seen.requests.load(Ordering::Relaxed), 0, "{said}");
    }
}

#[test]
fn a_server_that_knows_nothing_of_alpn_is_spoken_to_in_http_1_1() {
    let server = serve(Script {
        alpn: Vec::new(),
        ..Script::new(true, false)
    });
    let finished = run_at(&server, "1.1", CLOSED);
    assert!(finished.run.slices.iter().all(|slice| slice.ok > 0));
}

#[test]
fn a_server_in_the_clear_that_is_asked_for_tls_is_refused_with_a_line_that_says_so() {
    let server = serve(Script::new(false, false));
    let said = refusal(&run(
        &server.url.replace("http:", "https:"),
        &server.ca,
        "1.1",
        CLOSED,
    ));
    assert!(said.contains("TLS handshake failed"), "{said}");
}

#[test]
fn a_handshake_that_fails_in_the_middle_of_a_run_is_counted_under_its_own_reason() {
    let server = serve(Script {
        // More than probe, preparing and warm-up take, fewer than a slice.
        betrays_after: Some(40),
        ..Script::new(true, false)
    });
    let finished = run_at(&server, "1.1", MANY);
    let failed = &finished.run.slices[0].failed;
    let reasons: Vec<_> = failed.keys().collect();
    assert_eq!(
        reasons,
        ["post: TLS handshake failed: certificate not trusted"]
    );
}
