//! The calibration: taken, kept, carried by later runs, and told when it does not hold.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod command;

use command::{Place, stderr};
use serde_json::{Value, json};

/// A calibration as kept, but of another boot.
fn kept(change: impl Fn(&mut Value)) -> String {
    let mut calibration = json!({
        "format": 1, "taken": "2026-01-01T00:00:00Z", "boot": "another",
        "machine": {
            "cpu": "another", "cores": 1, "memory_bytes": 1, "kernel": "Linux", "id": "x",
            "server_cores": [0], "generator_cores": [0], "load_before": 0.0, "load_after": 0.0
        },
        "tool": { "version": "0", "commit": "", "profile": "release" },
        "pacing": [], "recording_ns": 100.0, "noise": [],
        "floor": { "service_p50_ns": 1, "service_p99_ns": 1, "epoll_p50_ns": 1 },
        "ceiling": { "closed_per_s": 1.0, "open_per_s": 1.0 }
    });
    change(&mut calibration);
    calibration.to_string()
}

fn place_with(calibration: &str) -> Place {
    let place = Place::new();
    std::fs::create_dir_all(place.path().join("reports/runs")).unwrap();
    place.write("reports/runs/calibration.json", calibration);
    place.write(
        "s.toml",
        "name = \"s\"\nquestion = \"?\"\n[[variant]]\nname = \"open\"\n\
         flags = { policy = \"allow-all\", password = \"sha256\" }\n\
         [[step]]\nname = \"items\"\nrequest = \"GET /items/\"\n\
         [[load]]\nname = \"one\"\nusers = 1\njourney = [\"items\"]\n\
         profile.quick = { blocks = 1, slice = \"20ms\", warm_up = \"10ms\" }\n",
    );
    place
}

#[test]
fn one_of_another_machine_is_carried_and_warned_of() {
    let place = place_with(&kept(|_| ()));
    let output = place.authlab(&["run", "s.toml"]);
    assert!(
        stderr(&output).contains("the calibration does not hold: it is of another machine"),
        "{}",
        stderr(&output)
    );
    let runs = std::fs::read_dir(place.path().join("reports/runs")).unwrap();
    let run = runs
        .map(|entry| entry.unwrap().path().join("run.json"))
        .find(|file| file.exists())
        .unwrap();
    let run: Value = serde_json::from_slice(&std::fs::read(run).unwrap()).unwrap();
    assert_eq!(run["calibration"]["stale"], "it is of another machine");
}

#[test]
fn a_file_that_is_none_is_refused_with_what_to_do() {
    let place = place_with(&kept(|calibration| calibration["surprise"] = json!(1)));
    let line = place.refused(&["run", "s.toml"]);
    assert!(line.contains("calibration.json"), "{line}");
    assert!(line.contains("authlab calibrate"), "{line}");
}

#[test]
fn a_smoke_calibration_measures_every_part_and_leaves_nothing_behind() {
    let place = Place::new();
    let output = place.authlab(&["calibrate", "--smoke"]);
    // Disturbed or not: the machine may be busy.
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{}",
        stderr(&output)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    for part in [
        "floor",
        "ceiling",
        "recording",
        "offered/s",
        "slices of 10 ms: p50",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let left = std::fs::read_dir(place.path().join("reports/runs"))
        .unwrap()
        .count();
    assert_eq!(left, 0);
}

#[test]
fn a_calibration_of_the_gate_pauses_between_pieces_and_goes_on() {
    let place = Place::new();
    let gate = |more: &[&str]| {
        let words = [
            "prove",
            "calibrate-gate",
            "--noise",
            "quiet",
            "--out",
            "gate",
        ];
        let tiny = ["--blocks", "1", "--live", "0", "--power", "0"];
        let output = place.authlab(&[&words[..], &tiny, more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output)
    };
    let kept = || -> Vec<Value> {
        let text = std::fs::read(place.path().join("gate/gate.json")).unwrap();
        let gate: Value = serde_json::from_slice(&text).unwrap();
        gate["pieces"].as_array().unwrap().clone()
    };
    // The first piece takes longer than that, on any machine.
    let said = gate(&["--pause-after", "1s"]);
    assert!(
        said.contains("2 pieces are left; --resume goes on"),
        "{said}"
    );
    let first = kept();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0]["noise"], "quiet");
    let block = &first[0]["found"]["recorded"]["blocks"][0];
    // Both sides, each with two slices.
    assert_eq!(block.as_array().unwrap().len(), 2);
    assert_eq!(block[1].as_array().unwrap().len(), 2);
    let said = gate(&["--resume"]);
    assert!(
        said.contains("piece 1 of 2: quiet, blocks with 10 % injected"),
        "{said}"
    );
    let all = kept();
    assert_eq!(all.len(), 3);
    assert_eq!(all[0], first[0]);
    gate(&["--judge-only"]);
    assert_eq!(kept(), all);
    let page = std::fs::read_to_string(place.path().join("gate/GATE.md")).unwrap();
    assert!(page.contains("| quiet | 5 % | "), "{page}");
    let runs = std::fs::read_dir(place.path().join("reports/runs"));
    assert_eq!(runs.unwrap().count(), 0);
}
