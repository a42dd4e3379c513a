//! Whether a run can be trusted as a measurement, with its reason in words.

use std::collections::BTreeMap;

use authlab_reports::run::{Figure, LoadStep, PERCENTILES, Run, Slice, Validity, Verdict};

/// Run-queue delay of the generator above this share of the time disturbs its figures.
const GENERATOR_WAITED: f64 = 0.05;
/// The same of a server whose cores were not busy with itself: the threads of a saturated server
/// wait for one another.
const SERVER_WAITED: f64 = 0.05;
const SERVER_BUSY: f64 = 0.9;
/// Time stolen by the host above this share.
const STEAL: f64 = 0.02;
/// With one closed user, the generator's own time between answers above this share of a request.
const TIMER_SHARE: f64 = 0.25;

/// Failed requests of one variant above this share: its latencies are those of the lucky ones.
const FAILED: f64 = 0.01;

/// With open arrivals, lateness of the generator's own above this at p99.
const TIMER_P99_NS: u64 = 1_000_000;

/// Judges what was measured so far: the gravest verdict that has a reason.
pub(crate) fn judge(run: &Run) -> Validity {
    let judged = [
        (Verdict::Empty, unanswered(run)),
        (Verdict::ServerLimited, failing(run)),
        (Verdict::Disturbed, disturbed(run)),
        (Verdict::ClientLimited, late_generator(run)),
    ];
    let found = judged.into_iter().find(|(_, reasons)| !reasons.is_empty());
    let (verdict, reasons) = found.unwrap_or((Verdict::Valid, Vec::new()));
    Validity { verdict, reasons }
}

/// A variant that answered nothing as expected under a load was not measured there.
fn unanswered(run: &Run) -> Vec<String> {
    if run.slices.is_empty() {
        return vec!["nothing was measured".to_owned()];
    }
    let reason = |at: &Requests| {
        format!(
            "{}: no request was answered as its step expects ({})",
            at.shown(),
            at.reasons()
        )
    };
    requests(run)
        .iter()
        .filter(|at| at.ok == 0)
        .map(reason)
        .collect()
}

fn failing(run: &Run) -> Vec<String> {
    let reason = |at: &Requests| {
        format!(
            "{}: {:.1} % of the requests failed ({})",
            at.shown(),
            at.share() * 100.0,
            at.reasons()
        )
    };
    requests(run)
        .iter()
        .filter(|at| at.share() > FAILED)
        .map(reason)
        .collect()
}

/// The requests of one variant under one load.
struct Requests<'a> {
    load: &'a str,
    variant: &'a str,
    ok: u64,
    failed: BTreeMap<&'a str, u64>,
}

impl Requests<'_> {
    fn shown(&self) -> String {
        format!("{} under {}", self.variant, self.load)
    }

    fn share(&self) -> f64 {
        let failed: u64 = self.failed.values().sum();
        failed as f64 / (self.ok + failed).max(1) as f64
    }

    fn reasons(&self) -> String {
        let reasons: Vec<_> = self
            .failed
            .iter()
            .map(|(reason, count)| format!("{count} × {reason}"))
            .collect();
        reasons.join(", ")
    }
}

fn requests(run: &Run) -> Vec<Requests<'_>> {
    let mut all: BTreeMap<(&str, &str), Requests<'_>> = BTreeMap::new();
    for slice in &run.slices {
        let key = (slice.load.as_str(), slice.variant.as_str());
        let at = all.entry(key).or_insert_with(|| Requests {
            load: key.0,
            variant: key.1,
            ok: 0,
            failed: BTreeMap::new(),
        });
        at.ok += slice.ok;
        for (reason, count) in &slice.failed {
            *at.failed.entry(reason).or_default() += count;
        }
    }
    all.into_values().collect()
}

fn disturbed(run: &Run) -> Vec<String> {
    let shares = [
        (
            "the load generator waited for a core",
            mean(run, |slice| slice.generator_waited),
            GENERATOR_WAITED,
        ),
        (
            "the servers waited for a core",
            mean(run, waited_for_others),
            SERVER_WAITED,
        ),
        ("the host took away", mean(run, |slice| slice.steal), STEAL),
    ];
    shares
        .into_iter()
        .filter_map(|(what, share, most)| {
            let share = share.filter(|share| *share > most)?;
            Some(format!(
                "{what} {:.1} % of the time (more than {:.0} % disturbs)",
                share * 100.0,
                most * 100.0
            ))
        })
        .collect()
}

fn waited_for_others(slice: &Slice) -> Option<f64> {
    slice
        .server_waited
        .filter(|_| slice.busy.is_some_and(|busy| busy < SERVER_BUSY))
}

/// Mean over all slices, weighted by their length.
fn mean(run: &Run, share: impl Fn(&Slice) -> Option<f64>) -> Option<f64> {
    let mut sum = 0.0;
    let mut time = 0.0;
    for slice in &run.slices {
        if let Some(share) = share(slice) {
            sum += share * slice.length_ns as f64;
            time += slice.length_ns as f64;
        }
    }
    (time > 0.0).then_some(sum / time)
}

/// The generator must not be most of what it measures: with one closed user its time between
/// answers, with open arrivals its lateness against the schedule.
fn late_generator(run: &Run) -> Vec<String> {
    let mut reasons = Vec::new();
    for timer in run.merged.iter().filter(|figure| figure.metric == "timer") {
        let Some(load) = run
            .scenario
            .loads
            .iter()
            .find(|load| load.name == timer.load)
        else {
            continue;
        };
        let at = LoadStep {
            load: timer.load.clone(),
            step: timer.step.clone(),
        };
        let service = run
            .figure(&timer.variant, &at, "service")
            .map_or(0, Figure::p50);
        let p99 = at_percentile(timer, 99.0);
        if load.open && p99 > TIMER_P99_NS {
            reasons.push(format!(
                "{} under {}: requests left {p99} ns late at p99",
                timer.variant, timer.load
            ));
        } else if !load.open && load.users == 1 && timer.p50() as f64 > service as f64 * TIMER_SHARE
        {
            reasons.push(format!(
                "{} under {}: requests left {} ns late at p50, beside a service time of {service} ns",
                timer.variant,
                timer.load,
                timer.p50()
            ));
        }
    }
    reasons
}

fn at_percentile(figure: &Figure, percentile: f64) -> u64 {
    PERCENTILES
        .iter()
        .zip(&figure.percentiles)
        .find(|(known, _)| **known >= percentile)
        .map_or(figure.max, |(_, value)| *value)
}
