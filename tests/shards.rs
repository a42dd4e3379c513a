//! Shards from the command line, side by side as a scheduler starts them, and their sum.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/answers.rs"]
mod answers;
#[allow(dead_code, reason = "others end runs early")]
#[path = "lab/command.rs"]
mod command;

use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, SystemTime};

use answers::serve;
use command::{Place, error_line, eventually, stderr};

fn epoch_s(after: Duration) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    (now.unwrap() + after).as_secs().to_string()
}

fn runs(place: &Place, ending: &str) -> Vec<PathBuf> {
    let runs = std::fs::read_dir(place.path().join("reports/runs")).unwrap();
    let runs = runs.map(|entry| entry.unwrap().path());
    runs.filter(|path| path.display().to_string().ends_with(ending))
        .collect()
}

fn json(run: &std::path::Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(run.join("run.json")).unwrap()).unwrap()
}

fn planned(run: &serde_json::Value) -> Vec<u64> {
    let slices = run["slices"].as_array().unwrap().iter();
    slices
        .map(|slice| slice["planned"].as_u64().unwrap())
        .collect()
}

#[test]
fn three_processes_make_the_load_of_one_and_merge_says_so() {
    let place = Place::new();
    let url = serve(Duration::ZERO);
    place.write(
        "load.toml",
        &format!(
            "name = \"load\"\nquestion = \"?\"\n[[variant]]\nname = \"server\"\nurl = \"{url}\"\n\
             [[step]]\nname = \"get\"\nrequest = \"GET /\"\n\
             [[load]]\nname = \"one\"\nusers = 30\nrate = 300\nspacing = \"poisson\"\njourney = [\"get\"]\n\
             timeout = \"500ms\"\n\
             profile.quick = {{ blocks = 1, slice = \"500ms\", warm_up = \"100ms\" }}\n"
        ),
    );
    let load = ["run", "load.toml", "--seed", "7"];
    let whole = place.authlab(&load);
    assert!(
        matches!(whole.status.code(), Some(0 | 3)),
        "{}",
        stderr(&whole)
    );
    let whole = runs(&place, "-load").remove(0);

    let start_at = epoch_s(Duration::from_secs(4));
    let shard = |number: u32| {
        let share = format!("{number}/3");
        place.start(&[&load[..], &["--shard", &share, "--start-at", &start_at]].concat())
    };
    let shards: Vec<Child> = (0..3).map(shard).collect();
    for child in shards {
        let output = child.wait_with_output().unwrap();
        // A busy machine's run is not valid (3), and measured all the same.
        assert!(
            matches!(output.status.code(), Some(0 | 3)),
            "{}",
            stderr(&output)
        );
        assert!(stderr(&output).contains("begins at"), "{}", stderr(&output));
    }
    let paths = runs(&place, "-of-3");
    let words: Vec<&str> = std::iter::once("merge")
        .chain(paths.iter().map(|path| path.to_str().unwrap()))
        .collect();
    let merged = place.authlab(&words);
    assert!(
        matches!(merged.status.code(), Some(0 | 3)),
        "{}",
        stderr(&merged)
    );
    let ladder = String::from_utf8_lossy(&merged.stdout).into_owned();
    assert!(
        ladder.starts_with("authlab · load · 3 shards merged · "),
        "{ladder}"
    );
    let sum = runs(&place, "-merged").remove(0);
    assert_eq!(planned(&json(&sum)), planned(&json(&whole)));
    assert!(sum.join("index.html").exists() && sum.join("server.hlog").exists());
    let shown = place.authlab(&["report", sum.to_str().unwrap()]);
    assert!(shown.status.success(), "{}", stderr(&shown));

    let missing = place.authlab(&words[..3]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(error_line(&missing).contains("is missing; with --partial"));
    let alone = place.authlab(&["merge", whole.to_str().unwrap()]);
    assert_eq!(alone.status.code(), Some(2));
    assert!(
        error_line(&alone).contains("is no shard"),
        "{}",
        stderr(&alone)
    );
}

#[test]
fn the_seconds_of_a_load_that_two_processes_make_are_added_up() {
    let place = Place::new();
    let url = serve(Duration::ZERO);
    let start_at = epoch_s(Duration::from_secs(4));
    let shard = |share: &str| {
        let words = [
            "load",
            &url,
            "--rate",
            "200",
            "-d",
            "2s",
            "--warm-up",
            "1ms",
            "--seed",
            "7",
            "--shard",
            share,
            "--start-at",
            &start_at,
        ];
        place.start(&words)
    };
    for child in ["0/2", "1/2"].map(shard) {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
    let paths = runs(&place, "-of-2");
    let words: Vec<&str> = std::iter::once("merge")
        .chain(paths.iter().map(|path| path.to_str().unwrap()))
        .collect();
    let merged = place.authlab(&words);
    assert!(merged.status.success(), "{}", stderr(&merged));
    let sum = json(&runs(&place, "-merged").remove(0));
    let parts: Vec<_> = paths.iter().map(|path| json(path)).collect();
    let seconds = |run: &serde_json::Value| -> Vec<u64> {
        let seconds = run["slices"][0]["intervals"].as_array().unwrap().iter();
        seconds.map(|at| at["ok"].as_u64().unwrap()).collect()
    };
    let of_parts: Vec<Vec<u64>> = parts.iter().map(seconds).collect();
    assert!(
        of_parts.iter().all(|seconds| seconds.len() >= 2),
        "{of_parts:?}"
    );
    let all: Vec<u64> = (0..of_parts.iter().map(Vec::len).max().unwrap())
        .map(|second| of_parts.iter().filter_map(|part| part.get(second)).sum())
        .collect();
    assert_eq!(seconds(&sum), all);
    let slice = &sum["slices"][0];
    assert_eq!(slice["ok"], all.iter().sum::<u64>());
    let received =
        |run: &serde_json::Value| run["slices"][0]["bytes"]["received"].as_u64().unwrap();
    assert_eq!(received(&sum), parts.iter().map(received).sum::<u64>());
}

/// A scenario whose server the lab starts.
const STARTED: &str = "name = \"s\"\nquestion = \"?\"\n[[variant]]\nname = \"a\"\nflags = {}\n\
     [[step]]\nname = \"get\"\nrequest = \"GET /\"\n\
     [[load]]\nname = \"one\"\nusers = 4\njourney = [\"get\"]\n\
     profile.quick = { blocks = 1, slice = \"10ms\" }\n";

fn assert_refused(place: &Place, words: &[&str], expected: &str) {
    let said = place.refused(words);
    assert!(said.contains(expected), "{words:?}: {said}");
}

#[test]
fn bad_words_about_shards_are_one_line_and_exit_two() {
    let place = Place::new();
    place.write("s.toml", STARTED);
    let (ahead, past) = (epoch_s(Duration::from_secs(60)), epoch_s(Duration::ZERO));
    let far = epoch_s(Duration::from_secs(200_000));
    let run = ["run", "s.toml", "--seed", "7", "--shard"];
    for (words, expected) in [
        (
            ["0/2", "--start-at", &ahead],
            "variant `a` is started by the lab",
        ),
        (["2/2", "--start-at", &ahead], "write i/n with i from 0"),
        (["0/2", "--start-at", &past], "has passed"),
        (["0/2", "--start-at", &far], "more than a day ahead"),
        (["0/2", "--start-at", "noon"], "or epoch seconds"),
    ] {
        assert_refused(&place, &[&run[..], &words].concat(), expected);
    }
    assert_refused(&place, &["run", "s.toml", "--shard", "0/2"], "--start-at");
    assert_refused(&place, &["merge"], "RUN");
    assert_refused(&place, &["merge", "nothing"], "no run at nothing");
}

#[test]
fn a_meeting_that_cannot_be_is_one_line_and_exit_two() {
    let place = Place::new();
    place.write("s.toml", STARTED);
    let ahead = epoch_s(Duration::from_secs(60));
    let shard = ["--seed", "7", "--shard", "1/2", "--meet", "here"];
    let run = [&["run", "s.toml"], &shard[..]].concat();
    let load = [&["load", "127.0.0.1:1", "-c", "2"], &shard[..]].concat();
    let both = [&run[..], &["--start-at", &ahead]].concat();
    let short = [&load[..], &["--meet-within", "300ms"]].concat();
    let file = [&load[..load.len() - 1], &["s.toml"]].concat();
    for (words, expected) in [
        (&both[..], "cannot be used with"),
        (&run[..], "variant `a` is started by the lab"),
        (&["run", "s.toml", "--meet", "here"], "--shard"),
        (&short, "shard 0 of 2 (from 0) did not report in within"),
        (&file, "--meet s.toml: "),
    ] {
        assert_refused(&place, words, expected);
    }
}

#[test]
fn a_shard_that_waits_for_others_is_ended_by_a_signal_and_leaves_no_report() {
    let place = Place::new();
    let words = [
        "load",
        "127.0.0.1:1",
        "-c",
        "2",
        "--seed",
        "7",
        "--shard",
        "1/2",
        "--meet",
        "here",
    ];
    let shard = place.start(&words);
    let report = place.path().join("here/shard-1.json");
    assert!(eventually(|| report.exists()));
    let ended = std::process::Command::new("kill")
        .args(["-TERM", &shard.id().to_string()])
        .status();
    assert!(ended.unwrap().success());
    let output = shard.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(
        error_line(&output),
        "authlab: interrupted while the shards met"
    );
    assert!(!report.exists());
}
