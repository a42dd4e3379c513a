//! The capacity search, against a server whose capacity is known: one request at a time, 10 ms each.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;
#[path = "scripted/server.rs"]
mod scripted;

use std::time::Duration;

use authlab_reports::run::LimitedBy;
use place::run;
use scripted::{Script, serve};

const LOAD: &str = r#"
[[step]]
name = "get"
request = "GET /"
[[load]]
name = "search"
users = 20
journey = ["get"]
capacity = { slo = "p99 < 2s", errors = "< 1%", from = 10, precision = "20%" }
timeout = "1s"
profile.quick = { blocks = 2, slice = "500ms", warm_up = "100ms" }
"#;

#[test]
fn the_rate_found_is_one_that_the_server_can_carry_and_its_curve_is_kept() {
    let server = serve(Script {
        delay: Duration::from_millis(10),
        serial: true,
        ..Script::default()
    });
    let finished = run(&server.url, LOAD);
    assert!(finished.error.is_none(), "{:?}", finished.error);
    let capacity = &finished.run.capacities[0];
    // How near it comes to the 100/s depends on the machine; above them nothing is true.
    let rate = capacity.rate.unwrap();
    assert!(rate <= 125.0, "{rate}");
    assert!(capacity.beyond.unwrap() > rate);
    assert_ne!(capacity.limited_by, LimitedBy::Interrupted);
    let confirming = capacity.points.iter().filter(|point| point.confirms);
    assert!(
        confirming
            .filter(|point| (point.offered_per_s - rate).abs() < 1e-9)
            .count()
            >= 2
    );
    assert!(capacity.points.iter().any(|point| point.beyond.is_some()));
    // The slices that confirmed it are measured like any other.
    assert_eq!(finished.run.slices.len(), 2);
    assert!(finished.run.slices.iter().all(|slice| slice.ok > 0));
}

#[test]
fn a_server_that_always_fails_carries_no_rate() {
    let server = serve(Script {
        fail_every: 1,
        ..Script::default()
    });
    let finished = run(&server.url, LOAD);
    let capacity = &finished.run.capacities[0];
    assert_eq!(
        (capacity.rate, capacity.limited_by),
        (None, LimitedBy::Errors)
    );
}
