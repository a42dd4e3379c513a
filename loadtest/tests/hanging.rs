//! Servers that stop answering, and steps that are never reached: what each costs in time is bounded, and said.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;
#[path = "scripted/server.rs"]
mod scripted;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use authlab_loadtest::conductor::{Finished, RunError};
use authlab_reports::run::{Status, Verdict};
use place::{count, run};
use scripted::{Script, serve};

/// Only catches a hang: a loaded machine is slow.
const GENEROUS: Duration = Duration::from_secs(25);

/// One user under two slices of 100 ms; the timeout that nothing says is 10 s.
fn load(more: &str) -> String {
    format!(
        "[[step]]\nname = \"get\"\nrequest = \"GET /\"\n[[load]]\nname = \"one\"\nusers = 1\njourney = [\"get\"]\n{more}\n\
         profile.quick = {{ blocks = 40, slice = \"100ms\", warm_up = \"10ms\", min_samples = 20 }}\n"
    )
}

/// What a server does with a connection after so many whole answers on all of them.
#[derive(Clone, Copy)]
enum Hangs {
    BeforeTheHead,
    InTheBody,
}

/// Answers `answers` requests, and then hangs.
fn hanging(answers: usize, hangs: Hangs) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let left = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(answers));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, left) = (stream.unwrap(), std::sync::Arc::clone(&left));
            std::thread::spawn(move || answer(stream, &left, hangs));
        }
    });
    url
}

fn answer(mut stream: TcpStream, left: &std::sync::atomic::AtomicUsize, hangs: Hangs) {
    use std::sync::atomic::Ordering::Relaxed;
    let mut bytes = [0; 4096];
    while stream.read(&mut bytes).is_ok_and(|read| read > 0) {
        let answers = left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        let _ = match (answers, hangs) {
            (Ok(_), _) => stream.write_all(whole),
            (Err(_), Hangs::BeforeTheHead) => Ok(()),
            (Err(_), Hangs::InTheBody) => stream.write_all(&whole[..whole.len() - 1]),
        };
    }
}

fn silent(finished: &Finished) -> String {
    let Some(RunError::Silent(silent)) = &finished.error else {
        panic!("{:?}", finished.error);
    };
    assert_eq!(finished.run.silent.as_ref(), Some(silent));
    assert!(matches!(finished.run.status, Status::Partial(_)));
    finished.error.as_ref().unwrap().to_string()
}

#[test]
fn a_server_that_stops_answering_ends_the_run_after_two_slices_and_is_named() {
    for (answers, hangs) in [
        (0, Hangs::BeforeTheHead),
        (0, Hangs::InTheBody),
        (100, Hangs::BeforeTheHead),
        (100, Hangs::InTheBody),
    ] {
        let began = Instant::now();
        let finished = run(&hanging(answers, hangs), &load("timeout = \"500ms\""));
        assert!(began.elapsed() < GENEROUS, "{:?}", began.elapsed());
        assert_eq!(
            silent(&finished),
            "variant `v`, load `one`: no request was answered in 2 slices in a row; each was waited for for 500 ms"
        );
        // What failed is kept, with its reason.
        let failed = finished.run.slices.last().map(|slice| &slice.failed);
        assert!(
            answers == 0 && failed.is_none() || failed.unwrap()["get: no answer in time"] > 0,
            "{failed:?}"
        );
    }
}

/// It accepts no connection: its queue of them is full.
#[test]
fn a_server_that_accepts_no_connection_is_no_endless_wait() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        held.push(stream);
        assert!(held.len() < 10_000, "the queue is endless");
    }
    let began = Instant::now();
    let finished = run(&format!("http://{address}"), &load(""));
    assert!(began.elapsed() < GENEROUS, "{:?}", began.elapsed());
    let error = finished.error.unwrap();
    assert!(matches!(error, RunError::Server { .. }), "{error}");
    assert!(error.to_string().contains("variant `v`"), "{error}");
}

/// The timeout is that of a request, wherever in a slice it was sent.
#[test]
fn a_request_without_an_answer_fails_within_the_slice_and_its_user_goes_on() {
    let server = serve(Script {
        silent_after: Some(5),
        ..Script::default()
    });
    let rest = load("timeout = \"50ms\"")
        .replace("blocks = 40", "blocks = 1")
        .replace("slice = \"100ms\"", "slice = \"2s\"");
    let finished = run(&server.url, &rest);
    let slice = &finished.run.slices[0];
    // 40 fit into it; on a loaded machine there are fewer.
    let failed = slice.failed["get: no answer in time"];
    assert!((2..=45).contains(&failed), "{slice:?}");
}

#[test]
fn slow_answers_are_no_silence_and_a_late_one_is_no_failure() {
    let server = serve(Script {
        delay: Duration::from_millis(120),
        ..Script::default()
    });
    // Twenty samples do not come within the slice and the timeout: what is under way by then may take its time.
    let rest = load("timeout = \"700ms\"").replace("blocks = 40", "blocks = 1");
    let finished = run(&server.url, &rest);
    assert!(finished.error.is_none(), "{:?}", finished.error);
    for slice in &finished.run.slices {
        assert!(slice.ok > 0 && slice.failed.is_empty(), "{slice:?}");
    }
}

const JOURNEY: &str = r#"
[[step]]
name = "token"
request = "POST /token"
save = { token = "json:/access/token" }
[[step]]
name = "get"
request = "GET /protected"
headers = { authorization = "Bearer {token}" }
[[load]]
name = "one"
users = 2
journey = ["token", "get*3"]
profile.quick = { blocks = 1, slice = "100ms", warm_up = "10ms", min_samples = 5 }
"#;

#[test]
fn a_first_step_that_always_fails_lets_no_slice_wait_for_the_steps_after_it() {
    let server = serve(Script {
        fail_every: 1,
        ..Script::default()
    });
    let began = Instant::now();
    let finished = run(&server.url, JOURNEY);
    // Two slices of 100 ms and a warm-up: each waited for the whole timeout of 10 s.
    assert!(
        began.elapsed() < Duration::from_secs(9),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(finished.run.status, Status::Complete);
    assert_eq!(finished.run.slices.len(), 2);
    for slice in &finished.run.slices {
        assert!(slice.unreached["get"] >= 5, "{slice:?}");
        assert!(!slice.unreached.contains_key("token"), "{slice:?}");
    }
    assert_eq!(finished.run.validity.verdict, Verdict::Empty);
    let reasons = finished.run.validity.reasons.join("\n");
    assert!(
        reasons.contains("step `get` has too few samples")
            && reasons.contains("an earlier step of its journey failed"),
        "{reasons}"
    );
}

#[test]
fn a_first_step_that_fails_now_and_then_leaves_the_samples_of_the_others_complete() {
    let server = serve(Script {
        token: Some("secret-1"),
        fail_every: 9,
        ..Script::default()
    });
    let finished = run(&server.url, JOURNEY);
    assert_eq!(finished.run.status, Status::Complete);
    assert!(count(&finished.run, "get", "service") > 0);
    for slice in &finished.run.slices {
        assert!(slice.unreached.is_empty(), "{slice:?}");
    }
}

#[test]
fn a_capacity_search_of_a_server_that_hangs_ends_and_so_does_a_preparation() {
    let search = "capacity = { slo = \"p99 < 1s\", errors = \"< 1%\", from = 10, precision = \"20%\" }\ntimeout = \"300ms\"";
    let began = Instant::now();
    let finished = run(&hanging(3, Hangs::BeforeTheHead), &load(search));
    assert!(silent(&finished).contains("no request was answered"));
    let prepared = load("timeout = \"300ms\"\nprepare = [\"get\"]");
    let finished = run(&hanging(0, Hangs::InTheBody), &prepared);
    let error = finished.error.unwrap();
    assert!(matches!(error, RunError::Prepare { .. }), "{error}");
    assert!(began.elapsed() < GENEROUS, "{:?}", began.elapsed());
}
