//! `authlab prove exact` before it counts: what is wrong or missing is one line that says what to do, and exit 2.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

const WORKSPACE: &str = env!("CARGO_MANIFEST_DIR");

/// Its only line, where nothing is on the path but what `folder` holds.
fn refused(folder: &Path, words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_authlab"))
        .args(["prove", "exact"])
        .args(words)
        .current_dir(WORKSPACE)
        .env("PATH", folder)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said.trim().to_owned()
}

fn program(folder: &Path, name: &str, says: &str) {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_missing_tool_is_named_with_the_command_that_installs_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(
        refused(folder, &[]),
        "authlab: valgrind is missing: apt-get install valgrind"
    );
    program(folder, "valgrind", "valgrind-3.19.0");
    let said = refused(folder, &[]);
    let install = "cargo install gungraun-runner --locked --version 0.";
    assert!(
        said.starts_with(&format!("authlab: gungraun-runner is missing: {install}")),
        "{said}"
    );
    program(folder, "gungraun-runner", "gungraun-runner 0.1.0");
    let said = refused(folder, &[]);
    assert!(
        said.starts_with("authlab: gungraun-runner 0.1.0 is there, and 0."),
        "{said}"
    );
    assert!(said.contains(install), "{said}");
}

#[test]
fn a_baseline_that_is_not_there_is_said_before_anything_is_built() {
    let folder = tempfile::tempdir().unwrap();
    let said = refused(folder.path(), &["--against", "none.json"]);
    assert!(
        said.starts_with("authlab: none.json: No such file"),
        "{said}"
    );
    assert!(said.ends_with("`make exact-accept` writes one"), "{said}");
}
