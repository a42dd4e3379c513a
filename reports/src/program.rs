//! A run for a program: JSON objects with named figures, a table in CSV, time series in OpenMetrics.

mod openmetrics;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

pub use self::openmetrics::openmetrics;
use crate::run::{self, Bytes, Figure, Interval, Latency, PERCENTILES, Run, Slice};
use crate::section::summary::{self, Summary};

/// A slice: its fields as in `run.json`, each figure with the names and units of its values.
///
/// # Errors
/// When a value cannot be written.
pub fn slice(slice: &Slice) -> serde_json::Result<Value> {
    let mut value = named(serde_json::to_value(slice)?);
    if let Value::Object(members) = &mut value {
        members.insert("event".to_owned(), "slice".into());
        members.insert("requests_per_second".to_owned(), slice.throughput().into());
    }
    Ok(value)
}

/// The whole run, as `docs/summary.schema.json` describes it; `folder` is where it lies.
///
/// # Errors
/// When a value cannot be written.
pub fn end(run: &Run, folder: &str) -> serde_json::Result<Value> {
    let summaries = Summary::each(run);
    let mut members = Map::new();
    members.insert("event".to_owned(), "end".into());
    members.insert("run".to_owned(), folder.into());
    members.insert("status".to_owned(), serde_json::to_value(&run.status)?);
    members.insert("validity".to_owned(), serde_json::to_value(&run.validity)?);
    let spoken: Vec<Spoken<'_>> = summaries.iter().map(Spoken::of).collect();
    members.insert("summary".to_owned(), serde_json::to_value(spoken)?);
    members.insert(
        "merged".to_owned(),
        named(serde_json::to_value(&run.merged)?),
    );
    if !run.capacities.is_empty() {
        let capacities = serde_json::to_value(&run.capacities)?;
        members.insert("capacities".to_owned(), capacities);
    }
    Ok(Value::Object(members))
}

#[derive(Serialize)]
struct Spoken<'a> {
    variant: &'a str,
    load: &'a str,
    model: &'static str,
    users: usize,
    requests: u64,
    ok: u64,
    failed: u64,
    retried: u64,
    seconds: f64,
    requests_per_second: Option<f64>,
    planned_per_second: Option<f64>,
    bytes: Option<SpokenBytes>,
    status: BTreeMap<String, u64>,
    errors: &'a BTreeMap<String, u64>,
    steps: Vec<SpokenStep<'a>>,
}

#[derive(Serialize)]
struct SpokenBytes {
    received: u64,
    sent: u64,
    received_per_second: Option<f64>,
    sent_per_second: Option<f64>,
    received_per_request: Option<f64>,
    sent_per_request: Option<f64>,
}

#[derive(Serialize)]
struct SpokenStep<'a> {
    step: &'a str,
    latency: &'static str,
    response_time: Option<Map<String, Value>>,
    service_time: Option<Map<String, Value>>,
}

impl<'a> Spoken<'a> {
    fn of(summary: &'a Summary) -> Self {
        let mut status: BTreeMap<String, u64> = BTreeMap::new();
        // Of a run that no answer came to there is nothing to tell.
        if summary.statuses.is_empty() && summary.ok > 0 {
            status.insert("expected".to_owned(), summary.ok);
        }
        let answered = summary.statuses.iter();
        let answered = answered.map(|(code, count)| (code.to_string(), *count));
        let others = summary.status.iter();
        let others = others.map(|(code, count)| (code.clone(), *count));
        // Of two steps one may expect what the other does not.
        for (code, count) in answered.chain(others) {
            let sum = status.entry(code).or_default();
            *sum = sum.saturating_add(count);
        }
        Self {
            variant: &summary.variant,
            load: &summary.load,
            model: match summary.latency {
                Latency::Response => "open",
                Latency::Service => "closed",
            },
            users: summary.users,
            requests: summary.ok.saturating_add(summary.failed),
            ok: summary.ok,
            failed: summary.failed,
            retried: summary.retried,
            seconds: summary.answering.as_secs_f64(),
            requests_per_second: summary.per_second,
            planned_per_second: summary.planned_per_s,
            bytes: summary.bytes.map(|Bytes { received, sent }| SpokenBytes {
                received,
                sent,
                received_per_second: summary.bytes_per_second(received),
                sent_per_second: summary.bytes_per_second(sent),
                received_per_request: summary.bytes_per_request(received),
                sent_per_request: summary.bytes_per_request(sent),
            }),
            status,
            errors: &summary.errors,
            steps: summary
                .steps
                .iter()
                .map(|step| SpokenStep {
                    step: &step.name,
                    latency: match summary.latency {
                        Latency::Response => "response_time",
                        Latency::Service => "service_time",
                    },
                    response_time: step.response.as_ref().map(figure),
                    service_time: step.service.as_ref().map(figure),
                })
                .collect(),
        }
    }
}

/// `p99_ns`, `p99_9_ns`
fn key(percentile: f64) -> String {
    format!("p{percentile}_ns").replace('.', "_")
}

fn figure(figure: &Figure) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("count".to_owned(), figure.count.into());
    members.insert("min_ns".to_owned(), figure.min.into());
    members.insert("mean_ns".to_owned(), figure.mean.into());
    for (percentile, value) in PERCENTILES.iter().zip(&figure.percentiles) {
        members.insert(key(*percentile), (*value).into());
    }
    members.insert("max_ns".to_owned(), figure.max.into());
    members
}

/// Every figure within a value with `p99_ns` in place of a position in `percentiles`.
fn named(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(named).collect(),
        Value::Object(members) if members.contains_key("percentiles") => {
            let mut named = Map::new();
            for (name, value) in members {
                match (name.as_str(), value) {
                    ("percentiles", Value::Array(values)) => {
                        let values = PERCENTILES.iter().zip(values);
                        named.extend(values.map(|(percentile, value)| (key(*percentile), value)));
                    }
                    ("min" | "mean" | "max", value) => {
                        named.insert(format!("{name}_ns"), value);
                    }
                    (_, value) => {
                        named.insert(name, value);
                    }
                }
            }
            Value::Object(named)
        }
        Value::Object(members) => {
            let members = members.into_iter();
            Value::Object(members.map(|(name, value)| (name, named(value))).collect())
        }
        other => other,
    }
}

/// Every slice, or every second of a continuous one, and each of its steps: a row with a header above all of them.
#[must_use]
pub fn csv(run: &Run) -> String {
    let latencies = [Latency::Response, Latency::Service];
    let mut header: Vec<String> = [
        "variant",
        "load",
        "block",
        "start_ns",
        "length_ns",
        "ok",
        "failed",
        "requests_per_second",
        "received_bytes",
        "sent_bytes",
        "step",
    ]
    .map(ToOwned::to_owned)
    .into();
    for latency in latencies {
        let of = |name: String| format!("{}_{name}", latency.metric());
        header.push(of("count".to_owned()));
        header.push(of("mean_ns".to_owned()));
        header.extend(summary::SHOWN.map(|percentile| of(key(percentile))));
        header.push(of("max_ns".to_owned()));
    }
    let mut text = line(&header);
    for slice in run.slices.iter().filter(|slice| !slice.was_paused()) {
        let steps = run.load(&slice.load).map_or(&[][..], |load| &load.steps);
        for part in Part::of(slice) {
            let bytes = |of: fn(Bytes) -> u64| {
                let bytes = part.bytes.map(of);
                bytes.map_or(String::new(), |bytes| bytes.to_string())
            };
            for step in steps {
                let mut cells = vec![
                    slice.variant.clone(),
                    slice.load.clone(),
                    slice.block.to_string(),
                    part.start_ns.to_string(),
                    part.length_ns.to_string(),
                    part.ok.to_string(),
                    part.failed.to_string(),
                    part.per_second
                        .map_or(String::new(), |rate| rate.to_string()),
                    bytes(|bytes| bytes.received),
                    bytes(|bytes| bytes.sent),
                    step.clone(),
                ];
                for latency in latencies {
                    let mut figures = part.figures.iter();
                    let figure = figures.find(|figure| {
                        figure.step == *step
                            && figure.metric == latency.metric()
                            && figure.count > 0
                    });
                    let of = |value: fn(&Figure) -> String| figure.map_or(String::new(), value);
                    cells.push(of(|figure| figure.count.to_string()));
                    cells.push(of(|figure| figure.mean.to_string()));
                    cells.extend(summary::SHOWN.map(|percentile| {
                        let held = figure.and_then(|figure| figure.held(percentile));
                        held.map_or(String::new(), |value| value.to_string())
                    }));
                    cells.push(of(|figure| figure.max.to_string()));
                }
                text += &line(&cells);
            }
        }
    }
    text
}

/// A last second that is shorter has no rate: a few answers more or less would be most of it.
const LEAST_RATED_NS: u64 = 200_000_000;

/// A slice, or a second of a continuous one.
struct Part<'a> {
    start_ns: u64,
    length_ns: u64,
    ok: u64,
    failed: u64,
    bytes: Option<Bytes>,
    per_second: Option<f64>,
    figures: &'a [Figure],
}

impl<'a> Part<'a> {
    fn of(slice: &'a Slice) -> Vec<Self> {
        if slice.intervals.is_empty() {
            return vec![Self {
                start_ns: slice.start_ns,
                length_ns: slice.length_ns,
                ok: slice.ok,
                failed: slice.failures(),
                bytes: slice.bytes,
                per_second: slice.throughput(),
                figures: &slice.figures,
            }];
        }
        let second = |interval: &'a Interval| Self {
            start_ns: interval.start_ns,
            length_ns: interval.length_ns,
            ok: interval.ok,
            failed: interval.failed,
            bytes: interval.bytes,
            per_second: run::per_second(interval.ok, Duration::from_nanos(interval.length_ns))
                .filter(|_| interval.length_ns >= LEAST_RATED_NS || slice.intervals.len() == 1),
            figures: &interval.figures,
        };
        slice.intervals.iter().map(second).collect()
    }
}

/// Cells as RFC 4180 has them.
fn line(cells: &[String]) -> String {
    let cells = cells.iter().map(|cell| {
        if cell.contains(['"', ',', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.clone()
        }
    });
    cells.collect::<Vec<_>>().join(",") + "\n"
}
