//! Tells the binary which commit it was built from, which a run records, and gives it the scenarios that it carries.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=.git/logs/HEAD");
    println!("cargo:rerun-if-changed=src");
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    // A container's build has the sources without their history: it is told.
    println!("cargo:rerun-if-env-changed=AUTHLAB_COMMIT");
    let commit = git(&["rev-parse", "--short=12", "HEAD"])
        .or_else(|| std::env::var("AUTHLAB_COMMIT").ok())
        .unwrap_or_default();
    println!("cargo:rustc-env=AUTHLAB_COMMIT={commit}");
    let profile = std::env::var("PROFILE").unwrap_or_default();
    println!("cargo:rustc-env=AUTHLAB_PROFILE={profile}");
    scenarios().expect("the scenarios are beside the manifest");
}

/// Each file under `scenarios/`, its name and its text, in the order of their names: what `src/builtin.rs` includes.
fn scenarios() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=scenarios");
    let folder = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder.join("scenarios"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "toml") {
            println!("cargo:rerun-if-changed={}", path.display());
            files.push(path);
        }
    }
    files.sort_by_key(|path| path.file_stem().map(ToOwned::to_owned));
    let mut text = String::from("&[\n");
    for path in files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let _ = writeln!(
            text,
            "({name:?}, include_str!({:?})),",
            path.to_string_lossy()
        );
    }
    text.push_str("]\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    std::fs::write(Path::new(&out).join("scenarios.rs"), text)
}
