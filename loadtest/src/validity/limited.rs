//! The offered load was not served, or not sent: by the server's doing, or by the generator's.

use std::collections::BTreeMap;

use authlab_reports::run::{Run, Slice};

use super::requests::Requests;

/// Failed requests of one variant above this share: its latencies are those of the lucky ones.
const FAILED: f64 = 0.01;
/// Arrivals that found every user busy, above this share.
const NOT_SERVED: f64 = 0.01;
/// A core occupied for more than this share of the time is what limits.
const SATURATED: f64 = 0.9;
/// With open arrivals, lateness of the generator's own above this at p99.
pub(crate) const TIMER_P99_NS: u64 = 1_000_000;
/// What was recorded of closed users disagrees with their own account of their time by more than this share of it.
const TIME_NOT_RECORDED: f64 = 0.05;

/// The server answered wrongly.
pub(super) fn failing(all: &[Requests<'_>]) -> Vec<String> {
    let failing = all.iter().filter(|at| at.failed() > FAILED);
    failing
        .map(|at| {
            format!(
                "{}: {:.1} % of the requests failed ({})",
                at.shown(),
                at.failed() * 100.0,
                at.reasons()
            )
        })
        .collect()
}

/// A step has fewer samples than its slices wait for, because a step before it failed.
pub(super) fn unreached(run: &Run) -> Vec<String> {
    let mut steps: BTreeMap<[&str; 3], u64> = BTreeMap::new();
    for slice in &run.slices {
        for (step, times) in &slice.unreached {
            *steps
                .entry([&slice.variant, &slice.load, step])
                .or_default() += times;
        }
    }
    let reason = |([variant, load, step], times): ([&str; 3], u64)| {
        format!(
            "{variant} under {load}: step `{step}` has too few samples: {times} times an earlier step of its journey failed"
        )
    };
    steps.into_iter().map(reason).collect()
}

/// The server kept the users busy: arrivals waited.
pub(super) fn by_server(all: &[Requests<'_>]) -> Vec<String> {
    all.iter()
        .filter(|at| at.not_served_when_planned() > NOT_SERVED && !is_generators_doing(at))
        .map(|at| not_served(at, "with the server"))
        .collect()
}

/// The generator had no time to serve its users, or was late in the ways that `late` tells.
pub(super) fn by_client(run: &Run, all: &[Requests<'_>], late: Vec<String>) -> Vec<String> {
    let not_served = all
        .iter()
        .filter(|at| at.not_served_when_planned() > NOT_SERVED && is_generators_doing(at))
        .map(|at| {
            not_served(
                at,
                &format!(
                    "because the generator's core was {:.0} % occupied",
                    at.generator_occupied.unwrap_or_default() * 100.0
                ),
            )
        });
    // Where latency is not what is asked, a saturated generator is how a server is saturated.
    let saturated = all
        .iter()
        .filter(|at| {
            !at.load.open
                && at.load.users > 1
                && at.load.name == run.scenario.ladder.latency.load
                && is_generators_doing(at)
        })
        .map(|at| {
            format!(
                "{}: {} users kept the generator's core {:.0} % occupied: their latencies hold its own queue; ask with fewer users",
                at.shown(),
                at.load.users,
                at.generator_occupied.unwrap_or_default() * 100.0
            )
        });
    not_served
        .chain(saturated)
        .chain(late)
        .chain(late_slices(run))
        .chain(time_not_recorded(&run.slices))
        .collect()
}

/// Whether the generator's core was the one at its end, and the server's were not.
fn is_generators_doing(at: &Requests<'_>) -> bool {
    at.generator_occupied
        .is_some_and(|occupied| generator_is_the_limit(occupied, at.server_busy))
}

/// The same of any slice: shares of the time that the generator's core was occupied with it, and
/// the server's cores with theirs.
pub(crate) fn generator_is_the_limit(occupied: f64, server_busy: Option<f64>) -> bool {
    occupied > SATURATED && server_busy.is_none_or(|share| share < SATURATED)
}

fn not_served(at: &Requests<'_>, why: &str) -> String {
    let never_sent = match at.never_sent() {
        0.0 => String::new(),
        share => format!(", {:.1} % were never sent", share * 100.0),
    };
    format!(
        "{}: {:.1} % of the arrivals were not sent when planned{never_sent}: all {} users were busy {why}",
        at.shown(),
        at.not_served_when_planned() * 100.0,
        at.load.users
    )
}

/// The slices of shards load together, or what they measure is another load.
fn late_slices(run: &Run) -> Option<String> {
    let late: Vec<_> = run.slices.iter().filter(|slice| slice.was_late()).collect();
    let worst = late.iter().max_by_key(|slice| slice.late_ns)?;
    Some(format!(
        "{} under {}: slice began {} ms late; {} of {} slices of this shard began late: it did not load together with the others",
        worst.variant,
        worst.load,
        worst.late_ns.unwrap_or_default() / 1_000_000,
        late.len(),
        run.slices.len()
    ))
}

/// Little's law: users = throughput × (mean response time + mean think time). It holds for any server, so that what it
/// misses is the generator's: answers that were not recorded, or pauses that were not planned.
fn time_not_recorded(slices: &[Slice]) -> Option<String> {
    let slices = slices.iter().filter(|slice| !slice.was_paused());
    let checked = slices.filter_map(|slice| Some((slice, slice.user_time_disagreement()?)));
    let checked: Vec<_> = checked.collect();
    let wrong = checked
        .iter()
        .filter(|(_, share)| share.abs() > TIME_NOT_RECORDED);
    let (worst, share) = wrong
        .clone()
        .max_by(|(_, one), (_, other)| one.abs().total_cmp(&other.abs()))?;
    Some(format!(
        "{} under {}: throughput × (response time + think time) is {:.1} % {} than its users (Little's law; more than {:.0} % in {} of {} slices): the load generator's own records contradict each other",
        worst.variant,
        worst.load,
        share.abs() * 100.0,
        if *share < 0.0 { "less" } else { "more" },
        TIME_NOT_RECORDED * 100.0,
        wrong.count(),
        checked.len()
    ))
}

#[cfg(test)]
mod tests {
    use authlab_reports::run::UserTime;

    use super::*;

    /// A slice of two users, of whose 2 s `recorded` answers of 10 ms are recorded.
    fn slice(recorded: u64, paused: bool) -> Slice {
        let figure = serde_json::json!({
            "variant": "v", "load": "l", "step": "s", "metric": "response", "count": recorded, "min": 10_000_000,
            "mean": 1e7, "max": 10_000_000, "percentiles": []
        });
        let mut slice: Slice = serde_json::from_value(serde_json::json!({
            "load": "l", "variant": "v", "block": 0, "start_ns": 0, "length_ns": 1, "figures": [figure],
            "planned": null, "ok": recorded, "failed": {}, "cpu_ns": null, "busy": null, "generator_waited": null,
            "server_waited": null, "steal": null
        }))
        .unwrap();
        slice.user_time = Some(UserTime {
            requests: 200,
            present_ns: 2_000_000_000,
            idle_ns: 0,
        });
        slice.paused_ns = paused.then_some(1);
        slice
    }

    #[test]
    fn time_that_is_missing_is_told_with_its_worst_slice() {
        let told = |slices: &[Slice]| time_not_recorded(slices);
        assert_eq!(told(&[slice(200, false), slice(191, false)]), None);
        assert_eq!(told(&[slice(100, true)]), None);
        let mut older = slice(100, false);
        older.user_time = None;
        assert_eq!(told(&[older]), None);
        let lost = told(&[slice(180, false), slice(200, false), slice(188, false)]);
        assert_eq!(
            lost.as_deref(),
            Some(
                "v under l: throughput × (response time + think time) is 10.0 % less than its users (Little's law; more than 5 % in 2 of 3 slices): the load generator's own records contradict each other"
            )
        );
        let twice = told(&[slice(400, false)]);
        assert!(twice.is_some_and(|twice| twice.contains("100.0 % more")));
    }
}
