//! Open arrivals against a real server: what was planned is what is counted, and a stall is seen by
//! every request that it kept waiting.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;
#[path = "scripted/server.rs"]
mod scripted;

use std::time::Duration;

use authlab_reports::run::Verdict;
use place::{count, percentile, run};
use scripted::{Script, serve};

/// One slice pair of open load; `{load}` says how.
fn scenario(load: &str) -> String {
    format!(
        r#"
[[step]]
name = "get"
request = "GET /"
[[load]]
name = "open"
journey = ["get"]
{load}
"#
    )
}

#[test]
fn every_planned_arrival_is_sent_and_counted_once() {
    let server = serve(Script::default());
    let load = "users = 8\nrate = 500\nprofile.quick = { blocks = 1, slice = \"400ms\", warm_up = \"1ms\" }";
    let finished = run(&server.url, &scenario(load));
    for slice in &finished.run.slices {
        assert_eq!((slice.ok, slice.failed.len()), (200, 0));
    }
    for metric in ["response", "service", "first-byte", "timer"] {
        assert_eq!(count(&finished.run, "get", metric), 400, "{metric}");
    }
}

#[test]
fn a_stall_is_in_the_response_of_every_request_that_it_kept_waiting() {
    // 300 ms of each second. Of arrivals evenly spread, 30 % wait, evenly up to 300 ms: p90 is
    // 200 ms. Four users hold four requests through a stall: of service times it hides the rest.
    let server = serve(Script {
        stall: Some((Duration::from_millis(300), Duration::from_secs(1))),
        ..Script::default()
    });
    let load =
        "users = 4\nrate = 400\nprofile.quick = { blocks = 1, slice = \"1s\", warm_up = \"1ms\" }";
    let finished = run(&server.url, &scenario(load));
    let p90 = |metric| percentile(&finished.run, "get", metric, 90.0) / 1_000_000;
    // A loaded machine only adds to it.
    assert!(p90("response") >= 190, "{} ms", p90("response"));
    assert!(
        p90("service") < p90("response") / 2,
        "{} ms",
        p90("service")
    );
    // Queued is the server's doing, and told apart from the generator's lateness.
    assert!(count(&finished.run, "get", "queued") > 0);
    assert!(p90("timer") < p90("queued") / 2, "{} ms", p90("timer"));
}

#[test]
fn arrivals_that_no_user_was_free_for_are_counted_and_limit_the_server() {
    let server = serve(Script {
        silent_after: Some(30),
        ..Script::default()
    });
    let load = "users = 2\nrate = 200\ntimeout = \"100ms\"\nprofile.quick = { blocks = 1, slice = \"300ms\", warm_up = \"1ms\" }";
    let finished = run(&server.url, &scenario(load));
    for slice in &finished.run.slices {
        let failed: u64 = slice.failed.values().sum();
        assert_eq!(slice.ok + failed, 60, "{slice:?}");
    }
    let dropped = |slice: &authlab_reports::run::Slice| {
        slice.failed.contains_key("never sent: every user was busy")
    };
    assert!(finished.run.slices.iter().any(dropped));
    assert!(matches!(
        finished.run.validity.verdict,
        Verdict::ServerLimited | Verdict::Empty
    ));
}
