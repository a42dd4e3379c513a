//! A run of one variant has a summary, and text, Markdown, page, JSON, CSV and `.hlog` say the same figures.

use std::collections::BTreeMap;

use authlab_reports::folder::{Recordings, RunFolder};
use authlab_reports::run::{Bytes, Interval, PERCENTILES, Run, Status};
use authlab_reports::section::summary::{SHOWN, Summary};
use authlab_reports::section::timeline::Timeline;
use authlab_reports::{ladder, page, percentiles, program, quantity, render};
use serde_json::Value;

use crate::synthetic::{DESIGNS, Noise, planned, slice};

/// A run of one variant in two slices; the second has failures.
fn alone(parent: &std::path::Path, open: bool) -> Run {
    let design = &DESIGNS[1..2];
    let mut run = planned(design);
    run.scenario.loads.truncate(1);
    let load = &mut run.scenario.loads[0];
    (load.open, load.users) = (open, 8);
    run.scenario.baseline = "md5".into();
    run.scenario.ladder.capacity = None;
    run.scenario.changes.clear();
    let mut folder = RunFolder::create(parent, &run).unwrap();
    let mut noise = Noise(3);
    for block in 0..2 {
        let (mut slice, recorded) = slice(&run, &design[0], "one-user", block, &mut noise);
        if open {
            (slice.planned, slice.planned_ns) = (Some(800), Some(100_000_000));
        }
        slice.bytes = Some(Bytes {
            received: 180_000,
            sent: 60_450,
        });
        if block == 1 {
            slice.failed = [("status 503".to_owned(), 7), ("timeout".to_owned(), 2)].into();
        }
        folder.append(&mut run, slice, recorded).unwrap();
    }
    run.status = Status::Complete;
    run.elapsed_s = 12.0;
    folder.finish(&mut run).unwrap();
    run
}

#[test]
fn a_run_of_one_variant_is_a_summary_on_a_terminal_and_in_markdown() {
    let parent = tempfile::tempdir().unwrap();
    let run = alone(parent.path(), true);
    let document = ladder::document(&run);
    let text = render::text(&document);
    let widest = text
        .lines()
        .filter(|line| !line.starts_with("  "))
        .map(|line| line.chars().count())
        .max();
    assert!(widest <= Some(80), "{text}");
    insta::assert_snapshot!(text);
    insta::assert_snapshot!(render::markdown(&document));
}

#[test]
fn a_closed_load_has_one_latency_in_its_summary() {
    let parent = tempfile::tempdir().unwrap();
    let run = alone(parent.path(), false);
    insta::assert_snapshot!(render::text(&ladder::document(&run)));
}

#[test]
fn every_output_has_the_percentiles_of_the_histogram_logs() {
    let parent = tempfile::tempdir().unwrap();
    let run = alone(parent.path(), true);
    let folder = parent.path().join(&run.id);
    let mut recordings = Recordings::open(&folder, &run).unwrap();
    let mut logged: Option<hdrhistogram::Histogram<u64>> = None;
    for slice in &run.slices {
        for part in recordings.of(slice).unwrap() {
            if part.step == "items" && part.metric == "response" {
                match &mut logged {
                    Some(all) => all.add(&part.histogram).unwrap(),
                    None => logged = Some(part.histogram),
                }
            }
        }
    }
    let values = percentiles::values_at(&logged.unwrap(), &SHOWN);
    let text = render::text(&ladder::document(&run));
    let markdown = render::markdown(&ladder::document(&run));
    let page = page::render(&run).unwrap();
    let json = program::end(&run, "runs/x").unwrap();
    let step = &json["summary"][0]["steps"][1]["response_time"];
    let names = ["p50_ns", "p90_ns", "p95_ns", "p99_ns", "p99_9_ns"];
    let row = |text: &str| {
        let lines = text
            .lines()
            .skip_while(|line| !line.contains("response time"));
        let mut lines = lines.skip_while(|line| !line.contains("p99.9"));
        lines
            .find(|line| line.contains("items"))
            .unwrap()
            .to_owned()
    };
    for (value, name) in values.iter().zip(names) {
        assert_eq!(step[name], *value, "{name}: {step}");
        let written = quantity::duration(*value as f64);
        assert!(row(&text).contains(&written), "{written}: {text}");
        assert!(row(&markdown).contains(&written), "{written}: {markdown}");
        assert!(page.contains(&format!(">{written}</td>")), "{written}");
    }
}

#[test]
fn the_json_of_a_run_is_as_its_schema_says() {
    let schema: Value =
        serde_json::from_str(include_str!("../../../docs/summary.schema.json")).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    let parent = tempfile::tempdir().unwrap();
    let several = crate::synthetic::written(parent.path(), &DESIGNS[..2], 2).1;
    let other = tempfile::tempdir().unwrap();
    for run in [alone(other.path(), true), several, planned(&DESIGNS)] {
        let json = program::end(&run, "runs/x").unwrap();
        let faults: Vec<String> = schema
            .iter_errors(&json)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert_eq!(faults, Vec::<String>::new());
    }
    let mut json = program::end(&planned(&DESIGNS), "runs/x").unwrap();
    json["surprise"] = 1.into();
    assert!(schema.iter_errors(&json).next().is_some());
}

#[test]
fn a_summary_tells_statuses_from_errors_and_divides_by_the_time_of_the_answers() {
    let parent = tempfile::tempdir().unwrap();
    let run = alone(parent.path(), true);
    let summary = &Summary::alone(&run)[0];
    assert_eq!(summary.status, [("503".to_owned(), 7)].into());
    assert_eq!(summary.errors, [("timeout".to_owned(), 2)].into());
    assert_eq!((summary.ok, summary.failed), (1_200, 9));
    assert_eq!(summary.per_second, Some(6_000.0));
    assert_eq!(summary.planned_per_s, Some(8_000.0));
    let json = program::end(&run, "runs/x").unwrap();
    let bytes = &json["summary"][0]["bytes"];
    assert_eq!(
        (&bytes["received"], &bytes["sent"]),
        (&360_000.into(), &120_900.into())
    );
    // In 0.2 s, and of 1209 requests.
    assert_eq!(bytes["received_per_second"], 1_800_000.0);
    assert_eq!(bytes["sent_per_request"], 100.0);
    let mut older = run.clone();
    older.slices[0].bytes = None;
    assert_eq!(Summary::alone(&older)[0].bytes, None);
    let several =
        crate::synthetic::written(tempfile::tempdir().unwrap().path(), &DESIGNS[..2], 1).1;
    assert!(Summary::alone(&several).is_empty());
}

/// The second slice's figures as two seconds.
fn by_second(mut run: Run) -> Run {
    let slice = &mut run.slices[0];
    let mut figures = slice.figures.clone();
    figures.retain(|figure| ["response", "service"].contains(&figure.metric.as_str()));
    let interval = |at: u64, times: u64| Interval {
        start_ns: at * 1_000_000_000,
        length_ns: 1_000_000_000,
        ok: 300,
        failed: at,
        bytes: Some(Bytes {
            received: 1_000 + at,
            sent: 500,
        }),
        figures: figures
            .iter()
            .cloned()
            .map(|mut figure| {
                figure
                    .percentiles
                    .iter_mut()
                    .for_each(|value| *value *= times);
                figure
            })
            .collect(),
    };
    slice.intervals = vec![interval(0, 1), interval(1, 3)];
    run.slices.truncate(1);
    run
}

#[test]
fn a_continuous_run_has_a_point_and_a_row_for_each_second() {
    let parent = tempfile::tempdir().unwrap();
    let run = by_second(alone(parent.path(), true));
    let timeline = Timeline::of(&run).unwrap();
    let points = &timeline.lines[0].points;
    assert_eq!(points.len(), 2);
    assert!((points[1].p50_ns / points[0].p50_ns - 3.0).abs() < 1e-9);
    assert!((points[1].at_s - 1.5).abs() < 1e-9);
    let csv = program::csv(&run);
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    // Two seconds of two steps.
    assert_eq!(rows.len(), 5, "{csv}");
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{csv}");
    let column = |name: &str| rows[0].iter().position(|there| *there == name).unwrap();
    let items = rows.iter().filter(|row| row[column("step")] == "items");
    let items: Vec<_> = items.collect();
    assert_eq!(items[1][column("failed")], "1");
    assert_eq!(items[1][column("received_bytes")], "1001");
    assert_eq!(items[1][column("sent_bytes")], "500");
    assert_eq!(items[1][column("requests_per_second")], "300");
    let mut short = run.clone();
    short.slices[0].intervals[1].length_ns = 199_999_999;
    let csv = program::csv(&short);
    let last: Vec<&str> = csv.lines().last().unwrap().split(',').collect();
    assert_eq!(last[column("requests_per_second")], "");
    assert_eq!(last[column("ok")], "300");
    let p50: f64 = items[1][column("response_p50_ns")].parse().unwrap();
    assert!((p50 - points[1].p50_ns).abs() < 1e-9);
}

#[test]
fn time_series_hold_every_second_once_and_in_the_order_that_prometheus_asks_for() {
    let parent = tempfile::tempdir().unwrap();
    let run = by_second(alone(parent.path(), true));
    let text = program::openmetrics(&run).unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let mut families: Vec<&str> = Vec::new();
    let mut last: BTreeMap<&str, f64> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with("# EOF")) {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let name = family.split(' ').next().unwrap();
            assert!(!families.contains(&name), "{name} twice");
            families.push(name);
        } else if !line.starts_with('#') {
            let (series, rest) = line.rsplit_once("} ").unwrap();
            assert!(series.starts_with(&format!("{}{{", families.last().unwrap())));
            let (value, at) = rest.split_once(' ').unwrap();
            assert!(value.parse::<f64>().unwrap() >= 0.0, "{line}");
            let at = at.parse::<f64>().unwrap();
            assert!(
                last.insert(series, at).is_none_or(|before| before < at),
                "{line}"
            );
        }
    }
    let second = &run.slices[0].intervals[1];
    let figure = &second.figures[0];
    let line = text.lines().find(|line| {
        let seconds = line.contains(&format!("authlab_{}_time_seconds", figure.metric));
        let step = format!("step=\"{}\"", figure.step);
        seconds
            && line.contains(&step)
            && line.contains("quantile=\"0.5\"")
            && line.contains(&format!(" {} ", figure.percentiles[0] as f64 / 1e9))
    });
    assert!(line.is_some(), "{text}");
    assert_eq!(families.len(), 4, "{families:?}");
}

#[test]
fn a_slice_for_a_program_has_names_in_place_of_positions() {
    let parent = tempfile::tempdir().unwrap();
    let run = by_second(alone(parent.path(), true));
    let json = program::slice(&run.slices[0]).unwrap();
    assert!(!json.to_string().contains("percentiles"), "{json}");
    let figure = &run.slices[0].figures[0];
    assert_eq!(PERCENTILES[3].to_bits(), 99.0_f64.to_bits());
    assert_eq!(json["figures"][0]["p99_ns"], figure.percentiles[3]);
    assert_eq!(json["figures"][0]["max_ns"], figure.max);
    assert!(json["intervals"][1]["figures"][0]["p50_ns"].is_u64());
}
