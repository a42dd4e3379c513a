//! A recorded log against a real server: what it holds arrives, as often as it holds it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "scripted/place.rs"]
mod place;
#[path = "scripted/server.rs"]
mod scripted;

use std::collections::BTreeMap;
use std::fmt::Write;

use place::{count, run};
use scripted::{Script, Seen, serve};

const STEP: &str = r#"
[[step]]
name = "replay"
request = "trace"
headers = { x-subject = "{trace_subject}", x-account = "{trace_account}" }
"#;

/// Two seconds of a log, a thousand lines each, and how often each request is in it. The first line
/// has a path of its own: warm-up sends it too.
fn log() -> (String, Seen) {
    let mut log = String::new();
    let mut requests = Seen::new();
    for k in 0..2_000 {
        let method = ["GET", "HEAD", "DELETE", "PUT"][k % 4];
        let path = if k == 0 {
            "/first".to_owned()
        } else {
            format!("/things/{}?page={}", k % 17, k % 3)
        };
        let user = ["mary", "john", "jane"][k % 3];
        writeln!(
            log,
            "10.0.0.{} - {user} [10/Oct/2025:13:55:{:02} +0000] \"{method} {path} HTTP/1.1\" 200 5 \"-\" \"curl\"",
            k % 250,
            36 + k / 1_000
        )
        .unwrap();
        *requests
            .entry(format!("{method} {path} {user} {}", k % 3))
            .or_default() += 1;
    }
    (log, requests)
}

#[test]
fn every_line_of_a_log_arrives_as_often_as_the_log_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("access.log");
    let (log, mut requests) = log();
    std::fs::write(&file, log).unwrap();
    let server = serve(Script {
        seen_headers: &["x-subject", "x-account"],
        ..Script::default()
    });
    let load = format!(
        "[[load]]\nname = \"log\"\nusers = 16\njourney = [\"replay\"]\n\
         trace = {{ file = \"{}\", methods = [\"GET\", \"HEAD\", \"DELETE\", \"PUT\"], speed = 2 }}\n\
         profile.quick = {{ blocks = 1, slice = \"trace\", warm_up = \"1us\" }}\n",
        file.display()
    );
    let finished = run(&server.url, &format!("{STEP}{load}"));
    for slice in &finished.run.slices {
        assert_eq!(
            (slice.planned, slice.ok),
            (Some(2_000), 2_000),
            "{:?}",
            slice.failed
        );
    }
    assert_eq!(count(&finished.run, "replay", "response"), 4_000);
    let words = finished.run.scenario.loads[0].trace.as_ref().unwrap();
    assert!(
        words.ends_with("2000 requests of 3 subjects at 2 times their speed"),
        "{words}"
    );
    // From 0.5 ms within the first second to 0.5 ms before the end of the second: 1 999 ms, halved.
    assert_eq!(finished.run.scenario.loads[0].slice_ms, 1_000);

    let mut seen: BTreeMap<_, _> = server.seen.lock().unwrap().clone();
    let first = "GET /first mary 0";
    assert!(seen.remove(first).unwrap() > 2, "warm-up, and each slice");
    requests.remove(first);
    for times in requests.values_mut() {
        *times *= 2;
    }
    assert_eq!(seen, requests);
}

#[test]
fn the_subjects_of_a_log_are_the_members_of_a_pool() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.json");
    let line = |ms: u32, subject: &str| {
        format!(
            "{{\"time\":1700000000.{ms:03},\"method\":\"GET\",\"path\":\"/\",\"subject\":\"{subject}\"}}\n"
        )
    };
    let subjects = ["ann", "bob", "ann", "cat", "bob", "ann"];
    let lines = (1..).zip(subjects).map(|(ms, subject)| line(ms, subject));
    std::fs::write(&file, lines.collect::<String>()).unwrap();
    let server = serve(Script {
        seen_headers: &["x-subject", "x-account", "x-member"],
        ..Script::default()
    });
    let step = STEP.replace("headers = { ", "headers = { x-member = \"{accounts}\", ");
    // Two members for three subjects: they are shared.
    let load = format!(
        "[[pool]]\nname = \"accounts\"\nsize = 2\n\
         [[load]]\nname = \"log\"\nusers = 4\njourney = [\"replay\"]\npools = [\"accounts\"]\n\
         trace = {{ file = \"{}\", format = \"json\" }}\n\
         profile.quick = {{ blocks = 1, slice = \"trace\", warm_up = \"1us\" }}\n",
        file.display()
    );
    let finished = run(&server.url, &format!("{load}{step}"));
    assert!(finished.error.is_none(), "{:?}", finished.error);
    let seen = server.seen.lock().unwrap();
    let of: Vec<_> = seen.keys().map(String::as_str).collect();
    assert_eq!(of, ["GET / ann 0 0", "GET / bob 1 1", "GET / cat 2 0"]);
}

#[test]
fn a_step_of_its_own_follows_each_line_and_knows_its_account() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.json");
    let line = |ms: u32, subject: &str| {
        format!(
            "{{\"time\":1700000000.{ms:03},\"method\":\"GET\",\"path\":\"/\",\"subject\":\"{subject}\"}}\n"
        )
    };
    std::fs::write(&file, line(1, "b") + &line(30, "a") + &line(60, "b")).unwrap();
    let server = serve(Script {
        seen_headers: &[],
        ..Script::default()
    });
    let load = format!(
        "[[step]]\nname = \"account\"\nrequest = \"GET /accounts/{{trace_account}}{{trace_path}}\"\n\
         [[load]]\nname = \"log\"\nusers = 4\njourney = [\"replay\", \"account*2\"]\n\
         trace = {{ file = \"{}\", format = \"json\" }}\n\
         profile.quick = {{ blocks = 1, slice = \"50ms\", warm_up = \"1us\" }}\n",
        file.display()
    );
    let finished = run(&server.url, &format!("{STEP}{load}"));
    // The third line is beyond the slice.
    for slice in &finished.run.slices {
        assert_eq!(
            (slice.planned, slice.ok),
            (Some(2), 6),
            "{:?}",
            slice.failed
        );
    }
    let seen = server.seen.lock().unwrap().clone();
    assert_eq!(seen["GET /accounts/1/"], 4);
    assert!(seen["GET /accounts/0/"] >= 4);
}
