//! What a run tells somebody who watches it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;
#[path = "scripted/server.rs"]
mod scripted;

use std::time::Duration;

use authlab_loadtest::live::Aim;
use authlab_loadtest::progress::{Progress, Snapshot};
use authlab_reports::run::Slice;
use place::run_told;
use scripted::{Script, serve};

const OPEN: &str = r#"
[[step]]
name = "get"
request = "GET /"
[[load]]
name = "open"
users = 8
rate = 200
journey = ["get"]
profile.quick = { blocks = 1, slice = "800ms", warm_up = "1ms" }
"#;

#[test]
fn the_slice_under_way_is_shown_with_its_latencies_its_failures_and_what_is_left() {
    let server = serve(Script {
        delay: Duration::from_millis(20),
        fail_every: 5,
        ..Script::default()
    });
    let mut seen: Vec<Snapshot> = Vec::new();
    run_told(&server.url, OPEN, true, |progress| {
        if let Progress::Live(snapshot) = progress {
            seen.push(*snapshot);
        }
    });
    let last = seen
        .iter()
        .rfind(|snapshot| snapshot.response.count() > 0 && !snapshot.failed.is_empty())
        .unwrap();
    assert_eq!(
        (last.variant.as_str(), last.load.as_str(), last.aim),
        ("v", "open", Aim::Block(0))
    );
    assert_eq!(last.offered, Some(200.0));
    assert_eq!(last.response.count(), last.timer.count());
    assert!(last.response.quantile(0.5).unwrap() >= 19_000_000);
    assert!(last.response.max().unwrap() >= 20_000_000);
    assert!(last.failed.contains_key("get: status 503"));
    assert_eq!(last.left.planned, 2);
}

#[test]
fn a_run_that_nobody_watches_tells_whole_slices_only() {
    let server = serve(Script::default());
    let mut slices: Vec<Slice> = Vec::new();
    let finished = run_told(&server.url, OPEN, false, |progress| match progress {
        Progress::Live(_) => panic!("nobody watches"),
        Progress::Slice { slice, run, .. } => {
            assert_eq!(run.slices.last(), Some(slice));
            slices.push(slice.clone());
        }
        Progress::Starting { .. } | Progress::Rate { .. } => {}
    });
    assert!(
        slices
            .iter()
            .all(|slice| slice.figure("get", "service").is_some())
    );
    assert_eq!(slices, finished.run.slices);
}
