//! Slices against a real server on a bound port: what is counted, what is kept apart, what ends.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;
#[path = "scripted/server.rs"]
mod scripted;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use authlab_loadtest::conductor::RunError;
use authlab_reports::run::{Status, Verdict};
use place::{count, run};
use scripted::{Script, serve};

/// A token, and a request that needs it.
const TOKEN_STEPS: &str = r#"
[[step]]
name = "token"
request = "POST /token"
json = { username = "john" }
save = { token = "json:/access/token" }
[[step]]
name = "get"
request = "GET /protected"
headers = { authorization = "Bearer {token}" }
"#;

const GET: &str = r#"
[[step]]
name = "get"
request = "GET /"
[[load]]
name = "one"
users = 3
journey = ["get"]
profile.quick = { blocks = 1, slice = "100ms", warm_up = "1ms" }
"#;

#[test]
fn every_answer_is_recorded_once_in_each_metric_and_nothing_else_is() {
    let server = serve(Script::default());
    let finished = run(&server.url, GET);
    assert_eq!(finished.run.status, Status::Complete);
    let ok: u64 = finished.run.slices.iter().map(|slice| slice.ok).sum();
    assert!(ok > 0);
    for metric in ["response", "service", "first-byte", "timer"] {
        assert_eq!(count(&finished.run, "get", metric), ok, "{metric}");
    }
    // Warm-up is served and not recorded.
    assert!(server.requests.load(Ordering::Relaxed) > ok);
}

#[test]
fn an_unexpected_answer_is_an_error_and_never_part_of_a_latency() {
    let server = serve(Script {
        fail_every: 10,
        ..Script::default()
    });
    let finished = run(&server.url, GET);
    let slices = &finished.run.slices;
    let ok: u64 = slices.iter().map(|slice| slice.ok).sum();
    let failed: u64 = slices
        .iter()
        .filter_map(|slice| slice.failed.get("get: status 503"))
        .sum();
    assert!(failed > 0);
    assert_eq!(count(&finished.run, "get", "service"), ok);
    assert_eq!(count(&finished.run, "get", "failed"), failed);
    assert_eq!(finished.run.validity.verdict, Verdict::ServerLimited);
    let reason = &finished.run.validity.reasons[0];
    assert!(reason.contains("get: status 503"), "{reason}");
}

#[test]
fn a_run_in_which_nothing_is_answered_as_expected_is_empty_not_valid() {
    let server = serve(Script {
        fail_every: 1,
        ..Script::default()
    });
    let finished = run(&server.url, GET);
    assert_eq!(finished.run.validity.verdict, Verdict::Empty);
}

#[test]
fn a_journey_whose_saving_step_failed_starts_again_and_fails_once() {
    let server = serve(Script {
        token: Some("secret-1"),
        fail_every: 4,
        ..Script::default()
    });
    let load = r#"
[[load]]
name = "one"
users = 1
journey = ["token", "get*2"]
profile.quick = { blocks = 1, slice = "200ms", warm_up = "1ms" }
"#;
    let finished = run(&server.url, &format!("{TOKEN_STEPS}{load}"));
    let journeys = count(&finished.run, "token", "service");
    // Every token is followed by two requests, answered or failed; but the last of a slice.
    let after = count(&finished.run, "get", "service") + count(&finished.run, "get", "failed");
    assert!(count(&finished.run, "token", "failed") > 0);
    assert!(
        after <= journeys * 2 && after + 4 >= journeys * 2,
        "{journeys} {after}"
    );
}

#[test]
fn a_slow_server_still_gives_the_samples_asked_for() {
    let server = serve(Script {
        delay: Duration::from_millis(60),
        ..Script::default()
    });
    let rest = GET
        .replace("users = 3", "users = 1")
        .replace("[\"get\"]", "[\"get*9\"]")
        .replace("slice = \"100ms\"", "slice = \"10ms\", min_samples = 3");
    let finished = run(&server.url, &rest);
    for slice in &finished.run.slices {
        assert_eq!(slice.ok, 3);
    }
    let service = finished
        .run
        .merged
        .iter()
        .find(|figure| figure.metric == "service")
        .unwrap();
    assert!(service.min >= 60_000_000, "{}", service.min);
}

#[test]
fn a_value_saved_from_json_is_sent_by_later_steps() {
    let server = serve(Script {
        token: Some("secret-1"),
        ..Script::default()
    });
    let load = r#"
[[load]]
name = "one"
users = 2
prepare = ["token"]
journey = ["get"]
profile.quick = { blocks = 1, slice = "50ms", warm_up = "1ms" }
"#;
    let finished = run(&server.url, &format!("{TOKEN_STEPS}{load}"));
    let slices = &finished.run.slices;
    assert!(
        slices
            .iter()
            .all(|slice| slice.failed.is_empty() && slice.ok > 0)
    );
    assert_eq!(
        count(&finished.run, "token", "service"),
        0,
        "preparing is not timed"
    );
}

#[test]
fn stage_costs_come_from_server_timing() {
    let server = serve(Script {
        server_timing: Some("cache;dur=0.000250, verify;dur=1.5"),
        ..Script::default()
    });
    let finished = run(&server.url, GET);
    let p50 = |metric: &str| {
        let figure = finished
            .run
            .merged
            .iter()
            .find(|figure| figure.metric == metric);
        figure.unwrap().p50()
    };
    assert_eq!(p50("stage-cache"), 250);
    // Three significant digits.
    assert!(
        p50("stage-verify").abs_diff(1_500_000) < 1_500,
        "{}",
        p50("stage-verify")
    );
}

#[test]
fn stages_have_any_name_and_quoted_descriptions_and_come_in_several_fields() {
    let server = serve(Script {
        server_timing: Some(
            "sql.read;desc=\"SELECT a, b; dur=9\";dur=0.001, a!*;Dur=0.002\nsql.read;desc=\"☃\";dur=0.003, none;dur=0, x",
        ),
        ..Script::default()
    });
    let finished = run(&server.url, GET);
    let figure = |metric: &str| {
        let mut merged = finished.run.merged.iter();
        merged.find(|figure| figure.metric == metric).unwrap()
    };
    // What an answer tells twice is one stage of its request.
    for (name, ns) in [
        ("stage-sql.read", 4_000),
        ("stage-a!*", 2_000),
        ("stage-none", 0),
    ] {
        assert!(
            figure(name).p50().abs_diff(ns) <= ns / 1_000,
            "{name}: {}",
            figure(name).p50()
        );
        assert_eq!(figure(name).count, figure("service").count, "{name}");
    }
    assert!(
        !finished
            .run
            .merged
            .iter()
            .any(|figure| figure.metric == "stage-x")
    );
}

#[test]
fn a_server_that_never_answers_ends_the_slice_and_counts_as_failed() {
    let server = serve(Script {
        silent_after: Some(40),
        ..Script::default()
    });
    let rest = GET.replace("journey", "timeout = \"200ms\"\njourney");
    let began = Instant::now();
    let finished = run(&server.url, &rest);
    assert!(began.elapsed() < Duration::from_secs(20));
    let failed: u64 = finished
        .run
        .slices
        .iter()
        .flat_map(|slice| slice.failed.values())
        .sum();
    assert!(failed >= 3, "{:?}", finished.run.slices);
}

#[test]
fn a_server_that_is_not_there_is_named_with_its_variant() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let finished = run(&format!("http://127.0.0.1:{port}"), GET);
    let error = finished.error.unwrap();
    assert!(matches!(error, RunError::Server { .. }));
    assert!(
        error
            .to_string()
            .starts_with(&format!("variant `v`: http://127.0.0.1:{port}/")),
        "{error}"
    );
    assert!(matches!(finished.run.status, Status::Partial(_)));
}
