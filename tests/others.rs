//! Somebody else's servers in a duel: nginx with and without gzip, uvicorn with two event loops, Node
//! (whose compiler warms up) against itself and against more work. Ignored by `make test`, since a
//! verdict needs a quiet machine: `make others`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod command;

use std::path::{Path, PathBuf};
use std::process::Command;

use command::Place;
use serde_json::Value;

const SERVERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/others");

/// A duel of two commands, as its JSON; tried again while neighbours spoil it.
fn duel(place: &Place, base: &str, head: &str, more: &[&str]) -> Value {
    let mut told = Value::Null;
    for _ in 0..3 {
        let words = ["duel", "--base", base, "--head", head, "--format", "json"];
        let output = place.authlab(&[&words[..], more].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        told = serde_json::from_str(&text)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        let row = p50(&told);
        println!(
            "{base} → {head}: {} · p50 {} → {} ns, {} {} · {} s · exit {} {}",
            row["verdict"],
            row["base"],
            row["head"],
            row["effect"],
            row["interval"],
            told["elapsed_s"],
            output.status.code().unwrap(),
            told["faults"]
        );
        if told["faults"].as_array().unwrap().is_empty() {
            break;
        }
    }
    told
}

fn p50(duel: &Value) -> &Value {
    let rows = duel["rows"].as_array().unwrap();
    rows.iter().find(|row| row["metric"] == "p50").unwrap()
}

fn verdict(duel: &Value) -> &str {
    p50(duel)["verdict"].as_str().unwrap_or("none")
}

fn run(program: &str, words: &[&str]) {
    let status = Command::new(program).args(words).status().unwrap();
    assert!(status.success(), "{program} {words:?}");
}

/// `PyPI` `uvicorn` with both loops, in a virtual environment that is kept under `target/`.
fn uvicorn() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("uvicorn-httptools");
    let program = folder.join("bin/uvicorn");
    if !program.exists() {
        run("python3", &["-m", "venv", folder.to_str().unwrap()]);
        let pip = folder.join("bin/pip");
        run(
            pip.to_str().unwrap(),
            &["install", "-q", "uvicorn", "uvloop", "httptools"],
        );
    }
    program
}

#[test]
#[ignore = "needs a quiet machine: make others"]
fn nginx_pays_for_gzip_and_not_for_being_asked_twice() {
    let place = Place::new();
    let nginx = |gzip| {
        format!(
            "sh {SERVERS}/nginx.sh {{port}} {gzip} {}",
            place.path().display()
        )
    };
    let ask = ["--get", "/page.txt", "-H", "accept-encoding: gzip"];
    assert_eq!(
        verdict(&duel(&place, &nginx("off"), &nginx("on"), &ask)),
        "slower"
    );
    assert_eq!(
        verdict(&duel(&place, &nginx("on"), &nginx("off"), &ask)),
        "faster"
    );
    assert_eq!(
        verdict(&duel(&place, &nginx("off"), &nginx("off"), &ask)),
        "no-change"
    );
}

#[test]
#[ignore = "needs a quiet machine: make others"]
fn uvicorn_is_faster_on_uvloop() {
    let place = Place::new();
    let program = uvicorn();
    let uvicorn = |event_loop| {
        format!(
            "{} --app-dir {SERVERS} app:app --port {{port}} --no-access-log --log-level warning --loop {event_loop} --http httptools",
            program.display()
        )
    };
    let slower = duel(&place, &uvicorn("uvloop"), &uvicorn("asyncio"), &[]);
    assert_eq!(verdict(&slower), "slower");
    let same = duel(&place, &uvicorn("asyncio"), &uvicorn("asyncio"), &[]);
    assert_eq!(verdict(&same), "no-change");
}

#[test]
#[ignore = "needs a quiet machine: make others"]
fn node_is_no_slower_than_itself_and_slower_with_more_to_do() {
    let place = Place::new();
    let node = |items| format!("node {SERVERS}/server.mjs {{port}} {items}");
    let same = duel(&place, &node(199), &node(199), &[]);
    assert_eq!(verdict(&same), "no-change");
    let slower = duel(&place, &node(199), &node(257), &[]);
    assert_eq!(verdict(&slower), "slower");
}
