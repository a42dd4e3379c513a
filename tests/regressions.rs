//! The changes of `make regressions` and `make check-regressions` are changes of the sources as they are.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

use std::path::Path;
use std::process::Command;

#[test]
fn each_regression_applies_to_the_sources_as_they_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut applied = 0;
    let folders = ["bench/regressions", "check/regressions"];
    let entries = folders.map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    for entry in entries.into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|kind| kind != "patch") {
            continue;
        }
        let mut git = Command::new("git");
        git.current_dir(root).args(["apply", "--check"]).arg(&path);
        let output = git.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {error}", path.display());
        applied += 1;
    }
    assert!(applied >= 7, "{applied}");
}
