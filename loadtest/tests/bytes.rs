//! What passed on the users' connections, against a server whose octets are counted.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;
#[path = "scripted/raw.rs"]
#[allow(dead_code, reason = "connections are not counted")]
mod raw;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use authlab_reports::run::Bytes;
use place::run;
use raw::serve;

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world";
const REFUSAL: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
const BODY: &str = "what is sent";

const POST: &str = r#"
[[step]]
name = "post"
request = "POST /items"
body = "what is sent"
[[load]]
name = "one"
users = 3
journey = ["post"]
profile.quick = { blocks = 2, slice = "100ms", min_samples = 20, warm_up = "1ms" }
"#;

#[test]
fn each_octet_of_a_slice_is_counted_and_none_of_the_warm_up() {
    let server = serve(|mut accepted| {
        while accepted.request().is_some() {
            accepted.send(ANSWER);
        }
    });
    let finished = run(&server.url, POST);
    let heads = server.heads();
    let request = heads[0].len() + BODY.len();
    assert!(heads.iter().all(|head| head.len() == heads[0].len()));
    assert!(finished.run.slices.len() >= 2);
    for slice in &finished.run.slices {
        assert!(slice.ok > 0 && slice.failed.is_empty(), "{slice:?}");
        let expected = Bytes {
            received: slice.ok * ANSWER.len() as u64,
            sent: slice.ok * request as u64,
        };
        assert_eq!(slice.bytes, Some(expected));
    }
}

/// Each third answer is refused, and after each seventh the connection is closed.
#[test]
fn octets_of_failures_and_of_each_connection_are_counted() {
    let answered = Arc::new(AtomicU64::new(0));
    let server = serve(move |mut accepted| {
        while accepted.request().is_some() {
            let number = answered.fetch_add(1, Ordering::Relaxed);
            accepted.send(if number.is_multiple_of(3) {
                REFUSAL
            } else {
                ANSWER
            });
            if number.is_multiple_of(7) {
                return;
            }
        }
    });
    let finished = run(&server.url, POST);
    let request = server.heads()[0].len() + BODY.len();
    for slice in &finished.run.slices {
        let bytes = slice.bytes.unwrap();
        let refused = slice.failed["post: status 503"];
        let whole = slice.ok * ANSWER.len() as u64 + refused * REFUSAL.len() as u64;
        assert_eq!(bytes.received, whole, "{slice:?}");
        // What was written on a connection that the server was about to close may have been sent twice.
        let least = (slice.ok + refused) * request as u64;
        let most = least + (slice.retried + slice.failures() - refused) * request as u64;
        assert!(
            (least..=most).contains(&bytes.sent),
            "{least} {most} {slice:?}"
        );
    }
}
