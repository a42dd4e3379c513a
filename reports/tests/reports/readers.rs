//! Other people's readers find in `.hlog` and `.hgrm` files what we wrote: `PyPI` `hdrhistogram` and
//! `hdr-plot`, npm `hdr-histogram-js`, installed once into `target/`; and `plotFiles.html`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use authlab_reports::{
    folder::{Recorded, RunFolder, distribution},
    percentiles,
};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::installed::{installed, script, told_by};
use crate::synthetic::{DESIGNS, Noise, planned, recording, slice, written};

/// Milliseconds of the synthetic run's start.
const STARTED_MS: u64 = 1_795_302_900_000;

#[test]
fn python_and_javascript_read_what_was_written() {
    let Some(installed) = readers() else { return };
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
    let [python, javascript] = told_by_both(&installed, &log);
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

#[test]
fn python_and_javascript_read_the_untagged_log() {
    let Some(installed) = readers() else { return };
    let parent = tempfile::tempdir().unwrap();
    let mut run = planned(&DESIGNS);
    let mut folder = RunFolder::create(parent.path(), &run).unwrap();
    let (slice, _) = slice(&run, &DESIGNS[1], "one-user", 0, &mut Noise(11));
    let recorded = vec![
        recording("items", "response", 40e3, 900, &mut Noise(11)),
        recording("slow", "response", 402e6, 100, &mut Noise(12)),
    ];
    folder.append(&mut run, slice, recorded).unwrap();
    for told in told_by_both(&installed, &folder.path().join("md5.all.hlog")) {
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["count"], 1_000);
        // hdr-histogram-js has words for it.
        let tag = told[0]["tag"].as_str().unwrap_or("NO TAG");
        assert_eq!(tag, "NO TAG", "{told:?}");
    }
}

#[test]
fn hdr_plot_draws_a_distribution() {
    let Some(installed) = readers() else { return };
    let parent = tempfile::tempdir().unwrap();
    let (folder, _) = written(parent.path(), &DESIGNS, 2);
    let (one, other) = (
        folder.path().join("md5.one-user.items.hgrm"),
        folder.path().join("sha256.one-user.items.hgrm"),
    );
    let drawn = parent.path().join("drawn.png");
    let output = Command::new(installed.join("venv/bin/hdr-plot"))
        .arg("--output")
        .arg(&drawn)
        .args([one, other])
        // Its fonts' cache belongs to this test, and there is no screen.
        .env("MPLCONFIGDIR", installed.join("matplotlib"))
        .env("MPLBACKEND", "Agg")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let picture = std::fs::read(&drawn).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
    assert!(picture.len() > 10_000, "{} bytes", picture.len());
}

/// `plotFiles.html` takes each line of four columns that is no comment, reads the first as the
/// value and the last as 1/(1-percentile), and passes over what is no number. It joins the rows of
/// several files by their position.
#[test]
fn the_plot_files_page_finds_the_same_rows_in_every_distribution() {
    let of = |values: std::ops::Range<u64>| {
        let mut recorded = Histogram::<u64>::new(3).unwrap();
        for value in values {
            recorded.record(value * 1_000).unwrap();
        }
        plotted(&distribution(&recorded))
    };
    let (one, other) = (of(1..10_001), of(1..4));
    assert!(one.len() > 20, "{one:?}");
    let places = |rows: &[(f64, f64)]| rows.iter().map(|row| row.0).collect::<Vec<_>>();
    assert_eq!(places(&one), places(&other));
    assert!(one.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{one:?}");
    // The page labels milliseconds: half of 10 ms.
    let median = one.iter().find(|(place, _)| (place - 2.0).abs() < 1e-9);
    assert!((median.unwrap().1 - 5.0).abs() < 0.01, "{median:?}");
}

/// The rows as the page reads them: 1/(1-percentile) and value.
fn plotted(text: &str) -> Vec<(f64, f64)> {
    text.split('\n')
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let columns: Vec<_> = line.split(' ').filter(|part| !part.is_empty()).collect();
            let [value, _, _, place] = columns[..] else {
                return None;
            };
            let finite = |text: &str| text.parse().ok().filter(|number: &f64| number.is_finite());
            Some((finite(place)?, finite(value)?))
        })
        .collect()
}

fn told_by_both(installed: &Path, log: &Path) -> [Vec<Value>; 2] {
    let python = told_by(
        Command::new(installed.join("venv/bin/python"))
            .arg(script("readers", "read.py"))
            .arg(log),
    );
    let javascript = told_by(
        Command::new("node")
            .arg(script("readers", "read.js"))
            .arg(log)
            .arg(installed),
    );
    [python, javascript]
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

fn readers() -> Option<PathBuf> {
    installed(
        "readers",
        ".hlog and .hgrm files against hdrhistogram, hdr-histogram-js and hdr-plot",
    )
}
