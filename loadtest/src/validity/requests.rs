//! What one variant did under one load, added up over its slices.

use std::collections::BTreeMap;

use authlab_reports::run::{Load, Run, Slice};

use crate::recorder::DROPPED;

/// The requests of one variant under one load.
pub(super) struct Requests<'a> {
    pub(super) load: &'a Load,
    pub(super) variant: &'a str,
    pub(super) ok: u64,
    failed: BTreeMap<&'a str, u64>,
    /// Arrivals planned; none for closed users.
    planned: Option<u64>,
    /// Arrivals that found every user busy, and were sent later.
    queued: u64,
    /// Share of the time that the generator had work for its core, or waited for it.
    pub(super) generator_occupied: Option<f64>,
    /// Share of the time that the server's cores were busy with it.
    pub(super) server_busy: Option<f64>,
}

impl<'a> Requests<'a> {
    /// Of each load and variant that was measured.
    pub(super) fn of(run: &'a Run) -> Vec<Self> {
        let mut slices: BTreeMap<(usize, &str), Vec<&Slice>> = BTreeMap::new();
        for slice in run.slices.iter().filter(|slice| !slice.was_paused()) {
            let load = run.scenario.loads.iter().position(|l| l.name == slice.load);
            if let Some(load) = load {
                slices
                    .entry((load, &slice.variant))
                    .or_default()
                    .push(slice);
            }
        }
        slices
            .into_iter()
            .map(|((load, variant), slices)| {
                Self::sum(run, &run.scenario.loads[load], variant, &slices)
            })
            .collect()
    }

    fn sum(run: &'a Run, load: &'a Load, variant: &'a str, slices: &[&'a Slice]) -> Self {
        let mut failed: BTreeMap<&str, u64> = BTreeMap::new();
        for (reason, count) in slices.iter().flat_map(|slice| &slice.failed) {
            *failed.entry(reason).or_default() += count;
        }
        let queued = run.merged.iter().filter(|figure| {
            figure.metric == "queued" && figure.load == load.name && figure.variant == variant
        });
        let occupied =
            |slice: &&Slice| Some(slice.generator_busy? + slice.generator_waited.unwrap_or(0.0));
        Self {
            load,
            variant,
            ok: slices.iter().map(|slice| slice.ok).sum(),
            failed,
            planned: slices.iter().map(|slice| slice.planned).sum(),
            queued: queued.map(|figure| figure.count).sum(),
            generator_occupied: mean(slices, occupied),
            server_busy: mean(slices, |slice| slice.busy),
        }
    }

    pub(super) fn shown(&self) -> String {
        format!("{} under {}", self.variant, self.load.name)
    }

    /// Share of the requests sent that failed.
    pub(super) fn failed(&self) -> f64 {
        let failed: u64 = self.sent_and_failed().map(|(_, count)| count).sum();
        failed as f64 / (self.ok + failed).max(1) as f64
    }

    /// Share of the planned arrivals that found every user busy: sent later, or never.
    pub(super) fn not_served_when_planned(&self) -> f64 {
        let waited = self.queued + self.dropped();
        waited as f64 / self.planned.unwrap_or(0).max(1) as f64
    }

    /// Share of the planned arrivals that were never sent.
    pub(super) fn never_sent(&self) -> f64 {
        self.dropped() as f64 / self.planned.unwrap_or(0).max(1) as f64
    }

    fn dropped(&self) -> u64 {
        self.failed.get(DROPPED).copied().unwrap_or_default()
    }

    /// The failures of requests that were sent, in words.
    pub(super) fn reasons(&self) -> String {
        let reasons: Vec<_> = self
            .sent_and_failed()
            .map(|(reason, count)| format!("{count} × {reason}"))
            .collect();
        reasons.join(", ")
    }

    fn sent_and_failed(&self) -> impl Iterator<Item = (&str, u64)> {
        self.failed
            .iter()
            .filter(|(reason, _)| **reason != DROPPED)
            .map(|(reason, count)| (*reason, *count))
    }
}

/// Mean over slices, weighted by their length; none when none of them tells.
pub(super) fn mean<'s, S>(slices: &'s [S], share: impl Fn(&'s S) -> Option<f64>) -> Option<f64>
where
    S: std::borrow::Borrow<Slice>,
{
    let mut sum = 0.0;
    let mut time = 0.0;
    for slice in slices {
        if let Some(share) = share(slice) {
            let length = slice.borrow().length_ns as f64;
            sum += share * length;
            time += length;
        }
    }
    (time > 0.0).then_some(sum / time)
}
