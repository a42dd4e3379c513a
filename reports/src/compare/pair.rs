//! One step on both sides.

use serde::Serialize;

use super::{Missing, Statistic};
use crate::{
    blocks,
    order_statistics::Interval,
    run::{Figure, Latency, LoadStep, Run, Slice},
};

/// One step on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// The variant, or both: `bcrypt-12 → md5`.
    pub variant: String,
    /// Load and step.
    #[serde(flatten)]
    pub at: LoadStep,
    /// Which latency its statistics are of: that which stands first under the load.
    pub latency: Latency,
    /// Each statistic in nanoseconds: latencies, and CPU time per request.
    pub times: Vec<Time>,
    /// Samples of the base and the head.
    pub samples: [u64; 2],
    /// Failures under the load, of the base and the head.
    pub errors: [Errors; 2],
}

/// A statistic on both sides, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Time {
    /// Which.
    pub statistic: Statistic,
    /// The base's; none where its samples do not carry it.
    pub base_ns: Option<f64>,
    /// The head's; none where its samples do not carry it.
    pub head_ns: Option<f64>,
    /// Head by base; none for a base of 0, which nothing is a multiple of.
    pub ratio: Option<f64>,
    /// Head less base, nanoseconds, where both are there and have no ratio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference_ns: Option<f64>,
    /// The interval of the ratio over blocks; none between runs, and where single slices do not
    /// carry the statistic.
    pub interval: Option<Interval>,
}

/// Failures among requests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Errors {
    /// Requests that failed.
    pub failed: u64,
    /// All requests.
    pub requests: u64,
    /// The share that failed, 0 to 1.
    pub rate: f64,
}

/// Where to look for one side of a pair.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) run: &'a Run,
    pub(crate) variant: &'a str,
    pub(crate) load: &'a str,
    pub(crate) step: &'a str,
}

impl Pair {
    /// The pair, or what is missing of it.
    pub(crate) fn find(name: &str, base: Side<'_>, head: Side<'_>) -> Result<Self, Missing> {
        let lacking = |lacking| Missing {
            what: format!("{name}, {}, {}", base.load, base.step),
            lacking,
        };
        let (from, to) = match (base.figure(), head.figure()) {
            (Some(from), Some(to)) => (from, to),
            (None, Some(_)) => return Err(lacking("base")),
            (Some(_), None) => return Err(lacking("head")),
            (None, None) => return Err(lacking("both sides")),
        };
        Ok(Self {
            variant: name.to_owned(),
            at: base.at(),
            latency: base.run.latency_of(base.load),
            times: Statistic::TIMES
                .map(|statistic| time(statistic, base, head, [from, to]))
                .into(),
            samples: [from.count, to.count],
            errors: [base.errors(), head.errors()],
        })
    }
}

impl Time {
    /// The change as a share of the base: none where the base is 0 and the head is not.
    pub(crate) fn change(&self) -> Option<f64> {
        match self.ratio {
            Some(ratio) => Some(ratio - 1.0),
            None => self.difference_ns.filter(|difference| *difference == 0.0),
        }
    }
}

impl<'a> Side<'a> {
    fn at(self) -> LoadStep {
        LoadStep {
            load: self.load.to_owned(),
            step: self.step.to_owned(),
        }
    }

    fn figure(self) -> Option<&'a Figure> {
        self.run.latency(self.variant, &self.at())
    }

    fn errors(self) -> Errors {
        let slices = || self.run.slices_of(self.load, self.variant);
        let failed = slices().map(Slice::failures).sum();
        let requests = failed + slices().map(|slice| slice.ok).sum::<u64>();
        Errors {
            failed,
            requests,
            rate: failed as f64 / requests.max(1) as f64,
        }
    }

    /// CPU time of the server per answered request, over all slices.
    fn cpu_ns(self) -> Option<f64> {
        let (mut cpu, mut ok) = (0, 0);
        for slice in self.run.slices_of(self.load, self.variant) {
            cpu += slice.cpu_ns?;
            ok += slice.ok;
        }
        (ok > 0).then(|| cpu as f64 / ok as f64)
    }

    /// The statistic in every slice, if every slice carries it. None does the maximum: the greatest
    /// of a run is nothing like the greatest of a slice.
    fn carried_by_slices(self, statistic: Statistic) -> bool {
        let mut slices = self.run.slices_of(self.load, self.variant);
        statistic != Statistic::Max
            && slices.all(|slice| of_slice(statistic, slice, self.step).is_some())
    }
}

fn of_slice(statistic: Statistic, slice: &Slice, step: &str) -> Option<f64> {
    match statistic {
        Statistic::Cpu => (slice.ok > 0).then_some(slice.cpu_ns? as f64 / slice.ok as f64),
        _ => statistic.of(slice.latency(step)?),
    }
}

fn time(statistic: Statistic, base: Side<'_>, head: Side<'_>, [from, to]: [&Figure; 2]) -> Time {
    let (base_ns, head_ns) = match statistic {
        Statistic::Cpu => (base.cpu_ns(), head.cpu_ns()),
        _ => (statistic.of(from), statistic.of(to)),
    };
    let merged = base_ns
        .zip(head_ns)
        .filter(|(base, _)| *base > 0.0)
        .map(|(base, head)| head / base);
    let same_run = std::ptr::eq(base.run, head.run);
    let by_slices =
        same_run && base.carried_by_slices(statistic) && head.carried_by_slices(statistic);
    let paired = merged.filter(|_| by_slices).and_then(|_| {
        let quantity = |slice: &Slice| of_slice(statistic, slice, base.step);
        blocks::ratio_of(base.run, base.load, base.variant, head.variant, quantity)
    });
    let ratio = paired.map(|estimate| estimate.median).or(merged);
    let both = base_ns.zip(head_ns).filter(|_| ratio.is_none());
    Time {
        statistic,
        base_ns,
        head_ns,
        difference_ns: both.map(|(base, head)| head - base),
        ratio,
        interval: paired.and_then(|estimate| estimate.interval),
    }
}
