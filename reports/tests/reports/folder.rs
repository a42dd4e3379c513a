//! A run on disk: whole or readable, never in between.

use std::{fs, path::Path};

use authlab_reports::{
    folder::{self, FolderError, Recorded, RunFolder},
    percentiles,
    run::{PERCENTILES, Run},
};
use hdrhistogram::{
    Histogram,
    serialization::{
        Deserializer,
        interval_log::{IntervalLogIterator, LogEntry},
    },
};

use crate::synthetic::{DESIGNS, Noise, planned, recording, slice, written};

#[test]
fn what_is_written_is_read_back() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, run) = written(parent.path(), &DESIGNS, 3);
    assert_eq!(folder::read(folder.path()).unwrap(), run);
    assert_eq!(folder::read(&folder.path().join("run.json")).unwrap(), run);
    assert!(run.merged.iter().any(|figure| !figure.curve.is_empty()));
}

#[test]
fn merged_figures_are_those_of_all_slices_together() {
    let parent = tempfile::tempdir().unwrap();
    let mut run = planned(&DESIGNS);
    let mut folder = RunFolder::create(parent.path(), &run).unwrap();
    let mut noise = Noise(3);
    let mut all = Histogram::<u64>::new(3).unwrap();
    for block in 0..5 {
        let (slice, recorded) = slice(&run, &DESIGNS[1], "one-user", block, &mut noise);
        let service = recorded
            .iter()
            .find(|part| part.step == "items" && part.metric == "service")
            .unwrap();
        all.add(&service.histogram).unwrap();
        folder.append(&mut run, slice, recorded).unwrap();
        let merged = run
            .figure("md5", &crate::synthetic::at("one-user", "items"), "service")
            .unwrap();
        assert_eq!(merged.count, all.len());
        assert_eq!(
            merged.percentiles,
            percentiles::values_at(&all, PERCENTILES)
        );
    }
}

#[test]
fn a_killed_run_is_readable_without_finish() {
    let parent = tempfile::tempdir().unwrap();
    let mut run = planned(&DESIGNS);
    let mut folder = RunFolder::create(parent.path(), &run).unwrap();
    let (slice, recorded) = slice(&run, &DESIGNS[1], "one-user", 0, &mut Noise(3));
    folder.append(&mut run, slice, recorded).unwrap();
    let path = folder.path().to_owned();
    drop(folder);
    folder::render(&path).unwrap();
    assert!(folder::read(&path).is_ok());
    assert_eq!(intervals(&path.join("md5.hlog")), 8);
}

#[test]
fn every_interval_is_decodable_and_tagged() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, _) = written(parent.path(), &DESIGNS, 2);
    let text = fs::read_to_string(folder.path().join("md5.hlog")).unwrap();
    insta::assert_snapshot!(text.lines().take(5).collect::<Vec<_>>().join("\n"));
    assert!(
        text.contains("\nTag=one-user.items.service,0.110,0.100,"),
        "{text}"
    );
    assert_eq!(intervals(&folder.path().join("md5.hlog")), 2 * (8 + 1));
}

#[test]
fn the_untagged_log_holds_the_response_of_all_steps_an_interval_a_slice() {
    let parent = tempfile::tempdir().unwrap();
    let mut run = planned(&DESIGNS);
    let mut folder = RunFolder::create(parent.path(), &run).unwrap();
    let mut noise = Noise(3);
    let mut counts = Vec::new();
    for block in 0..2_u64 {
        let (slice, mut recorded) =
            slice(&run, &DESIGNS[1], "one-user", block as usize, &mut noise);
        recorded.retain(|part| part.metric != "response");
        recorded.push(recording("items", "response", 58e3, 900, &mut noise));
        recorded.push(recording(
            "slow",
            "response",
            402e6,
            100 + block,
            &mut noise,
        ));
        counts.push(1_000 + block);
        folder.append(&mut run, slice, recorded).unwrap();
    }
    let log = folder.path().join("md5.all.hlog");
    assert!(!fs::read_to_string(&log).unwrap().contains("Tag="));
    let read: Vec<_> = decoded(&log).iter().map(Histogram::len).collect();
    assert_eq!(read, counts);
}

#[test]
fn two_variants_that_would_write_one_log_are_refused() {
    let parent = tempfile::tempdir().unwrap();
    let mut run = planned(&DESIGNS);
    run.variants[0].name = format!("{}.all", run.variants[1].name);
    let refused = RunFolder::create(parent.path(), &run).err().unwrap();
    assert!(
        refused.to_string().contains("md5.all.hlog: rename one"),
        "{refused}"
    );
}

#[test]
fn a_distribution_has_the_columns_and_the_footer_that_plotters_expect() {
    let mut recorded = Histogram::<u64>::new(3).unwrap();
    for value in 1..=10_000_u64 {
        recorded.record(value * 1_000).unwrap();
    }
    insta::assert_snapshot!(folder::distribution(&recorded));
}

#[test]
fn a_distribution_is_written_for_each_variant_load_and_step() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, _) = written(parent.path(), &DESIGNS, 1);
    for name in [
        "md5.one-user.items.hgrm",
        "md5.one-user.first.hgrm",
        "md5-article.capacity.items.hgrm",
    ] {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
}

#[test]
fn nothing_is_overwritten_by_a_second_run_of_the_same_name() {
    let parent = tempfile::tempdir().unwrap();
    let run = planned(&DESIGNS);
    RunFolder::create(parent.path(), &run).unwrap();
    let refused = RunFolder::create(parent.path(), &run)
        .err()
        .unwrap()
        .to_string();
    assert!(refused.ends_with("File exists (os error 17)"), "{refused}");
}

#[test]
fn runs_begun_within_one_second_are_numbered() {
    let parent = tempfile::tempdir().unwrap();
    let ids = [(); 3].map(|()| {
        let mut run = planned(&DESIGNS);
        let folder = RunFolder::create_numbered(parent.path(), &mut run).unwrap();
        assert!(folder.path().ends_with(&run.id));
        run.id
    });
    let first = planned(&DESIGNS).id;
    assert_eq!(
        ids,
        [first.clone(), format!("{first}-2"), format!("{first}-3")]
    );
}

#[test]
fn what_cannot_be_read_is_named_in_one_line() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("run.json");
    let said = |content: &str| {
        fs::write(&file, content).unwrap();
        folder::read(&file)
            .unwrap_err()
            .to_string()
            .replace(&parent.path().display().to_string(), "RUNS")
    };
    let mut newer = serde_json::to_value(planned(&DESIGNS)).unwrap();
    newer["format"] = 99.into();
    let mut unknown = serde_json::to_value(planned(&DESIGNS)).unwrap();
    unknown["machine"]["gpu"] = "none".into();
    // The place that is named does not depend on how maps are kept.
    unknown.sort_all_objects();
    insta::assert_snapshot!(
        [
            said("{\n  \"format\": 1,\n"),
            said("latency: 3"),
            said("{}"),
            said(&newer.to_string()),
            said(&unknown.to_string()),
            folder::read(Path::new("/nowhere/at/all"))
                .unwrap_err()
                .to_string(),
        ]
        .join("\n")
    );
}

#[test]
fn a_name_that_leads_out_of_the_folder_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    for id in ["../elsewhere", "", "a/b", ".hidden"] {
        let run = Run {
            id: id.into(),
            ..planned(&DESIGNS)
        };
        assert!(
            matches!(
                RunFolder::create(parent.path(), &run),
                Err(FolderError::Name { .. })
            ),
            "{id}"
        );
    }
}

#[test]
fn a_tag_that_no_log_can_hold_is_refused_and_the_log_stays_whole() {
    let parent = tempfile::tempdir().unwrap();
    let mut run = planned(&DESIGNS);
    let mut folder = RunFolder::create(parent.path(), &run).unwrap();
    let (slice, mut recorded) = slice(&run, &DESIGNS[1], "one-user", 0, &mut Noise(3));
    folder
        .append(&mut run, slice.clone(), recorded.clone())
        .unwrap();
    recorded.push(Recorded {
        step: "a, b".into(),
        ..recorded[0].clone()
    });
    let refused = folder.append(&mut run, slice, recorded).unwrap_err();
    assert!(matches!(refused, FolderError::Tag { .. }), "{refused}");
    assert_eq!(intervals(&folder.path().join("md5.hlog")), 8);
}

#[test]
fn a_full_disk_is_named_and_costs_nothing_that_was_there() {
    let parent = tempfile::tempdir().unwrap();
    let (mut folder, mut run) = written(parent.path(), &DESIGNS, 1);
    let log = folder.path().join("md5.hlog");
    let before = fs::read(&log).unwrap();
    // What stands in the way of a rename stands for a disk that takes nothing more.
    let run_json = folder.path().join("run.json");
    let kept = fs::read(&run_json).unwrap();
    fs::create_dir(folder.path().join(".run.json.new")).unwrap();
    let refused = folder.finish(&mut run).unwrap_err().to_string();
    assert!(
        refused.starts_with(&format!("cannot write {}: ", run_json.display())),
        "{refused}"
    );
    assert_eq!(
        (fs::read(&log).unwrap(), fs::read(&run_json).unwrap()),
        (before, kept)
    );
}

fn intervals(log: &Path) -> usize {
    decoded(log).len()
}

fn decoded(log: &Path) -> Vec<Histogram<u64>> {
    let bytes = fs::read(log).unwrap();
    let mut deserializer = Deserializer::new();
    let mut read = Vec::new();
    for entry in IntervalLogIterator::new(&bytes) {
        if let LogEntry::Interval(interval) = entry.unwrap() {
            let decoded: Histogram<u64> = deserializer
                .deserialize(&mut base64(interval.encoded_histogram()).as_slice())
                .unwrap();
            assert!(!decoded.is_empty());
            assert!((interval.max() - decoded.max() as f64).abs() < 1.0);
            read.push(decoded);
        }
    }
    read
}

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap()
}
