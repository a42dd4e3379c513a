//! What is recorded of closed users adds up to their time, against a real server, whatever it does; and what is lost is
//! missing there.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;
#[path = "scripted/server.rs"]
mod scripted;

use std::time::Duration;

use authlab_reports::run::{Run, Slice};
use place::run;
use scripted::{Script, serve};

/// By how much each slice disagrees.
fn disagreements(run: &Run) -> Vec<f64> {
    let slices = run.slices.iter();
    let shares = slices.filter_map(Slice::user_time_disagreement);
    shares.collect()
}

fn load(load: &str, slice: &str) -> String {
    format!(
        r#"
[[step]]
name = "get"
request = "GET /"
[[load]]
name = "one"
journey = ["get"]
{load}
profile.quick = {{ blocks = 1, slice = "{slice}", warm_up = "1ms" }}
"#
    )
}

#[test]
fn the_records_of_a_run_add_up_to_the_time_of_its_users_whatever_the_server_does() {
    let ms = Duration::from_millis;
    let quick = Script::default;
    for (name, script, asked, slice) in [
        ("closed", quick(), "users = 3", "200ms"),
        ("short", quick(), "users = 30", "1ms"),
        ("think", quick(), "users = 3\nthink = \"7ms\"", "200ms"),
        (
            "thinks longer than the slice",
            quick(),
            "users = 3\nthink = \"700ms\"\ntimeout = \"300ms\"",
            "50ms",
        ),
        (
            "an answer as long as the slice",
            Script {
                delay: ms(150),
                ..quick()
            },
            "users = 3",
            "100ms",
        ),
        (
            "failures",
            Script {
                fail_every: 3,
                ..quick()
            },
            "users = 3",
            "200ms",
        ),
        (
            "timeouts",
            Script {
                stall: Some((ms(150), ms(300))),
                ..quick()
            },
            "users = 3\ntimeout = \"70ms\"",
            "600ms",
        ),
        (
            "no answer any more",
            Script {
                silent_after: Some(50),
                ..quick()
            },
            "users = 3\ntimeout = \"70ms\"",
            "200ms",
        ),
    ] {
        let server = serve(script);
        let finished = run(&server.url, &load(asked, slice));
        let found = disagreements(&finished.run);
        assert!(!found.is_empty(), "{name}: {:?}", finished.run.slices);
        assert!(
            found.iter().all(|share| share.abs() < 0.01),
            "{name}: {found:?}"
        );
        let reasons = &finished.run.validity.reasons;
        let says = reasons.iter().any(|reason| reason.contains("Little's law"));
        assert!(!says, "{name}: {reasons:?}");
    }
}

#[test]
fn a_tenth_of_the_answers_that_is_lost_is_missing_from_the_users_time() {
    let server = serve(Script {
        delay: Duration::from_millis(2),
        ..Script::default()
    });
    for asked in ["users = 3", "users = 3\nthink = \"20ms\""] {
        let mut lossy = run(&server.url, &load(asked, "300ms")).run;
        for figure in lossy.slices.iter_mut().flat_map(|slice| &mut slice.figures) {
            figure.count -= figure.count / 10;
        }
        let found = disagreements(&lossy);
        assert!(!found.is_empty());
        assert!(
            found.iter().all(|share| (-0.11..-0.07).contains(share)),
            "{asked}: {found:?}"
        );
    }
}

#[test]
fn open_arrivals_have_no_users_whose_time_is_known() {
    let server = serve(Script::default());
    let finished = run(&server.url, &load("users = 4\nrate = 200", "100ms"));
    assert_eq!(finished.run.slices.len(), 2);
    assert!(disagreements(&finished.run).is_empty());
}
