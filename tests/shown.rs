//! What a run shows while it goes on: to a log, to a program, and on a terminal.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "other tests need more")]
mod command;

use std::io::Write;
use std::process::{Command, Stdio};

use command::{Place, error_line, eventually, stderr};
use serde_json::Value;

const SCENARIO: &str = r#"
name = "s"
question = "?"
[flags]
policy = "allow-all"
password = "sha256"
[[variant]]
name = "open"
flags = {}
[[step]]
name = "items"
request = "GET /items/"
[[load]]
name = "one-user"
users = 1
journey = ["items"]
profile.quick = { blocks = 2, slice = "30ms", warm_up = "20ms" }
profile.long = { blocks = 200, slice = "200ms", warm_up = "20ms" }
"#;

fn place() -> Place {
    let place = Place::new();
    place.write("s.toml", SCENARIO);
    place
}

fn objects(stdout: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(stdout).unwrap();
    let parsed = text.lines().map(|line| serde_json::from_str(line).unwrap());
    parsed.collect()
}

#[test]
fn json_is_a_line_a_slice_with_its_figures_and_a_last_one_that_names_the_folder() {
    let place = place();
    let output = place.authlab(&["run", "s.toml", "--json"]);
    let mut lines = objects(&output.stdout);
    let end = lines.pop().unwrap();
    let run = place.run_json();
    assert_eq!(end["event"], "end", "{}", stderr(&output));
    assert_eq!(place.path().join(end["run"].as_str().unwrap()), place.run());
    for part in ["status", "validity"] {
        assert_eq!(end[part], run[part], "{part}");
    }
    let summary = &end["summary"][0];
    assert_eq!(
        (&summary["variant"], &summary["load"]),
        (&"open".into(), &"one-user".into())
    );
    let merged = run["merged"].as_array().unwrap().iter();
    let mut service = merged.filter(|figure| figure["metric"] == "service");
    let p99 = &service.next().unwrap()["percentiles"][3];
    assert_eq!(&summary["steps"][0]["service_time"]["p99_ns"], p99);
    assert_eq!(lines.len(), 4);
    for (line, slice) in lines.iter_mut().zip(run["slices"].as_array().unwrap()) {
        let event = line.as_object_mut().unwrap().remove("event");
        assert_eq!(event.unwrap(), "slice");
        for part in ["load", "variant", "block", "ok", "failed", "answered_ns"] {
            assert_eq!(line[part], slice[part], "{part}");
        }
        let figures = slice["figures"].as_array().unwrap();
        for (named, figure) in line["figures"].as_array().unwrap().iter().zip(figures) {
            assert_eq!(named["p50_ns"], figure["percentiles"][0]);
        }
        assert!(!slice["figures"].as_array().unwrap().is_empty());
    }
    assert_eq!(stderr(&output), "");
}

#[test]
fn an_interrupted_run_still_ends_its_json() {
    let place = place();
    let child = place.start(&["run", "s.toml", "--profile", "long", "--json"]);
    assert!(eventually(|| measured(&place)));
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let end = objects(&output.stdout).pop().unwrap();
    assert_eq!(end["event"], "end");
    assert_eq!(end["status"]["is"], "partial");
    assert_eq!(
        error_line(&output),
        "authlab: interrupted; the run is marked partial"
    );
}

#[test]
fn what_is_for_a_program_is_not_also_for_nobody() {
    let line = place().refused(&["run", "s.toml", "--json", "--quiet"]);
    assert!(
        line.contains("--json") && line.contains("--quiet"),
        "{line}"
    );
}

#[test]
fn a_log_has_a_plain_line_a_block_and_a_quiet_one_has_none() {
    let place = place();
    let output = place.authlab(&["run", "s.toml"]);
    let said = stderr(&output);
    assert!(said.contains("one-user: 2 of 4 slices, "), "{said}");
    assert!(said.contains("one-user: 4 of 4 slices, 0s left"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
    let quiet = place.authlab(&["run", "s.toml", "--quiet", "--runs", "quiet"]);
    assert_eq!(stderr(&quiet), "");
    assert!(quiet.stdout.starts_with("authlab · s · ".as_bytes()));
}

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";

#[test]
fn a_terminal_has_the_view_and_is_given_back_before_the_ladder_and_before_an_interrupt_speaks() {
    let place = place();
    let table: [(&str, Option<&[u8]>, &str); 2] = [
        ("quick", None, "authlab · s · "),
        ("long", Some(b"\x03"), "interrupted: ending the slice"),
    ];
    for (profile, typed, said_after) in table {
        let runs = place.path().join("reports/runs");
        let _ = std::fs::remove_dir_all(runs);
        let authlab = format!(
            "trap : INT; stty cols 80 rows 24; {} run s.toml --profile {profile}; stty -a",
            env!("CARGO_BIN_EXE_authlab")
        );
        // A terminal of its own, whose keys are what is written to it.
        let started = Command::new("script")
            .args(["--quiet", "--return", "--command", &authlab, "/dev/null"])
            .current_dir(place.path())
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut child) = started else {
            assert!(std::env::var_os("CI").is_none(), "script is missing");
            eprintln!("skipped: no script (util-linux) on this machine");
            return;
        };
        // Kept open: its end would be the terminal's.
        let mut keys = child.stdin.take().unwrap();
        if let Some(typed) = typed {
            assert!(eventually(|| measured(&place)));
            keys.write_all(typed).unwrap();
        }
        let output = child.wait_with_output().unwrap();
        drop(keys);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (_, view) = text.split_once(ENTER).unwrap_or_else(|| panic!("{text}"));
        let (view, after) = view.split_once(LEAVE).unwrap_or_else(|| panic!("{text}"));
        assert!(
            view.contains("s · ") && view.contains("Ctrl-C ends"),
            "{view}"
        );
        assert!(after.contains(said_after), "{after}");
        assert!(
            !after.contains(ENTER) && after.contains("report: "),
            "{after}"
        );
        assert!(after.contains(" echo "), "keys are seen again: {after}");
        place.assert_nothing_left();
    }
}

#[test]
fn a_terminal_is_given_back_before_ctrl_z_stops_the_run_and_the_run_goes_on_without_the_view() {
    let place = place();
    let authlab = format!(
        "stty cols 80 rows 24; set -m; {} run s.toml --profile long; stty -a; kill %1; fg; true",
        env!("CARGO_BIN_EXE_authlab")
    );
    let started = Command::new("script")
        .args(["--quiet", "--return", "--command", &authlab, "/dev/null"])
        .current_dir(place.path())
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        assert!(std::env::var_os("CI").is_none(), "script is missing");
        eprintln!("skipped: no script (util-linux) on this machine");
        return;
    };
    let mut keys = child.stdin.take().unwrap();
    assert!(eventually(|| measured(&place)));
    keys.write_all(b"\x1a").unwrap();
    let output = child.wait_with_output().unwrap();
    drop(keys);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, after) = text.split_once(LEAVE).unwrap_or_else(|| panic!("{text}"));
    assert!(after.contains(" echo "), "keys are seen again: {after}");
    assert!(
        after.contains("interrupted: ending the slice") && !after.contains(ENTER),
        "{after}"
    );
    place.assert_nothing_left();
}

/// Whether the one run has a slice.
fn measured(place: &Place) -> bool {
    let runs = std::fs::read_dir(place.path().join("reports/runs"));
    // The folder is there before its first file.
    let written = |mut runs: std::fs::ReadDir| {
        runs.next()?
            .ok()?
            .path()
            .join("run.json")
            .exists()
            .then_some(())
    };
    runs.is_ok_and(|runs| written(runs).is_some())
        && !place.run_json()["slices"].as_array().unwrap().is_empty()
}
