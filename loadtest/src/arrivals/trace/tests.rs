//! A whole log, from its file to the planned instants.

use std::io::Write;

use http::Method;
use proptest::prelude::*;

use super::*;

fn reading(format: Format) -> Reading {
    Reading {
        format,
        subject: SubjectField::User,
        methods: vec![Method::GET, Method::HEAD],
        from: None,
        speed: 1.0,
    }
}

fn read(text: &[u8], reading: &Reading) -> Result<Trace, TraceError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text).unwrap();
    Trace::read(file.path(), "access.log", reading)
}

/// A combined line at so many seconds after 13:00:00.
fn combined(second: u64, request: &str, user: &str) -> String {
    format!(
        "1.2.3.4 - {user} [10/Oct/2025:13:{:02}:{:02} +0000] \"{request}\" 200 1 \"-\" \"-\"\n",
        second / 60,
        second % 60
    )
}

fn offsets_ns(trace: &Trace) -> Vec<u64> {
    (0..trace.len())
        .map(|k| trace.offset(k).unwrap().as_nanos() as u64)
        .collect()
}

#[test]
fn lines_of_whole_seconds_are_spread_evenly_within_theirs() {
    let get = |second| combined(second, "GET / HTTP/1.1", "-");
    // Four in one second, none in the next, two in the one after; written out of order.
    let log = [get(2), get(0), get(0), get(2), get(0), get(0)].concat();
    let trace = read(log.as_bytes(), &reading(Format::Combined)).unwrap();
    let first = 125;
    let expected = [125, 375, 625, 875, 2_250, 2_750].map(|ms| (ms - first) * 1_000_000);
    assert_eq!(offsets_ns(&trace), expected);
    assert_eq!(trace.length(), Duration::from_millis(2_626));
}

#[test]
fn subjects_are_numbered_by_first_appearance_and_requests_keep_their_text() {
    let log = [
        combined(5, "GET /b?x=1 HTTP/1.1", "mary"),
        combined(1, "HEAD /a HTTP/1.1", "john"),
        combined(9, "GET /b?x=1 HTTP/1.1", "-"),
        combined(9, "GET /c HTTP/1.1", "mary"),
    ]
    .concat();
    let trace = Arc::new(read(log.as_bytes(), &reading(Format::Combined)).unwrap());
    let lines: Vec<_> = (0..trace.len())
        .map(|k| Replayed::new(Arc::clone(&trace), k))
        .map(|at| {
            let text = |text: &str| text.to_owned();
            (
                text(at.method()),
                text(at.path()),
                text(at.subject()),
                at.account(),
            )
        })
        .collect();
    let of = |method: &str, path: &str, subject: &str, account| {
        (
            method.to_owned(),
            path.to_owned(),
            subject.to_owned(),
            account,
        )
    };
    assert_eq!(
        lines,
        [
            of("HEAD", "/a", "john", 1),
            of("GET", "/b?x=1", "mary", 0),
            of("GET", "/b?x=1", "1.2.3.4", 2),
            of("GET", "/c", "mary", 0),
        ]
    );
    assert_eq!(trace.subjects(), 3);
}

#[test]
fn what_is_not_replayed_is_counted_and_told_on_one_line() {
    let mut log = String::new();
    for second in 0..200 {
        log += &combined(second, "GET / HTTP/1.1", "-");
    }
    log += "\n\r\n";
    log += "noise\n";
    log += &combined(7, "POST / HTTP/1.1", "-");
    log += &combined(8, r"\x16\x03\x01", "-");
    log += &combined(8, "GET http://other/ HTTP/1.1", "-");
    let read = read(
        log.as_bytes(),
        &Reading {
            from: Some("2025-10-10T13:00:10Z".parse().unwrap()),
            ..reading(Format::Combined)
        },
    );
    let trace = read.unwrap();
    assert_eq!(trace.len(), 190);
    assert_eq!(
        trace.note().unwrap(),
        "trace `access.log`: 1 of 204 lines are not combined log lines, e.g. line 203; \
         2 of 204 lines hold no request that can be sent; 1 of 204 lines are of other `methods`; \
         10 of 204 lines are before `from`"
    );
}

#[test]
fn a_log_of_another_kind_an_empty_one_and_a_missing_one_are_refused_on_one_line() {
    let said = |text: &[u8], format| read(text, &reading(format)).unwrap_err().to_string();
    let mut half = combined(0, "GET / HTTP/1.1", "-");
    half += "noise\n";
    assert_eq!(
        said(half.as_bytes(), Format::Combined),
        "trace `access.log`: 1 of 2 lines are not combined log lines, e.g. line 2; at most 1 % may be others"
    );
    assert_eq!(
        said(half.as_bytes(), Format::Json),
        "trace `access.log`: 2 of 2 lines are not JSON log lines, e.g. line 1; at most 1 % may be others"
    );
    assert_eq!(
        said(b"\xff\xfe\x00\n", Format::Combined),
        "trace `access.log`: 1 of 1 lines are not combined log lines, e.g. line 1; at most 1 % may be others"
    );
    assert_eq!(
        said(b"", Format::Json),
        "trace `access.log` has no request to replay"
    );
    let posts = combined(0, "POST / HTTP/1.1", "-");
    assert_eq!(
        said(posts.as_bytes(), Format::Combined),
        "trace `access.log` has no request to replay: 1 of 1 lines are of other `methods`"
    );
    let missing = Trace::read(
        std::path::Path::new("/nonexistent/access.log"),
        "access.log",
        &reading(Format::Combined),
    );
    let missing = missing.unwrap_err().to_string();
    assert!(
        missing.starts_with("trace `access.log`: No such file"),
        "{missing}"
    );
}

#[test]
fn a_byte_order_mark_and_line_ends_of_windows_are_no_part_of_a_log() {
    let log = combined(0, "GET / HTTP/1.1", "-").replace('\n', "\r\n");
    let json = "{\"time\":1,\"method\":\"GET\",\"path\":\"/\",\"subject\":\"1.2.3.4\"}\r\n";
    for (format, text) in [(Format::Combined, log.as_str()), (Format::Json, json)] {
        let text = format!("\u{feff}{text}{text}");
        let trace = read(text.as_bytes(), &reading(format)).unwrap();
        assert_eq!(trace.subject_texts().collect::<Vec<_>>(), ["1.2.3.4"]);
        assert_eq!((trace.len(), trace.counts.unreadable), (2, 0));
    }
}

#[test]
fn a_line_longer_than_any_log_has_costs_no_memory_and_only_itself() {
    let mut log = String::new();
    for second in 0..120 {
        log += &combined(second, "GET / HTTP/1.1", "-");
    }
    log += &"x".repeat(1 << 20);
    log.push('\n');
    log += &combined(130, "GET /last HTTP/1.1", "-");
    let trace = read(log.as_bytes(), &reading(Format::Combined)).unwrap();
    assert_eq!((trace.len(), trace.counts.unreadable), (121, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn planned_instants_are_those_of_the_log_sorted_and_scaled(
        micros in proptest::collection::vec(0_u64..5_000_000, 1..200),
        speed in prop_oneof![Just(1.0), Just(2.0), Just(0.5), 0.1..10.0_f64],
    ) {
        let mut log = String::new();
        for at in &micros {
            let (seconds, micros) = (1_700_000_000 + at / 1_000_000, at % 1_000_000);
            let line = format!("{{\"time\":{seconds}.{micros:06},\"method\":\"GET\",\"path\":\"/\"}}\n");
            log.push_str(&line);
        }
        let whole = micros.iter().all(|at| at % 1_000_000 == 0);
        prop_assume!(!whole);
        let trace = read(log.as_bytes(), &Reading { speed, ..reading(Format::Json) }).unwrap();
        let mut sorted = micros.clone();
        sorted.sort_unstable();
        let expected: Vec<u64> = sorted
            .iter()
            .map(|at| ((at - sorted[0]) * 1_000) as f64 / speed)
            .map(|ns| ns.round() as u64)
            .collect();
        prop_assert_eq!(offsets_ns(&trace), expected);
    }
}
