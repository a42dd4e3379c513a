//! Open loads: what was planned, what was answered, and whose fault the difference is.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{
    quantity,
    run::{self, Figure, Latency, Load, LoadStep, Run, Slice},
};

/// One variant under one open load.
#[derive(Debug, Clone, PartialEq)]
pub struct Offered {
    /// The load's name.
    pub load: String,
    /// The variant's label.
    pub variant: String,
    /// Planned arrivals a second, while slices were planned to last: the mean of a rate that
    /// changes, as a trace's does.
    pub planned_per_s: f64,
    /// Answers, as expected, a second of the time in which they came.
    pub answered_per_s: f64,
    /// Send delay of the generator at p50 and p99, nanoseconds: of the load's first step.
    pub timer: Option<(u64, u64)>,
    /// Share of the arrivals that waited because every user was busy.
    pub queued: f64,
    /// Response time of its first step at p50 and p99, from the intended start, nanoseconds.
    pub response: Option<(u64, u64)>,
    /// Service time of its first step at p50 and p99, from when it was sent, nanoseconds.
    pub service: Option<(u64, u64)>,
    /// The log that the load replays, in words.
    pub trace: Option<String>,
}

impl Offered {
    /// Every variant under every open load that was measured.
    pub(crate) fn all(run: &Run) -> Vec<Self> {
        let mut slices: BTreeMap<(usize, usize), Vec<&Slice>> = BTreeMap::new();
        for slice in run
            .slices
            .iter()
            .filter(|slice| slice.planned.is_some() && !slice.was_paused())
        {
            let load = run
                .scenario
                .loads
                .iter()
                .position(|load| load.name == slice.load);
            let variant = run
                .variants
                .iter()
                .position(|variant| variant.name == slice.variant);
            if let (Some(load), Some(variant)) = (load, variant) {
                slices.entry((load, variant)).or_default().push(slice);
            }
        }
        let of =
            |((load, variant), slices): (_, Vec<&Slice>)| Self::of(run, load, variant, &slices);
        slices.into_iter().filter_map(of).collect()
    }

    fn of(run: &Run, load: usize, variant: usize, slices: &[&Slice]) -> Option<Self> {
        let (load, variant) = (&run.scenario.loads[load], &run.variants[variant]);
        // Runs of older versions have slices as long as their load says.
        let planned_in = |slice: &&Slice| {
            slice
                .planned_ns
                .map_or(Duration::from_millis(load.slice_ms), Duration::from_nanos)
        };
        let time: Duration = slices.iter().map(planned_in).sum();
        let planned: u64 = slices.iter().filter_map(|slice| slice.planned).sum();
        let first: Vec<LoadStep> = first_steps(load)
            .map(|step| LoadStep {
                load: load.name.clone(),
                step: step.clone(),
            })
            .collect();
        let at = first.first()?;
        let queued = first
            .iter()
            .filter_map(|at| run.figure(&variant.name, at, "queued"));
        let answered = slices.iter().flat_map(|slice| {
            let of = |at: &LoadStep| slice.latency(&at.step);
            first
                .iter()
                .filter_map(of)
                .map(|figure| figure.count)
                .collect::<Vec<_>>()
        });
        let both = |figure: &Figure| (figure.p50(), figure.at(99.0));
        let timer = run.figure(&variant.name, at, "timer");
        let latency = |latency: Latency| run.figure(&variant.name, at, latency.metric()).map(both);
        let answering: Duration = slices.iter().map(|slice| slice.answering()).sum();
        let per_second = |count, time| run::per_second(count, time).unwrap_or(0.0);
        Some(Self {
            load: load.name.clone(),
            variant: variant.label.clone(),
            planned_per_s: per_second(planned, time),
            answered_per_s: per_second(answered.sum(), answering),
            timer: timer.map(both),
            response: latency(Latency::Response),
            service: latency(Latency::Service),
            queued: queued.map(|figure| figure.count).sum::<u64>() as f64
                / (planned as f64).max(1.0),
            trace: load.trace.clone(),
        })
    }

    /// On one line.
    #[must_use]
    pub fn sentence(&self) -> String {
        let timer = match self.timer {
            Some((p50, p99)) => format!(
                "send delay of the generator {} at p50, {} at p99",
                quantity::duration(p50 as f64),
                quantity::duration(p99 as f64)
            ),
            None => "no request was sent".to_owned(),
        };
        let trace = self
            .trace
            .as_ref()
            .map_or(String::new(), |trace| format!("; it replays {trace}"));
        let latency = |latency: Latency, values: Option<(u64, u64)>| {
            values.map_or_else(String::new, |(p50, p99)| {
                format!(
                    "; {} {} at p50, {} at p99",
                    latency.label(),
                    quantity::duration(p50 as f64),
                    quantity::duration(p99 as f64)
                )
            })
        };
        let response = latency(Latency::Response, self.response);
        let service = latency(Latency::Service, self.service);
        format!(
            "{}, {}: planned {} arrivals/s, answered {}/s{response}{service}; {timer}; {:.1} % found every user busy{trace}",
            self.load,
            self.variant,
            quantity::number(self.planned_per_s),
            quantity::number(self.answered_per_s),
            self.queued * 100.0
        )
    }
}

/// The steps that arrivals begin with.
fn first_steps(load: &Load) -> impl Iterator<Item = &String> {
    let only = load.steps.iter().take(usize::from(load.first.is_empty()));
    load.first.iter().chain(only)
}
