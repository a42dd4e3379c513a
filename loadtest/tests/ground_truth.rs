//! What is recorded against what must be true: a server whose stalls are scripted, at an open rate.
//! Ignored by `make test`, since it needs a quiet machine: `make ground-truth`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;
#[path = "scripted/server.rs"]
mod scripted;

use std::time::Duration;

use authlab_loadtest::conductor::Finished;
use authlab_reports::run::Verdict;
use place::{percentile, run};
use scripted::{Script, serve};

const STALL: Duration = Duration::from_millis(500);
const PERIOD: Duration = Duration::from_secs(5);

/// Or two percent, whichever is more.
const MOST_OFF_MS: f64 = 0.1;

/// Of arrivals spread evenly over time, the share `STALL / PERIOD` waits, evenly up to `STALL`.
fn analytic_ms(percentile: f64) -> f64 {
    let waiting = STALL.as_secs_f64() / PERIOD.as_secs_f64();
    let beyond = 1.0 - percentile / 100.0;
    STALL.as_secs_f64() * 1e3 * (1.0 - beyond / waiting).max(0.0)
}

/// A run that says itself that it was disturbed proves nothing.
const TRIES: usize = 4;

/// Open arrivals at 1 000/s against it, for whole periods, so that the share of stalled time is
/// exact wherever a slice begins.
fn measured(users: usize) -> Finished {
    let server = serve(Script {
        stall: Some((STALL, PERIOD)),
        ..Script::default()
    });
    let rest = format!(
        r#"
[[step]]
name = "get"
request = "GET /"
[[load]]
name = "open"
users = {users}
rate = 1000
journey = ["get"]
profile.quick = {{ blocks = 1, slice = "10s", warm_up = "200ms" }}
"#
    );
    for _ in 0..TRIES {
        let finished = run(&server.url, &rest);
        if finished.run.validity.verdict == Verdict::Valid {
            return finished;
        }
        println!("tried again: {:?}", finished.run.validity);
    }
    panic!("the machine is not quiet enough to judge by");
}

#[test]
#[ignore = "needs a quiet machine: make ground-truth"]
fn the_response_of_a_stalling_server_is_what_arithmetic_says() {
    let finished = measured(800);
    let slices = &finished.run.slices;
    assert!(slices.iter().all(|slice| slice.failed.is_empty()));
    let ms = |metric, at| percentile(&finished.run, "get", metric, at) as f64 / 1e6;
    // What the server takes when it does not stall is not scripted: its median.
    let unstalled = ms("service", 50.0);
    println!("percentile   analytic   response    service");
    let mut wrong = Vec::new();
    // Not p90: exactly a tenth waits, so it lies on the edge between those that did and those that
    // did not, where the server's own millisecond of timer decides.
    for at in [50.0, 75.0, 99.0, 99.9] {
        let (truth, response) = (analytic_ms(at), ms("response", at));
        println!(
            "{at:>10}  {truth:>7.1} ms  {response:>7.2} ms  {:>7.2} ms",
            ms("service", at)
        );
        if (response - unstalled - truth).abs() > (truth * 0.02).max(MOST_OFF_MS) {
            wrong.push(at);
        }
    }
    println!(
        "timer p99 {:.4} ms; {:?}",
        ms("timer", 99.0),
        finished.run.validity
    );
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
#[ignore = "needs a quiet machine: make ground-truth"]
fn with_few_users_the_response_is_the_same_and_service_times_hide_the_stall() {
    let finished = measured(8);
    let p99 = |metric| percentile(&finished.run, "get", metric, 99.0) as f64 / 1e6;
    let (truth, response, service) = (analytic_ms(99.0), p99("response"), p99("service"));
    println!("p99: analytic {truth:.1} ms, response {response:.1} ms, service {service:.2} ms");
    assert!((response / truth - 1.0).abs() < 0.02, "{response}");
    assert!(service < truth / 10.0, "{service}");
}
