//! What a server can do to an HTTP/2 connection, frame by frame: each failure has the name of its cause, and a
//! connection outlives its streams.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;
#[path = "scripted/raw.rs"]
#[allow(dead_code, reason = "frames are not read as HTTP/1.1")]
mod raw;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use authlab_reports::run::Run;
use place::run_scenario;
use raw::{Accepted, Raw, serve};

use authlab_loadtest::scenario::Scenario;

// Types and flags of frames, and error codes (RFC 9113, sections 6 and 7).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;
const ENHANCE_YOUR_CALM: u32 = 11;
/// `:status: 200` of the static table (RFC 7541, appendix A).
const STATUS_200: u8 = 0x88;

/// What is done with a request.
#[derive(Clone, Copy)]
enum Act {
    Answer,
    /// With so many headers of 10 kB.
    Headers(usize),
    Reset(u32),
    ResetInBody(u32),
    /// The connection ends without this request.
    Goodbye(u32),
    /// A frame that is not allowed.
    Nonsense,
    Close,
}

fn frame(accepted: &mut Accepted, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = (payload.len() as u32).to_be_bytes();
    let mut octets = vec![length[1], length[2], length[3], kind, flags];
    octets.extend(stream.to_be_bytes());
    octets.extend(payload);
    accepted.send(octets);
}

fn headers(accepted: &mut Accepted, stream: u32, count: usize) {
    let mut block = vec![STATUS_200];
    for number in 0..count {
        let name = format!("x-{number}");
        // A literal without indexing; the length of 10 000 in seven bits and more (RFC 7541, section 5.1).
        block.extend([0, name.len() as u8]);
        block.extend(name.as_bytes());
        block.extend([0x7f, 0x91, 0x4d]);
        block.extend(vec![b'v'; 10_000]);
    }
    let parts: Vec<&[u8]> = block.chunks(16_384).collect();
    for (place, part) in parts.iter().enumerate() {
        let kind = if place == 0 { HEADERS } else { CONTINUATION };
        let ends = if place + 1 == parts.len() {
            END_HEADERS
        } else {
            0
        };
        let flags = ends | if place == 0 { END_STREAM } else { 0 };
        frame(accepted, kind, flags, stream, part);
    }
}

/// Speaks HTTP/2; `act` says what becomes of the n-th request of all connections, from 0.
fn speak(mut accepted: Accepted, requests: &AtomicUsize, act: impl Fn(usize) -> Act) {
    const PREFACE: usize = 24;
    if accepted.octets(PREFACE).is_none() {
        return;
    }
    frame(&mut accepted, SETTINGS, 0, 0, &[]);
    let mut before: u32 = 0;
    while let Some(head) = accepted.octets(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let Some(payload) = accepted.octets(length as usize) else {
            return;
        };
        match head[3] {
            SETTINGS if head[4] & ACK == 0 => frame(&mut accepted, SETTINGS, ACK, 0, &[]),
            PING if head[4] & ACK == 0 => frame(&mut accepted, PING, ACK, 0, &payload),
            HEADERS => {
                match act(requests.fetch_add(1, Ordering::Relaxed)) {
                    Act::Answer => headers(&mut accepted, stream, 0),
                    Act::Headers(count) => headers(&mut accepted, stream, count),
                    Act::Reset(why) => {
                        frame(&mut accepted, RST_STREAM, 0, stream, &why.to_be_bytes());
                    }
                    Act::ResetInBody(why) => {
                        frame(&mut accepted, HEADERS, END_HEADERS, stream, &[STATUS_200]);
                        frame(&mut accepted, DATA, 0, stream, b"beginning");
                        frame(&mut accepted, RST_STREAM, 0, stream, &why.to_be_bytes());
                    }
                    Act::Goodbye(why) => {
                        let payload = [before.to_be_bytes(), why.to_be_bytes()].concat();
                        frame(&mut accepted, GOAWAY, 0, 0, &payload);
                        // Closes once the client has.
                        while accepted.octets(1).is_some() {}
                        return;
                    }
                    Act::Nonsense => frame(&mut accepted, DATA, 0, 0, b"data of no stream"),
                    Act::Close => return,
                }
                before = stream;
            }
            _ => {}
        }
    }
}

fn serve_frames(act: impl Fn(usize) -> Act + Send + Sync + 'static) -> Raw {
    let requests = AtomicUsize::new(0);
    let act = Arc::new(act);
    serve(move |accepted| speak(accepted, &requests, |number| act(number)))
}

fn run(url: &str, request: &str) -> Run {
    run_of(url, request, "users = 1")
}

fn run_of(url: &str, request: &str, users: &str) -> Run {
    let text = format!(
        r#"name = "t"
question = "?"
[[variant]]
name = "v"
url = "{url}"
http = "2"
[[step]]
name = "ask"
request = "{request}"
[[load]]
name = "one"
{users}
journey = ["ask"]
profile.quick = {{ blocks = 1, slice = "60ms", warm_up = "1ms" }}
"#
    );
    run_scenario(&Scenario::parse("t.toml", &text, "quick").unwrap()).run
}

/// Reasons of failures, whether any request was answered, and how many were sent again.
fn outcome(run: &Run) -> (Vec<&str>, bool, u64) {
    let slices = || run.slices.iter();
    let reasons = slices().flat_map(|slice| slice.failed.keys().map(String::as_str));
    let distinct: BTreeSet<_> = reasons.collect();
    (
        distinct.into_iter().collect(),
        slices().any(|slice| slice.ok > 0),
        slices().map(|slice| slice.retried).sum(),
    )
}

#[test]
fn each_end_of_a_stream_or_connection_is_named() {
    let every_second =
        |act: Act| move |number: usize| if number % 2 == 1 { act } else { Act::Answer };
    // (what is done with each second request, the reason, whether the connection lives on)
    let table = [
        (
            Act::Reset(INTERNAL_ERROR),
            "HTTP/2 stream reset by the server: INTERNAL_ERROR",
            true,
        ),
        (
            Act::ResetInBody(CANCEL),
            "HTTP/2 stream reset by the server: CANCEL",
            true,
        ),
        (
            Act::Goodbye(ENHANCE_YOUR_CALM),
            "HTTP/2 connection closed by the server: ENHANCE_YOUR_CALM",
            false,
        ),
        (
            Act::Nonsense,
            "the server violated HTTP/2: PROTOCOL_ERROR",
            false,
        ),
        (Act::Close, "connection closed before a response", false),
    ];
    for (act, reason, lives) in table {
        let server = serve_frames(every_second(act));
        let run = run(&server.url, "POST /");
        let expected = format!("ask: {reason}");
        assert_eq!(outcome(&run), (vec![expected.as_str()], true, 0));
        // One to see whether it is reached, one of the user's.
        assert_eq!(
            server.connections() <= 2,
            lives,
            "{reason}: {}",
            server.connections()
        );
    }
}

#[test]
fn a_request_that_the_server_did_not_process_is_sent_again_whatever_its_method() {
    let unread = [Act::Reset(REFUSED_STREAM), Act::Goodbye(NO_ERROR)];
    for (act, request) in unread
        .into_iter()
        .flat_map(|act| [(act, "GET /"), (act, "POST /")])
    {
        let server = serve_frames(move |number| if number % 3 == 2 { act } else { Act::Answer });
        let run = run(&server.url, request);
        let (reasons, answered, retried) = outcome(&run);
        assert_eq!(reasons, Vec::<&str>::new(), "{request}");
        assert!(answered && retried > 0, "{request}");
    }
    // Idempotent: it may have been processed, and was not answered.
    let server = serve_frames(|number| {
        if number % 3 == 2 {
            Act::Close
        } else {
            Act::Answer
        }
    });
    let run_of_get = run(&server.url, "GET /");
    let (reasons, _, retried) = outcome(&run_of_get);
    assert_eq!(reasons, Vec::<&str>::new());
    assert!(retried > 0);
    // Once, and then it has failed.
    let server = serve_frames(|_| Act::Reset(REFUSED_STREAM));
    let run = run(&server.url, "GET /");
    let expected = "ask: HTTP/2 stream reset by the server: REFUSED_STREAM";
    let (reasons, answered, _) = outcome(&run);
    assert_eq!((reasons, answered), (vec![expected], false));
}

#[test]
fn headers_that_a_browser_reads_are_read_and_longer_ones_are_named() {
    let server = serve_frames(|_| Act::Headers(25));
    let run_of_few = run(&server.url, "GET /");
    assert_eq!(outcome(&run_of_few), (vec![], true, 0));
    let server = serve_frames(|_| Act::Headers(60));
    let run = run(&server.url, "GET /");
    let (reasons, answered, _) = outcome(&run);
    assert!(!answered && reasons.len() == 1, "{reasons:?}");
    assert!(reasons[0].contains("headers over 408 KiB"), "{reasons:?}");
}

#[test]
fn users_share_a_connection_where_the_load_says_so_and_make_a_new_one_together() {
    for (users, connections) in [
        ("users = 12", 12),
        ("users = 12\nstreams = 4", 3),
        ("users = 12\nstreams = 12", 1),
    ] {
        let server = serve_frames(|_| Act::Answer);
        let run = run_of(&server.url, "GET /", users);
        assert_eq!(outcome(&run), (vec![], true, 0), "{users}");
        // One to see whether it is reached.
        assert_eq!(server.connections(), 1 + connections, "{users}");
        // What passed is counted once, whoever of them opened it.
        let slices = run
            .slices
            .iter()
            .map(|slice| (slice.ok, slice.bytes.unwrap()));
        for (ok, bytes) in slices.filter(|(ok, _)| *ok > 0) {
            // A frame of headers with the status alone has ten octets; those of twelve users may be on their way at
            // each end of a slice.
            let range = ok.saturating_sub(24) * 10..=(ok + 24) * 40;
            assert!(range.contains(&bytes.received), "{users}: {ok}, {bytes:?}");
        }
    }
    // The server ends the connection of both once: they go on, on one that both share.
    let server = serve_frames(|number| match number {
        20 => Act::Goodbye(NO_ERROR),
        _ => Act::Answer,
    });
    let run = run_of(&server.url, "GET /", "users = 2\nstreams = 2");
    let (reasons, answered, retried) = outcome(&run);
    assert_eq!((reasons, answered), (vec![], true));
    assert!((1..=2).contains(&retried), "{retried}");
    assert_eq!(server.connections(), 3);
}
