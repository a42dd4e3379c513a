//! Open arrivals against a real server: what was planned is what is counted, and a stall is seen by
//! every request that it kept waiting.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;
#[path = "scripted/server.rs"]
mod scripted;

use std::time::Duration;

use authlab_loadtest::scenario::Scenario;
use authlab_reports::run::Verdict;
use place::{count, percentile, run, run_scenario};
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

#[test]
fn no_arrival_finds_a_user_busy_at_a_server_that_is_idle() {
    let server = serve(Script::default());
    let profile = "profile.quick = { blocks = 1, slice = \"400ms\", warm_up = \"1ms\" }";
    for rate in [
        "rate = 10",
        "rate = 10\nspacing = \"poisson\"",
        "rate = [{ for = \"200ms\", from = 5, to = 20 }, { for = \"200ms\", at = 10 }]",
    ] {
        let load = format!("users = 20\n{rate}\n{profile}");
        let finished = run(&server.url, &scenario(&load));
        assert_eq!(count(&finished.run, "get", "queued"), 0, "{rate}");
        let reasons = finished.run.validity.reasons.join("; ");
        assert!(!reasons.contains("busy"), "{rate}: {reasons}");
    }
}

#[test]
fn uniform_arrivals_are_exact_over_the_slices_of_a_load_and_the_same_at_each_variant() {
    let server = serve(Script::default());
    // Three arrivals in four slices, and the last slice has none.
    let load = "users = 2\nrate = 7.5\nprofile.quick = { blocks = 4, slice = \"100ms\", warm_up = \"1ms\" }";
    let url = &server.url;
    let text = format!(
        "name = \"t\"\nquestion = \"?\"\n\
         [[variant]]\nname = \"a\"\nurl = \"{url}\"\n[[variant]]\nname = \"b\"\nurl = \"{url}\"\n{}",
        scenario(load)
    );
    let parsed = Scenario::parse("t.toml", &text, "quick").unwrap();
    let finished = run_scenario(&parsed);
    assert!(finished.error.is_none(), "{:?}", finished.error);
    let planned = |variant| -> Vec<u64> {
        let slices = finished.run.slices_of("open", variant);
        slices.map(|slice| slice.planned.unwrap()).collect()
    };
    assert_eq!(planned("a"), [1, 1, 1, 0, 1, 1, 1, 0]);
    assert_eq!(planned("b"), planned("a"));
    let offered = authlab_reports::ladder::Table::of(&finished.run).offered;
    for offered in offered {
        assert!((offered.planned_per_s - 7.5).abs() < 1e-9, "{offered:?}");
    }
}

#[test]
fn an_overloaded_server_answers_no_more_than_it_can() {
    let server = serve(Script {
        delay: Duration::from_millis(5),
        serial: true,
        ..Script::default()
    });
    let load = "users = 8\nrate = 400\nprofile.quick = { blocks = 1, slice = \"500ms\", warm_up = \"1ms\" }";
    let finished = run(&server.url, &scenario(load));
    let table = authlab_reports::ladder::Table::of(&finished.run);
    let offered = &table.offered[0];
    assert!((offered.planned_per_s - 400.0).abs() < 1e-9, "{offered:?}");
    // A loaded machine only makes it slower.
    assert!(offered.answered_per_s <= 200.5, "{offered:?}");
    let rung = &table.rungs[0];
    assert!(rung.service.unwrap() * 2 < rung.p50.unwrap(), "{rung:?}");
}

#[test]
fn a_server_that_falls_silent_answers_what_it_answered_in_the_time_that_was_planned() {
    let server = serve(Script {
        silent_after: Some(40),
        ..Script::default()
    });
    let load = "users = 4\nrate = 100\ntimeout = \"300ms\"\n\
                profile.quick = { blocks = 1, slice = \"300ms\", warm_up = \"1ms\" }";
    let finished = run(&server.url, &scenario(load));
    for slice in &finished.run.slices {
        // What was waited for in vain is no part of the time in which answers came.
        assert!(slice.ok <= 30, "{slice:?}");
        assert!(slice.answered_ns.unwrap() <= slice.length_ns, "{slice:?}");
        if slice.ok == 0 {
            assert_eq!(slice.answered_ns, Some(300_000_000));
            assert!(slice.length_ns > 300_000_000, "{slice:?}");
        }
    }
    assert!(finished.run.slices.iter().any(|slice| slice.ok < 30));
}
