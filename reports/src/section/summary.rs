//! The summary of one variant under one load: how many requests, how fast, what failed, and the latency of each step with
//! its histogram. A run of one variant is shown by it in place of a ladder of one row.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::blocks;
use crate::document::{Block, Document, Section, Table, Tone};
use crate::judge::Metric;
use crate::judge::run_limit::Checked;
use crate::order_statistics::Estimate;
use crate::quantity::{self, NOT_MEASURED};
use crate::run::{
    self, Bytes, Figure, Latency, Load, LoadStep, Run, Slice, Status, Variant, Verdict,
};

/// The percentiles of a summary, in the order in which they are read.
pub const SHOWN: [f64; 5] = [50.0, 90.0, 95.0, 99.0, 99.9];
/// Characters of the longest bar of a histogram.
const BAR: f64 = 30.0;
/// A bar ends in eighths of a character.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
/// The load of a run without a scenario.
const UNNAMED: &str = "load";
const NS_PER_S: f64 = 1e9;
const MILLION: f64 = 1e6;
/// How a failure for an unexpected status begins.
const STATUS: &str = "status ";

/// One variant under one load.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The variant's name.
    pub variant: String,
    /// The load's name.
    pub load: String,
    /// Users: as many requests can be under way.
    pub users: usize,
    /// Users who share one connection of HTTP/2.
    pub streams: usize,
    /// Which latency comes first.
    pub latency: Latency,
    /// Arrivals a second that an open load planned.
    pub planned_per_s: Option<f64>,
    /// Whether an arrival may be more than one request.
    pub arrivals_are_journeys: bool,
    /// Requests whose answer was what its step expects.
    pub ok: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Requests that were sent again on a new connection; they are no failures.
    pub retried: u64,
    /// Unexpected statuses, and how many answers had each.
    pub status: BTreeMap<String, u64>,
    /// What else failed, by reason.
    pub errors: BTreeMap<String, u64>,
    /// Answers as expected by HTTP status; empty where the run does not say.
    pub statuses: BTreeMap<u16, u64>,
    /// What passed on its users' connections; none of a run that does not say it.
    pub bytes: Option<Bytes>,
    /// Requests that were sent: `ok`, and `failed` without arrivals that were never sent.
    pub sent: u64,
    /// The time in which the answers came.
    pub answering: Duration,
    /// Requests answered as expected, a second of that time.
    pub per_second: Option<f64>,
    /// CPU seconds of the server per million answers, over slices; none of a server that was not started by the run.
    pub cpu_s_per_million: Option<f64>,
    /// The steps, in the load's order.
    pub steps: Vec<Step>,
}

/// One step of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Response time; none when nothing was recorded.
    pub response: Option<Figure>,
    /// Service time.
    pub service: Option<Figure>,
}

impl Step {
    /// The figure of a latency.
    #[must_use]
    pub fn figure(&self, latency: Latency) -> Option<&Figure> {
        match latency {
            Latency::Response => self.response.as_ref(),
            Latency::Service => self.service.as_ref(),
        }
    }
}

impl Summary {
    /// Of every variant under every load that was measured, in the scenario's order.
    #[must_use]
    pub fn each(run: &Run) -> Vec<Self> {
        let loads = run.scenario.loads.iter();
        loads
            .flat_map(|load| run.variants.iter().map(move |variant| (load, variant)))
            .filter_map(|(load, variant)| Self::of(run, load, variant))
            .collect()
    }

    /// Of a run of one variant, a summary for each load; none for a run that compares several, and none where nothing was
    /// measured.
    #[must_use]
    pub fn alone(run: &Run) -> Vec<Self> {
        if run.variants.len() == 1 {
            Self::each(run)
        } else {
            Vec::new()
        }
    }

    fn of(run: &Run, load: &Load, variant: &Variant) -> Option<Self> {
        let slices: Vec<&Slice> = run.slices_of(&load.name, &variant.name).collect();
        slices.first()?;
        let mut failures: BTreeMap<String, u64> = BTreeMap::new();
        for (reason, count) in slices.iter().flat_map(|slice| &slice.failed) {
            let sum = failures.entry(reason.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
        let status = |reason: &String| {
            let code = reason.strip_prefix(STATUS)?;
            let is_code = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit());
            is_code.then(|| code.to_owned())
        };
        let (by_status, errors): (BTreeMap<_, _>, BTreeMap<_, _>) = failures
            .into_iter()
            .partition(|(reason, _)| status(reason).is_some());
        let sum = |count: fn(&Slice) -> u64| {
            let counts = slices.iter().map(|slice| count(slice));
            counts.fold(0_u64, u64::saturating_add)
        };
        let planned = slices.iter().filter_map(|slice| slice.planned);
        let planned = planned.fold(0_u64, u64::saturating_add);
        let planned_in = slices.iter().map(|slice| {
            let planned = slice.planned_ns.map(Duration::from_nanos);
            planned.unwrap_or(Duration::from_millis(load.slice_ms))
        });
        let step = |name: &String| {
            let at = LoadStep {
                load: load.name.clone(),
                step: name.clone(),
            };
            let figure =
                |latency: Latency| run.figure(&variant.name, &at, latency.metric()).cloned();
            Step {
                name: name.clone(),
                response: figure(Latency::Response),
                service: figure(Latency::Service),
            }
        };
        Some(Self {
            variant: variant.name.clone(),
            load: load.name.clone(),
            users: load.users,
            streams: load.streams,
            latency: load.latency(),
            planned_per_s: load
                .open
                .then(|| run::per_second(planned, added(planned_in)))
                .flatten(),
            arrivals_are_journeys: load.steps.len() > load.first.len().max(1),
            ok: sum(|slice| slice.ok),
            failed: sum(|slice| {
                let counts = slice.failed.values();
                counts.fold(0_u64, |all, count| all.saturating_add(*count))
            }),
            retried: sum(|slice| slice.retried),
            status: by_status
                .into_iter()
                .filter_map(|(reason, count)| Some((status(&reason)?, count)))
                .collect(),
            errors,
            statuses: run::statuses(slices.iter().copied()),
            bytes: Bytes::sum(slices.iter().map(|slice| slice.bytes)),
            sent: sum(Slice::sent),
            answering: added(slices.iter().map(|slice| slice.answering())),
            per_second: run::throughput(slices.iter().copied()),
            cpu_s_per_million: cpu_s_per_million(run, &load.name, &variant.name)
                .map(|cost| cost.median),
            steps: load.steps.iter().map(step).collect(),
        })
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let users = match self.users {
            1 => "1 user".to_owned(),
            users => format!("{} users", quantity::grouped(users as u64)),
        };
        let load = match self.planned_per_s {
            Some(rate) => format!(
                "open model, {} {}/s planned, at most {} under way",
                quantity::number(rate),
                if self.arrivals_are_journeys {
                    "journeys"
                } else {
                    "requests"
                },
                quantity::grouped(self.users as u64)
            ),
            None => format!("closed model, {users}"),
        };
        let load = match self.streams {
            1 => load,
            streams => format!("{load}, {streams} on each HTTP/2 connection"),
        };
        let counted = |failures: &BTreeMap<String, u64>, before: &str| {
            let failures = failures.iter();
            let each = failures
                .map(|(name, count)| format!("{before}{name}: {}", quantity::grouped(*count)));
            each.collect::<Vec<_>>()
        };
        let failures = [counted(&self.status, STATUS), counted(&self.errors, "")].concat();
        let requests = self.ok.saturating_add(self.failed);
        let mut facts = vec![
            ("Load", self.named(&load)),
            (
                "Requests",
                format!(
                    "{} in {}: {} answered as expected, {} failed",
                    quantity::grouped(requests),
                    quantity::duration(self.answering.as_nanos() as f64),
                    quantity::grouped(self.ok),
                    quantity::grouped(self.failed)
                ),
            ),
            (
                "Throughput",
                self.per_second.map_or(NOT_MEASURED.to_owned(), |rate| {
                    format!("{} requests/s", quantity::number(rate))
                }),
            ),
        ];
        if let Some(bytes) = self.bytes {
            facts.push(("Received", self.transferred(bytes.received)));
            facts.push(("Sent", self.transferred(bytes.sent)));
        }
        facts.extend(self.cpu_s_per_million.map(|cost| {
            let cost = quantity::number(cost);
            ("Server CPU", format!("{cost} s per million requests"))
        }));
        if !self.statuses.is_empty() {
            let each = self.statuses.iter();
            let each =
                each.map(|(status, count)| format!("{status}: {}", quantity::grouped(*count)));
            facts.push(("Statuses", each.collect::<Vec<_>>().join("; ")));
        }
        let steps = self.steps.iter().map(|step| {
            let count = step.figure(self.latency).map_or(0, |figure| figure.count);
            format!("{}: {}", step.name, quantity::grouped(count))
        });
        if steps.len() > 1 {
            let steps: Vec<String> = steps.collect();
            facts.push(("Answers by step", steps.join("; ")));
        }
        let extremes = self.steps.iter().filter_map(|step| {
            let figure = step.figure(self.latency).filter(|it| it.count > 0)?;
            let name = match self.steps.len() {
                1 => String::new(),
                _ => format!("{}: ", step.name),
            };
            let time = |ns: u64| quantity::duration(ns as f64);
            let p75 = figure
                .held(75.0)
                .map_or(String::new(), |ns| format!(", p75 {}", time(ns)));
            Some(format!("{name}{}{p75}", time(figure.min)))
        });
        let extremes: Vec<String> = extremes.collect();
        if !extremes.is_empty() {
            facts.push(("Minimum", extremes.join("; ")));
        }
        if !failures.is_empty() {
            facts.push(("Failures", failures.join("; ")));
        }
        if self.retried > 0 {
            let retried = quantity::grouped(self.retried);
            facts.push(("Retried", format!("{retried} on a new connection")));
        }
        facts
    }

    /// Of which load something is, where that has a name of its own: `authlab load` gives it none.
    fn named(&self, text: &str) -> String {
        if self.load == UNNAMED {
            text.to_owned()
        } else {
            format!("{}: {text}", self.load)
        }
    }

    /// `12 MB, 4 MB/s, 240 B a request`
    fn transferred(&self, bytes: u64) -> String {
        let each = [
            (self.bytes_per_second(bytes), "/s"),
            (self.bytes_per_request(bytes), " a request"),
        ];
        let each = each
            .into_iter()
            .filter_map(|(rate, of)| Some(quantity::bytes(rate?) + of));
        std::iter::once(quantity::bytes(bytes as f64))
            .chain(each)
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Of the time in which the answers came.
    #[must_use]
    pub fn bytes_per_second(&self, bytes: u64) -> Option<f64> {
        run::per_second(bytes, self.answering)
    }

    /// Of the requests that were sent, failed ones among them.
    #[must_use]
    pub fn bytes_per_request(&self, bytes: u64) -> Option<f64> {
        (self.sent > 0).then(|| bytes as f64 / self.sent as f64)
    }

    /// One row a step. On a phone a page shows no header, so that its rows name the latency where there are two.
    fn latencies(&self, latency: Latency, is_terminal: bool) -> Table {
        let percentiles = SHOWN.map(quantity::percentile);
        let header = std::iter::once(latency.label().to_owned())
            .chain(percentiles)
            .chain(["max", "mean"].map(ToOwned::to_owned));
        let steps = self.steps.iter();
        let is_named = !is_terminal && self.latency == Latency::Response;
        let rows = steps.map(|step| {
            let name = if is_named {
                format!("{}, {}", step.name, latency.label())
            } else {
                step.name.clone()
            };
            row(&name, step.figure(latency))
        });
        Table {
            cuts_names: true,
            ..Table::of(self.named(latency.label()), header, rows)
        }
    }

    /// The histogram of a step's latency that comes first; none of a run that does not hold it.
    fn histogram(&self, step: &Step) -> Option<Table> {
        let figure = step.figure(self.latency)?;
        let most = figure.buckets.iter().map(|(_, samples)| *samples).max()?;
        let rows = figure.buckets.iter().map(|(bound, samples)| {
            vec![
                format!("≤ {}", quantity::duration(*bound as f64)),
                quantity::grouped(*samples),
                quantity::share(*samples as f64 / (figure.count as f64).max(1.0)),
                bar(*samples as f64 / (most as f64).max(1.0)),
            ]
        });
        let title = format!("{}, {}", step.name, self.latency.label());
        let header = [title.as_str(), "requests", "share", ""];
        let mut table = Table::of(format!("Histogram: {title}"), header, rows);
        table.words.push(header.len() - 1);
        table.cuts_names = true;
        Some(table)
    }

    /// Its blocks; a terminal has the histogram of the first step alone.
    pub(super) fn blocks(&self, is_terminal: bool) -> Vec<Block> {
        let mut blocks = vec![
            Block::Facts(self.facts()),
            self.latencies(self.latency, is_terminal).into(),
        ];
        if self.latency == Latency::Response {
            blocks.push(self.latencies(Latency::Service, is_terminal).into());
        }
        let most = if is_terminal { 1 } else { usize::MAX };
        let histograms = self.steps.iter().filter_map(|step| self.histogram(step));
        blocks.extend(histograms.take(most).map(Block::Table));
        blocks
    }
}

/// CPU time of the server for an answered request of a load, nanoseconds, over slices.
#[must_use]
pub fn cpu_ns(run: &Run, load: &str, variant: &str) -> Option<Estimate> {
    blocks::over_slices(run, load, variant, |slice| Metric::Cpu.of(slice, ""))
}

/// The same in seconds per million of them.
pub(super) fn cpu_s_per_million(run: &Run, load: &str, variant: &str) -> Option<Estimate> {
    Some(cpu_ns(run, load, variant)?.map(|ns| ns / NS_PER_S * MILLION))
}

/// That a run is to be believed; none of another, whose reasons every report has as warnings.
pub(super) fn validity(run: &Run) -> Option<String> {
    let is_valid = run.validity.verdict == Verdict::Valid && run.status == Status::Complete;
    is_valid.then(|| {
        "The run is valid: neither the load generator nor the machine limited it.".to_owned()
    })
}

/// What became of the limits of a run, a line each.
#[must_use]
pub fn limits(limits: &[Checked]) -> Document {
    let mut document = Document::default();
    for limit in limits {
        let tone = if limit.broken {
            Tone::Worse
        } else {
            Tone::Better
        };
        document.push(Block::Line(limit.to_string()).toned(tone));
    }
    document
}

/// What limits the figures, in words.
const NOTE: &str = "Throughput is the number of answers as expected, divided by the time in which they came. Response time \
    counts from the intended start of a request (corrected for coordinated omission), service time from when it was sent.";

/// The section; none for a run of several variants.
pub(super) fn section(run: &Run, summaries: &[Summary]) -> Option<Section> {
    let mut blocks: Vec<Block> = summaries
        .iter()
        .flat_map(|summary| summary.blocks(false))
        .collect();
    blocks.extend(validity(run).map(Block::Line));
    blocks.push(Block::Legend(NOTE));
    (!summaries.is_empty()).then(|| Section {
        id: Some("summary"),
        title: "Summary".to_owned(),
        blocks,
    })
}

fn row(name: &str, figure: Option<&Figure>) -> Vec<String> {
    let time = |ns: Option<f64>| ns.map_or(NOT_MEASURED.to_owned(), quantity::duration);
    let held = |percentile| figure.and_then(|figure| figure.held(percentile));
    let percentiles = SHOWN.map(|percentile| time(held(percentile).map(|ns| ns as f64)));
    std::iter::once(name.to_owned())
        .chain(percentiles)
        .chain([
            time(figure.map(|figure| figure.max as f64)),
            time(figure.map(|figure| figure.mean)),
        ])
        .collect()
}

/// A bar for a share of the longest one; something is seen of every bucket that has a request.
fn bar(share: f64) -> String {
    let eighths = (share.clamp(0.0, 1.0) * BAR * 8.0).ceil() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

fn added(times: impl Iterator<Item = Duration>) -> Duration {
    times.fold(Duration::ZERO, Duration::saturating_add)
}
