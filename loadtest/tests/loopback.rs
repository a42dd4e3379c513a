//! What the repository starts, or tells people to start, beside a variant listens on loopback only.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

/// Servers that listen on every interface unless they are told otherwise.
const OPEN_BY_DEFAULT: [&str; 2] = ["redis-server", "valkey-server"];

fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = vec![root.join("README.md")];
    for folder in [
        "scenarios",
        "docs",
        "bench",
        "bench/regressions",
        "deploy",
        "deploy/duel",
    ] {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        files.extend(
            entries
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.is_file()),
        );
    }
    files
}

#[test]
fn every_redis_of_a_scenario_or_a_document_is_bound_to_loopback() {
    let mut commands = 0;
    for file in files() {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        for line in text
            .lines()
            .filter(|line| line.trim_start().starts_with("command = ["))
        {
            if OPEN_BY_DEFAULT.iter().any(|name| line.contains(name)) {
                commands += 1;
                assert!(
                    line.contains("\"--bind\", \"127.0.0.1\"") && !line.contains("protected-mode"),
                    "{}: {line}",
                    file.display()
                );
            }
        }
    }
    assert!(commands >= 3, "{commands}");
}
