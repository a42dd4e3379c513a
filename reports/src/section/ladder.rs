//! The ladder: every variant against the baseline, with the share of each change.
//!
//! Judged here, once, from a [`Run`]; [`document`] and the section of the page only write down what [`Table`] holds.

mod against;
pub mod capacity;
pub mod changes;
pub mod given_up;
pub mod offered;
pub(super) mod shown;
pub(crate) mod words;

pub use self::shown::document;
pub use self::{
    against::{Against, Told},
    capacity::Capacity,
    changes::Changes,
    given_up::GivenUp,
    offered::Offered,
    words::Heading,
};
pub use super::{attacks::Attacked, calibration::Calibrated, hits::Hits, staleness::Staleness};
use super::{
    rates,
    summary::{self, Summary},
};
use crate::{
    judge::{Comparison, Metric, Row, Rule},
    order_statistics::Estimate,
    run::{Figure, Latency, LoadStep, Run, Slice, Terms, Variant},
};

/// What clients of an open model feel is the waiting: the percentile of the response time that findings speak of.
const PERCENTILE_OF_OPEN: f64 = 99.0;

/// The ladder of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What stands above it.
    pub heading: Heading,
    /// What stands in its place where the run has one variant.
    pub summaries: Vec<Summary>,
    /// Which latency p50 and its ratios are of.
    pub latency: Latency,
    /// A rung for each variant, in the scenario's order.
    pub rungs: Vec<Rung>,
    /// What each change of the scenario made.
    pub changes: Changes,
    /// The trade-offs of the variants.
    pub given_up: GivenUp,
    /// What open loads offered, and what became of it.
    pub offered: Vec<Offered>,
    /// What still passed after a revoke, where that was probed.
    pub staleness: Vec<Staleness>,
    /// What became of the attacks that were run.
    pub attacks: Vec<Attacked>,
    /// What caches had, where answers told of it.
    pub hits: Vec<Hits>,
    /// What the capacity columns count, in words, where that is not one step alone.
    pub capacity_counts: Option<String>,
    /// What searches for the highest rate found, a sentence each.
    pub searches: Vec<String>,
    /// What machine and generator can tell apart; none when the run carries no calibration.
    pub calibrated: Option<Calibrated>,
}

/// One variant's figures. What was not measured is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Rung {
    /// The variant.
    pub variant: Variant,
    /// Whether the others are compared with it.
    pub is_baseline: bool,
    /// Median of the latency that comes first, nanoseconds.
    pub p50: Option<u64>,
    /// Median service time, nanoseconds, where the model is open and it comes second.
    pub service: Option<u64>,
    /// Median latency of the first request of a fresh token, nanoseconds.
    pub first: Option<u64>,
    /// At p50 against the baseline, judged by the rule of a duel of the two; none for the baseline.
    pub at_p50: Option<Row>,
    /// Where the arrivals are open: the 99th percentile of the response time, nanoseconds.
    pub p99: Option<u64>,
    /// The same at what findings speak of: at p50, or at p99 where the arrivals are open.
    pub judged: Option<Row>,
    /// Blocks that a verdict takes at the least.
    pub least_blocks: usize,
    /// Requests per second.
    pub capacity: Option<Capacity>,
    /// CPU seconds of the server per million requests, over slices.
    pub cpu_s_per_million: Option<Estimate>,
    /// Samples that p50 rests on.
    pub samples: u64,
    /// Requests that failed, under all loads.
    pub failures: u64,
    /// Requests that were sent again on a new connection, under all loads; they are no failures.
    pub retried: u64,
}

impl Table {
    /// The ladder of a run, also of one that is partial or empty.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        Self {
            heading: Heading::of(run),
            summaries: Summary::alone(run),
            latency: run.latency_of(&run.scenario.ladder.latency.load),
            rungs: run
                .variants
                .iter()
                .map(|variant| Rung::of(run, variant))
                .collect(),
            changes: Changes::of(run),
            given_up: GivenUp::of(run),
            offered: Offered::all(run),
            staleness: Staleness::all(run),
            attacks: Attacked::all(run),
            hits: Hits::all(run),
            capacity_counts: capacity::counts_whole_load(run),
            searches: rates::of(run)
                .iter()
                .flat_map(|rates| &rates.lines)
                .map(|line| line.capacity.sentence(line.label))
                .collect(),
            calibrated: Calibrated::of(run),
        }
    }
}

/// Whether the ladder's latency is that of the load by which the capacity is measured: that load keeps servers busy.
pub(crate) fn is_of_a_busy_server(run: &Run) -> bool {
    let ladder = &run.scenario.ladder;
    run.latency_of(&ladder.latency.load) == Latency::Service
        && ladder.capacity.as_ref() == Some(&ladder.latency)
}

impl Rung {
    /// At p50 against the baseline, in words; none for the baseline.
    #[must_use]
    pub fn against(&self) -> Option<Against> {
        let row = self.at_p50.as_ref()?;
        Some(Against::of(Some(row), self.least_blocks))
    }

    fn of(run: &Run, variant: &Variant) -> Self {
        let (columns, name) = (&run.scenario.ladder, variant.name.as_str());
        let p50 = |at: &LoadStep| run.latency(name, at);
        let latency = p50(&columns.latency);
        let is_baseline = name == run.scenario.baseline;
        let slices = || run.slices.iter().filter(|slice| slice.variant == name);
        let (at, baseline) = (&columns.latency, run.scenario.baseline.as_str());
        let is_open = run.load(&at.load).is_some_and(|load| load.open);
        let metric = if is_open {
            Metric::percentile(PERCENTILE_OF_OPEN)
        } else {
            Some(Metric::P50)
        };
        let sequential = Terms::of(run, baseline, name).rule(run);
        let least_blocks = sequential.least_blocks();
        let rule = Rule::Sequential(sequential);
        let against = |metric: &Metric| {
            let compared = || Comparison::of(run, &at.load, [baseline, name], &rule);
            (!is_baseline).then(|| compared().claim(&at.step, metric))
        };
        let at_p50 = against(&Metric::P50);
        Self {
            variant: variant.clone(),
            is_baseline,
            p50: latency.map(Figure::p50),
            service: run.second_latency(name, &columns.latency).map(Figure::p50),
            first: columns.first.as_ref().and_then(p50).map(Figure::p50),
            p99: latency
                .filter(|_| is_open)
                .map(|figure| figure.at(PERCENTILE_OF_OPEN)),
            judged: match metric {
                Some(Metric::P50) => at_p50.clone(),
                metric => metric.and_then(|metric| against(&metric)),
            },
            at_p50,
            least_blocks,
            capacity: Capacity::of(run, name),
            cpu_s_per_million: capacity::cpu_s_per_million(run, name),
            samples: latency.map_or(0, |figure| figure.count),
            failures: slices().map(Slice::failures).sum(),
            retried: slices().map(|slice| slice.retried).sum(),
        }
    }
}
