//! Other people's readers find in `.hlog` files what we wrote: `PyPI` `hdrhistogram` and npm
//! `hdr-histogram-js`, installed once into `target/`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use authlab_reports::{
    folder::{Recorded, RunFolder},
    percentiles,
};
use serde_json::{Value, json};

use crate::synthetic::{DESIGNS, Noise, planned, recording, slice};

/// Milliseconds of the synthetic run's start.
const STARTED_MS: u64 = 1_795_302_900_000;

#[test]
fn python_and_javascript_read_what_was_written() {
    let Some(installed) = installed() else { return };
    let parent = tempfile::tempdir().unwrap();
    let mut run = planned(&DESIGNS);
    let mut folder = RunFolder::create(parent.path(), &run).unwrap();
    let mut noise = Noise(11);
    let mut expected = Vec::new();
    for block in 0..3 {
        let (slice, mut recorded) = slice(&run, &DESIGNS[1], "one-user", block, &mut noise);
        // At whole thousands every reader's rounding of ranks agrees.
        recorded.push(recording("items", "first-byte", 40e3, 3_000, &mut noise));
        recorded.push(recording("slow", "service", 402e6, 1_000, &mut noise));
        recorded.push(recording("hour", "service", 3.6e12, 2, &mut noise));
        expected.extend(recorded.iter().map(|part| told(part, slice.start_ns)));
        folder.append(&mut run, slice, recorded).unwrap();
    }
    let log = folder.path().join("md5.hlog");
    let python = told_by(
        Command::new(installed.join("venv/bin/python"))
            .arg(here("read.py"))
            .arg(&log),
    );
    let javascript = told_by(
        Command::new("node")
            .arg(here("read.js"))
            .arg(&log)
            .arg(&installed),
    );
    for (reader, told) in [("hdrhistogram", python), ("hdr-histogram-js", javascript)] {
        assert_eq!(told.len(), expected.len(), "{reader}");
        for (told, expected) in told.iter().zip(&expected) {
            for key in ["tag", "start_ms", "count", "max", "percentiles"] {
                assert_eq!(told[key], expected[key], "{reader}: {key} of {expected}");
            }
            if expected["count"].as_u64().unwrap().is_multiple_of(1000) {
                assert_eq!(
                    told["plain"], expected["percentiles"],
                    "{reader}: {expected}"
                );
            }
        }
    }
}

fn told(part: &Recorded, start_ns: u64) -> Value {
    json!({
        "tag": format!("one-user.{}.{}", part.step, part.metric),
        "start_ms": STARTED_MS + start_ns / 1_000_000,
        "count": part.histogram.len(),
        "max": part.histogram.max(),
        "percentiles": percentiles::values_at(&part.histogram, &[50.0, 99.0, 99.9]),
    })
}

fn told_by(reader: &mut Command) -> Vec<Value> {
    let output = reader.output().unwrap();
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

/// Where the readers are; none, said aloud, where they cannot be had outside CI.
fn installed() -> Option<PathBuf> {
    let into = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readers");
    let output = Command::new(here("install.sh"))
        .arg(&into)
        .output()
        .unwrap();
    if output.status.success() {
        return Some(into);
    }
    let why = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(
        std::env::var_os("CI").is_none(),
        "the readers of .hlog files are needed in CI: {why}"
    );
    eprintln!("NOT TESTED: .hlog files against hdrhistogram and hdr-histogram-js: {why}");
    None
}

fn here(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/readers")
        .join(script)
}
