//! An overloaded server in every output: its throughput is its capacity, and the response time from
//! the intended start stands before the service time.
//!
//! The figures are those of arithmetic: a server that takes 5 ms for a request, one after another,
//! is offered 400 requests a second for two seconds by eight users.

use std::path::Path;

use authlab_reports::folder::{self, Recorded, RunFolder};
use authlab_reports::run::{Latency, Run, Shard, Slice, Status, throughput};
use authlab_reports::section::timeline::Timeline;
use authlab_reports::{finding::Finding, ladder, merge, page, render, section::curves};
use hdrhistogram::Histogram;

use crate::synthetic::{DESIGNS, Noise, at, planned, slice};

const OFFERED: u64 = 400;
const CAPACITY: u64 = 200;
const PLANNED_S: u64 = 2;
const USERS: u64 = 8;
const NS_PER_S: u64 = 1_000_000_000;

/// Of one slice: response and service times, as Lindley's recursion gives them, of every `of`-th
/// request from the `number`-th on.
fn recorded(number: u64, of: u64) -> (u64, Vec<Recorded>) {
    let [mut response, mut service] = [(); 2].map(|()| Histogram::new(3).unwrap());
    let takes = NS_PER_S / CAPACITY;
    let mut count = 0;
    for k in (0..OFFERED * PLANNED_S).filter(|k| k % of == number) {
        let ended = (k + 1) * takes;
        let intended = k * NS_PER_S / OFFERED;
        // It is sent when the request of eight before it is answered.
        let sent = ((k + 1).saturating_sub(USERS) * takes).max(intended);
        response.record(ended - intended).unwrap();
        service.record(ended - sent).unwrap();
        count += 1;
    }
    let of_step = |metric: &str, histogram| Recorded {
        step: "items".into(),
        metric: metric.into(),
        histogram,
    };
    let recorded = vec![of_step("response", response), of_step("service", service)];
    (count, recorded)
}

/// A run of some blocks, two slices each, of all arrivals or of one shard's.
fn overloaded(parent: &Path, shard: Option<(u32, u32)>) -> Run {
    let design = &DESIGNS[1..2];
    let mut run = planned(design);
    run.scenario.loads.truncate(1);
    let load = &mut run.scenario.loads[0];
    (load.open, load.slice_ms) = (true, PLANNED_S * 1_000);
    load.steps = vec!["items".into()];
    run.scenario.baseline = "md5".into();
    run.scenario.ladder.first = None;
    run.scenario.ladder.capacity = None;
    run.scenario.changes.clear();
    let (number, of) = shard.unwrap_or((0, 1));
    if let Some((number, of)) = shard {
        run.id = format!("{}-{number}-of-{of}", run.id);
        run.shard = Some(Shard {
            number,
            of,
            start_at: run.started.clone(),
        });
    }
    let mut folder = RunFolder::create(parent, &run).unwrap();
    let mut noise = Noise(1);
    for block in 0..4 {
        let (mut slice, _) = slice(&run, &design[0], "one-user", block / 2, &mut noise);
        let (count, recorded) = recorded(number.into(), of.into());
        let until_last = PLANNED_S * NS_PER_S * OFFERED / CAPACITY;
        slice.start_ns = block as u64 * 5 * NS_PER_S;
        // The time until a request at the end was no longer waited for is no part of the rate.
        slice.length_ns = until_last + NS_PER_S;
        slice.answered_ns = Some(until_last);
        slice.planned_ns = Some(PLANNED_S * NS_PER_S);
        (slice.planned, slice.ok) = (Some(count), count);
        folder.append(&mut run, slice, recorded).unwrap();
    }
    run.status = Status::Complete;
    folder.finish(&mut run).unwrap();
    run
}

/// Of 800 requests the k-th has 5 ms + 2.5 ms × k: the median is a second, the 99th percentile 1.98 s.
const RESPONSE_P50: &str = "1.00 s";
const RESPONSE_P99: &str = "1.98 s";
/// Eight requests are under way, each of which takes 5 ms.
const SERVICE_P50: &str = "40.0 ms";
const RATES: &str = "planned 400 arrivals/s, answered 200/s";

#[test]
fn the_text_the_summary_and_the_page_say_the_capacity_and_the_response_time_first() {
    let parent = tempfile::tempdir().unwrap();
    let run = overloaded(parent.path(), None);
    let texts = [
        render::text(&ladder::document(&run)),
        render::markdown(&ladder::document(&run)),
        page::render(&run).unwrap(),
    ];
    let sentence = format!(
        "{RATES}; response time {RESPONSE_P50} at p50, {RESPONSE_P99} at p99; service time {SERVICE_P50} at p50, "
    );
    for text in &texts {
        assert!(text.contains(&sentence), "{sentence}: {text}");
        let places = ["response time", "service time", RESPONSE_P50, SERVICE_P50]
            .map(|part| text.find(part).unwrap_or_else(|| panic!("{part}: {text}")));
        assert!(places[0] < places[1] && places[2] < places[3], "{text}");
    }
    let cells = |after: &str| -> Vec<String> {
        let mut lines = texts[0].lines().skip_while(|line| !line.starts_with(after));
        let row = lines.nth(1).unwrap();
        let cells = row.split("  ").map(str::trim);
        cells
            .filter(|cell| !cell.is_empty())
            .map(ToOwned::to_owned)
            .collect()
    };
    let [response, service] = ["response time", "service time"].map(cells);
    assert_eq!(response[..2], ["items", RESPONSE_P50]);
    assert_eq!(response[4], RESPONSE_P99);
    assert_eq!(service[..2], ["items", SERVICE_P50]);
    assert!(texts[0].contains("Throughput: 200 requests/s\n"));
}

#[test]
fn the_cards_the_charts_and_the_findings_of_a_page_are_of_the_response_time() {
    let parent = tempfile::tempdir().unwrap();
    let run = overloaded(parent.path(), None);
    let page = page::render(&run).unwrap();
    for part in [
        &format!("data-column=\"response p50\">{RESPONSE_P50}</td>"),
        &format!("data-column=\"service p50\">{SERVICE_P50}</td>"),
        "<h2>Percentiles of response time: one-user, items</h2>",
        "<h2>Percentiles of service time: one-user, items</h2>",
        "<h2>Over the run: one-user, items, response time</h2>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let charts = curves::of(&run);
    let latencies: Vec<Latency> = charts.iter().map(|chart| chart.latency).collect();
    assert_eq!(latencies, [Latency::Response, Latency::Service]);
    let timeline = Timeline::of(&run).unwrap();
    let p50_s = timeline.lines[0].points[0].p50_ns / 1e9;
    assert!((p50_s - 1.0).abs() < 0.01, "{p50_s}");
    let picture = page::picture(&run).unwrap().unwrap();
    assert!(picture.contains("response time by percentile") && picture.contains(RESPONSE_P50));
    let found = Finding::of(&run).sentences.join("\n");
    assert!(!found.contains(SERVICE_P50), "{found}");
    // The distribution for plotters is of the same latency: on the average 5 ms + 2.5 ms × 399.5.
    let folder = parent.path().join(&run.id);
    let plotted = std::fs::read_to_string(folder.join("md5.one-user.items.hgrm")).unwrap();
    let (_, mean) = plotted.split_once("#[Mean    =").unwrap();
    let mean: f64 = mean.split(',').next().unwrap().trim().parse().unwrap();
    assert!((mean / 1_003.75 - 1.0).abs() < 0.01, "{plotted}");
}

#[test]
fn run_json_holds_the_time_in_which_the_answers_came() {
    let parent = tempfile::tempdir().unwrap();
    let run = overloaded(parent.path(), None);
    let read = folder::read(&parent.path().join(&run.id)).unwrap();
    for slice in &read.slices {
        let rate = slice.ok as f64 / (slice.answered_ns.unwrap() as f64 / 1e9);
        assert!((rate - CAPACITY as f64).abs() < 1e-9, "{rate}");
        assert_eq!(slice.throughput(), Some(rate));
    }
    assert_eq!(throughput(&read.slices), Some(CAPACITY as f64));
    let response = read.latency("md5", &at("one-user", "items")).unwrap();
    assert_eq!(response.metric, "response");
}

#[test]
fn the_shards_of_a_load_add_up_to_the_servers_capacity() {
    let parent = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..2)
        .map(|number| {
            let run = overloaded(parent.path(), Some((number, 2)));
            parent.path().join(run.id)
        })
        .collect();
    let merged = merge::merge(&paths, parent.path(), vec!["authlab".into()], false).unwrap();
    let text = render::text(&ladder::document(&merged.run));
    assert!(text.contains(RATES), "{text}");
    assert_eq!(
        throughput(&merged.run.slices),
        Some(CAPACITY as f64),
        "{text}"
    );
}

#[test]
fn a_run_of_an_older_version_is_answered_until_its_last_answer() {
    let parent = tempfile::tempdir().unwrap();
    let mut run = overloaded(parent.path(), None);
    for slice in &mut run.slices {
        (slice.answered_ns, slice.planned_ns) = (None, None);
        slice.length_ns = PLANNED_S * NS_PER_S * OFFERED / CAPACITY;
    }
    let text = render::text(&ladder::document(&run));
    assert!(text.contains(RATES), "{text}");
}

#[test]
fn slices_shorter_than_a_millisecond_have_a_rate() {
    let parent = tempfile::tempdir().unwrap();
    let mut run = overloaded(parent.path(), None);
    run.scenario.loads[0].slice_ms = 0;
    let text = render::text(&ladder::document(&run));
    assert!(text.contains(RATES), "{text}");
    let none = Slice {
        length_ns: 0,
        answered_ns: None,
        ..run.slices[0].clone()
    };
    assert_eq!(none.throughput(), None);
}

#[test]
fn closed_users_have_one_latency_and_it_is_the_service_time() {
    let parent = tempfile::tempdir().unwrap();
    let (_, run) = crate::synthetic::written(parent.path(), &DESIGNS[..2], 2);
    let text = render::text(&ladder::document(&run));
    assert!(
        !text.contains("response") && !text.contains("service p50"),
        "{text}"
    );
    let charts = curves::of(&run);
    assert!(charts.iter().all(|chart| chart.latency == Latency::Service));
    let ladder = &run.scenario.ladder.latency;
    assert_eq!(run.latency("md5", ladder).unwrap().metric, "service");
    assert!(run.second_latency("md5", ladder).is_none());
    let [response, service] = ["response", "service"].map(|m| run.figure("md5", ladder, m));
    assert_ne!(response.unwrap().p50(), service.unwrap().p50());
}
