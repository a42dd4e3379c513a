//! `authlab bisect`: which commit it names, what it steps over, what it remembers, and that the user's checkout is left alone.
//! The servers wait for a known time, and the slow ones fifty times as long (a timer of a loaded machine adds a millisecond or two to each): a loaded machine makes a duel longer, not wrong.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod command;

use std::process::{Command, Output};

use command::{Place, error_line, stderr};
use serde_json::Value;

const BUILD: &str =
    "cat number >>../built; if grep -q broken number; then exit 1; fi; cp server.sh built.sh";
const FAST: &str = "200us";
const SLOW: &str = "10ms";
const SERVE: &str = "sh {side}/built.sh {port}";

fn git(place: &Place, words: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@localhost"])
        .args(words)
        .current_dir(place.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A commit whose server waits so long; answers with its id.
fn commit(place: &Place, number: &str, wait: &str) -> String {
    let authlab = env!("CARGO_BIN_EXE_authlab");
    let script = format!("exec {authlab} null --listen 127.0.0.1:$1 --delay {wait}\n");
    place.write("server.sh", &script);
    place.write("number", &format!("{number}\n"));
    git(place, &["add", "server.sh", "number"]);
    git(place, &["commit", "-qm", &format!("change {number}")]);
    git(place, &["rev-parse", "HEAD"])
}

fn repository() -> Place {
    let place = Place::new();
    git(&place, &["init", "-q", "-b", "main"]);
    place
}

fn bisect(place: &Place, good: &str, bad: &str, more: &[&str]) -> Output {
    let words = [
        "bisect", "--good", good, "--bad", bad, "--build", BUILD, "--serve", SERVE,
    ];
    let short = [
        "--slice",
        "4ms",
        "--warm-up",
        "10ms",
        "--restart-blocks",
        "0",
        "--json",
        "bisect.json",
    ];
    place.authlab(&[&words[..], &short, more].concat())
}

fn told(place: &Place) -> Value {
    serde_json::from_slice(&std::fs::read(place.path().join("bisect.json")).unwrap()).unwrap()
}

/// What was built, in its order.
fn built(place: &Place) -> Vec<String> {
    let log = place.path().join("reports/runs/builds/built");
    let log = std::fs::read_to_string(log).unwrap_or_default();
    log.lines().map(str::to_owned).collect()
}

#[test]
fn the_merge_that_made_it_slower_is_named_and_builds_are_remembered() {
    let place = repository();
    let good = commit(&place, "1", FAST);
    commit(&place, "2", FAST);
    // The middle of what is searched, and it does not build.
    commit(&place, "3 broken", FAST);
    commit(&place, "4", FAST);
    git(&place, &["checkout", "-qb", "side"]);
    commit(&place, "side", SLOW);
    git(&place, &["checkout", "-q", "main"]);
    git(&place, &["merge", "-q", "--no-ff", "-m", "a merge", "side"]);
    let culprit = git(&place, &["rev-parse", "HEAD"]);
    let bad = commit(&place, "6", SLOW);
    // What the user has at hand, and has not committed.
    place.write("number", "mine\n");

    let output = bisect(&place, &good, "main", &[]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}{}", stderr(&output));
    let told = told(&place);
    assert_eq!(told["bad"]["id"], bad.as_str());
    assert_eq!(told["commits"], 5, "a merge is one commit");
    assert_eq!(told["suspects"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!(told["suspects"][0]["id"], culprit.as_str(), "{told}");
    assert_eq!(told["last"]["verdict"], "slower", "{told}");
    let short = &culprit[..10];
    assert!(
        said.contains(&format!("{short} made it slower: a merge")),
        "{said}"
    );
    assert!(said.contains("against its parent: p50 +"), "{said}");
    // The error is that of the duels that were decided: the ends and the steps, without the commit that did not build.
    let steps = told["steps"].as_array().unwrap();
    let decided = steps
        .iter()
        .filter(|step| step["verdict"] != "inconclusive");
    let error = 0.01 * (1 + decided.count()) as f64;
    assert!(
        (told["error"].as_f64().unwrap() - error).abs() < 1e-9,
        "{told}"
    );
    assert!(said.contains("(union bound)"), "{said}");
    let broken = steps
        .iter()
        .find(|step| step["commit"]["subject"] == "change 3 broken");
    let why = broken.unwrap()["because"].as_str().unwrap();
    assert!(
        why.starts_with("does not build (exit status: 1): see "),
        "{why}"
    );

    // The repository knows nothing of it, and what was not committed is there.
    assert_eq!(git(&place, &["worktree", "list"]).lines().count(), 1);
    assert_eq!(git(&place, &["status", "--porcelain", "-uno"]), "M number");
    assert_eq!(git(&place, &["rev-parse", "--abbrev-ref", "HEAD"]), "main");

    // Each commit was built once, and a second search, of two ends with nothing between them, builds none of them again.
    let first = built(&place);
    let mut once = first.clone();
    once.sort();
    once.dedup();
    assert_eq!(first.len(), once.len(), "{first:?}");
    let again = bisect(&place, "main~2", "main~1", &[]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert_eq!(self::told(&place)["suspects"][0]["id"], culprit.as_str());
    assert_eq!(built(&place), first);
    place.assert_nothing_left();
}

#[test]
fn ends_that_do_not_differ_are_told_at_once_with_their_figures() {
    let place = repository();
    let good = commit(&place, "1", FAST);
    commit(&place, "2", FAST);
    commit(&place, "3", FAST);
    let output = bisect(&place, &good, "main", &["--within", "2s"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}{}", stderr(&output));
    let told = told(&place);
    assert_eq!(
        (&told["exit_code"], told["steps"].as_array().unwrap().len()),
        (&3.into(), 0)
    );
    assert_ne!(told["ends"]["verdict"], "slower");
    assert!(told["ends"]["interval"].is_array(), "{told}");
    assert!(
        said.contains("slower than") && said.contains("p50 "),
        "{said}"
    );
}

#[test]
fn a_slowdown_among_commits_that_cannot_be_measured_is_narrowed_to_them() {
    let place = repository();
    let good = commit(&place, "1", FAST);
    let broken = commit(&place, "2 broken", FAST);
    let bad = commit(&place, "3", SLOW);
    let output = bisect(&place, &good, &bad, &[]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}{}", stderr(&output));
    let told = told(&place);
    let suspects: Vec<_> = told["suspects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|at| at["id"].as_str().unwrap())
        .collect();
    assert_eq!(suspects, [broken.as_str(), bad.as_str()]);
    assert!(
        said.contains("one of these 2 commits made it slower"),
        "{said}"
    );
}

#[test]
fn what_is_wrong_is_one_line_and_builds_nothing() {
    let place = repository();
    let first = commit(&place, "1", FAST);
    let second = commit(&place, "2 broken", FAST);
    for (good, bad, more, said) in [
        ("nope", "main", vec![], "--good nope: no such commit here"),
        ("main", "--help", vec![], "--bad"),
        (
            second.as_str(),
            first.as_str(),
            vec![],
            "is no ancestor of --bad",
        ),
        ("main", "main", vec![], "are the same commit"),
        (
            first.as_str(),
            "main",
            vec!["--metric", "errors"],
            "--metric errors: it takes a time",
        ),
        (
            first.as_str(),
            "main",
            vec!["--builds", "a b"],
            "a command line would have to quote this path",
        ),
        (
            first.as_str(),
            "main",
            vec![],
            "the two ends cannot be compared",
        ),
    ] {
        let output = bisect(&place, good, bad, &more);
        let line = error_line(&output);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(line.contains(said), "{line}");
    }
    assert_eq!(
        built(&place),
        ["1", "2 broken"],
        "only the last of them gets so far"
    );
    let words = [
        "bisect", "--good", "HEAD~1", "--bad", "main", "--build", "true",
    ];
    let line = place.refused(&[&words[..], &["--serve", "./server {port}"]].concat());
    assert!(line.contains("--serve does not contain `{side}`"), "{line}");
    let elsewhere = Place::new();
    let line = elsewhere.refused(&[&words[..], &["--serve", "{side}/server {port}"]].concat());
    assert!(
        line.contains("the current folder is in no git repository"),
        "{line}"
    );
}
