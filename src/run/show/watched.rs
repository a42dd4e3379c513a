//! What is known of a run that goes on.

use std::sync::Arc;
use std::time::Duration;

use authlab_loadtest::progress::{Left, Progress, Snapshot};
use authlab_loadtest::scenario::{Load, Scenario};
use authlab_reports::plain;
use authlab_reports::run::Capacity;
use authlab_reports::run::{LoadStep, Run, Slice, Validity, Verdict, per_second};

/// A run as far as it has got.
#[derive(Clone)]
pub(super) struct Watched {
    /// The scenario's name and profile.
    pub(super) heading: String,
    /// Since its start.
    pub(super) elapsed: Duration,
    pub(super) left: Left,
    pub(super) now: Now,
    /// What was measured, in the order in which it was begun.
    pub(super) rows: Vec<Row>,
    pub(super) validity: Validity,
}

/// What goes on.
#[derive(Clone)]
pub(super) enum Now {
    /// The generator starts.
    Nothing,
    /// A server starts and is warmed up.
    Starting { variant: String },
    /// A slice is under way, or has just ended.
    Slice(Arc<Snapshot>),
}

/// One variant under one load, all its slices so far.
#[derive(Clone, Default)]
pub(super) struct Row {
    pub(super) variant: String,
    pub(super) load: String,
    /// Of the load's last step, nanoseconds; none when nothing was answered as expected.
    pub(super) latency: Option<Latency>,
    /// Requests answered as expected, a second; of a search, at the highest rate within its limits.
    pub(super) per_second: f64,
    pub(super) failed: u64,
    pub(super) slices: usize,
    pub(super) ok: u64,
    pub(super) answering: Duration,
    /// Filled by a search, until the slices that confirm its rate are kept.
    pub(super) searched: bool,
}

/// The latency that stands first: response time of open arrivals, service time of closed users.
#[derive(Clone, Copy)]
pub(super) struct Latency {
    pub(super) p50_ns: u64,
    pub(super) p99_ns: u64,
}

impl Watched {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let slices: usize = scenario.loads.iter().map(Load::slices).sum();
        Self {
            heading: format!("{} · {}", scenario.name, scenario.profile),
            elapsed: Duration::ZERO,
            left: Left {
                done: 0,
                planned: slices * scenario.variants.len(),
                time: Duration::ZERO,
            },
            now: Now::Nothing,
            rows: Vec::new(),
            validity: Validity {
                verdict: Verdict::Empty,
                reasons: Vec::new(),
            },
        }
    }

    pub(super) fn hear(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Starting { variant } => {
                self.now = Now::Starting {
                    variant: variant.to_owned(),
                };
            }
            Progress::Live(snapshot) => {
                self.left = snapshot.left;
                self.now = Now::Slice(Arc::from(snapshot));
            }
            Progress::Slice { slice, run, left } => {
                self.left = left;
                self.validity.clone_from(&run.validity);
                for reason in &mut self.validity.reasons {
                    *reason = plain::line(reason).into_owned();
                }
                self.add(slice, run);
            }
            Progress::Rate { capacity, left } => {
                self.left = left;
                self.try_rate(capacity);
            }
        }
    }

    fn add(&mut self, slice: &Slice, run: &Run) {
        let row = self.row(&slice.variant, &slice.load);
        if std::mem::take(&mut row.searched) {
            (row.failed, row.slices) = (0, 0);
        }
        row.ok += slice.ok;
        row.failed += slice.failures();
        row.answering += slice.answering();
        row.slices += 1;
        row.per_second = per_second(row.ok, row.answering).unwrap_or(0.0);
        row.latency = Latency::of(run, slice);
    }

    fn try_rate(&mut self, capacity: &Capacity) {
        let row = self.row(&capacity.variant, &capacity.load);
        row.searched = true;
        row.slices = capacity.points.len();
        let within = capacity
            .points
            .iter()
            .filter(|point| point.beyond.is_none());
        let highest = within.max_by(|a, b| a.offered_per_s.total_cmp(&b.offered_per_s));
        if let Some(point) = highest {
            row.per_second = point.achieved_per_s;
            row.latency = Some(Latency {
                p50_ns: point.p50_ns,
                p99_ns: point.p99_ns,
            });
        }
    }

    fn row(&mut self, variant: &str, load: &str) -> &mut Row {
        let same = |row: &Row| row.variant == variant && row.load == load;
        let place = self.rows.iter().position(same).unwrap_or_else(|| {
            self.rows.push(Row {
                variant: variant.to_owned(),
                load: load.to_owned(),
                ..Row::default()
            });
            self.rows.len() - 1
        });
        &mut self.rows[place]
    }
}

impl Latency {
    fn of(run: &Run, slice: &Slice) -> Option<Self> {
        let mut loads = run.scenario.loads.iter();
        let at = LoadStep {
            load: slice.load.clone(),
            step: loads
                .find(|load| load.name == slice.load)?
                .steps
                .last()?
                .clone(),
        };
        let figure = run.latency(&slice.variant, &at)?;
        Some(Self {
            p50_ns: figure.p50(),
            p99_ns: figure.at(99.0),
        })
    }
}
