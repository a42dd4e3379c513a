//! Other people's programs that tests need, installed once into `target/`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Where the programs of `tests/<tools>/install.sh` are; none, said aloud, where they cannot be had
/// outside CI.
pub(crate) fn installed(tools: &str, tested: &str) -> Option<PathBuf> {
    let into = Path::new(env!("CARGO_TARGET_TMPDIR")).join(tools);
    let output = Command::new(script(tools, "install.sh"))
        .arg(&into)
        .output()
        .unwrap();
    if output.status.success() {
        return Some(into);
    }
    let why = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(
        std::env::var_os("CI").is_none(),
        "needed in CI for {tested}: {why}"
    );
    eprintln!("NOT TESTED: {tested}: {why}");
    None
}

/// A script of theirs.
pub(crate) fn script(tools: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(tools)
        .join(name)
}

/// The lines of JSON that a program prints.
pub(crate) fn told_by(program: &mut Command) -> Vec<Value> {
    let output = program.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
