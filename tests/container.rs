//! What the container file starts, and how it asks whether that is well, without a container.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

const FILE: &str = include_str!("../deploy/Containerfile");
const AUTHLAB: &str = env!("CARGO_BIN_EXE_authlab");

/// The words of an instruction in its JSON form.
fn words(instruction: &str) -> Vec<String> {
    let line = FILE.lines().find_map(|line| line.strip_prefix(instruction));
    serde_json::from_str(line.unwrap()).unwrap()
}

#[test]
fn it_starts_a_server_that_its_own_check_finds_well_and_nobody_else() {
    assert_eq!(words("ENTRYPOINT "), ["authlab"]);
    let start = words("CMD ");
    assert_eq!(start, ["serve", "--listen", "0.0.0.0:8080"]);
    let mut server = Command::new(AUTHLAB)
        .args(["serve", "--listen", "127.0.0.1:0", "--password", "sha256"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(server.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let (_, port) = line.trim().rsplit_once(':').unwrap();
    let check = words("HEALTHCHECK CMD ");
    let is_well = || {
        let asked = check.iter().map(|word| word.replace("8080", port));
        let asked: Vec<_> = asked.collect();
        let status = Command::new(&asked[0])
            .args(&asked[1..])
            .stderr(Stdio::null())
            .status();
        status.unwrap().success()
    };
    let well = is_well();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(well);
    assert!(!is_well(), "nobody is there");
}

#[test]
fn it_copies_nothing_that_was_built_here() {
    let ignored = include_str!("../.dockerignore");
    for name in ["target", ".git", "reports/runs"] {
        assert!(ignored.lines().any(|line| line == name), "{name}");
    }
    assert!(FILE.contains("--locked") && FILE.contains("\nUSER authlab\n"));
}
