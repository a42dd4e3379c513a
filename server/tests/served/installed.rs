//! Other people's programs that tests need: found, or installed once into `target/`.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether a program is there; where it is not, outside CI, that is said aloud and its test passed over.
pub(crate) fn found(program: &str, package: &str, tested: &str) -> bool {
    let asked = Command::new(program).arg("-v").output();
    asked.is_ok() || missing(tested, &format!("apt-get install {package}"))
}

/// Where the libraries of `tests/clients/install.sh` are.
pub(crate) fn clients(tested: &str) -> Option<PathBuf> {
    let into = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
    let output = Command::new(script("install.sh"))
        .arg(&into)
        .output()
        .unwrap();
    let why = String::from_utf8_lossy(&output.stdout);
    (output.status.success() || missing(tested, why.trim())).then_some(into)
}

/// A file of `tests/clients`.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/clients")
        .join(name)
}

fn missing(tested: &str, why: &str) -> bool {
    assert!(
        std::env::var_os("CI").is_none(),
        "needed in CI for {tested}: {why}"
    );
    eprintln!("NOT TESTED: {tested}: {why}");
    false
}
