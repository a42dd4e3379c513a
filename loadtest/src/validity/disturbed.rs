//! Others took what was ours: cores, time, packets.

use authlab_reports::run::{Run, Slice};

use super::requests::mean;

/// Run-queue delay of the generator above this share of the time disturbs its figures.
const GENERATOR_WAITED: f64 = 0.05;
/// The same of a server whose cores were not busy with itself: the threads of a saturated server
/// wait for one another.
const SERVER_WAITED: f64 = 0.05;
const SERVER_BUSY: f64 = 0.9;
/// Something else on the servers' cores above this share of their time: whoever wakes goes before it, so
/// that nobody waits long, but caches are cold and the core does not sleep (p50 fell from 88 to 40 µs).
const OTHERS_BUSY: f64 = 0.1;
/// A process that used less for each answer did not serve them: the command started the server elsewhere.
const LEAST_CPU_NS: u64 = 1_000;
/// Time stolen by the host above this share.
const STEAL: f64 = 0.02;
/// Time throttled above this share.
const THROTTLED: f64 = 0.01;
/// Segments sent again above this share: each costs its request 200 ms and more (RFC 6298, 2.4).
const RESENT: f64 = 0.001;

/// Shares of time in which a process of the run was ready and had no core.
pub(super) fn waited(run: &Run) -> Vec<String> {
    let generator = mean(&run.slices, |slice| slice.generator_waited);
    let servers = mean(&run.slices, waited_for_others);
    [
        above(
            generator,
            GENERATOR_WAITED,
            "the load generator waited for a core",
        ),
        above(servers, SERVER_WAITED, "the servers waited for a core"),
    ]
    .into_iter()
    .flatten()
    .map(|share| format!("{share}: another process ran there"))
    .chain(above(
        mean(&run.slices, others),
        OTHERS_BUSY,
        "another process ran on the servers' cores",
    ))
    .collect()
}

/// What the host, the control group and the network took.
pub(super) fn surroundings(run: &Run) -> Vec<String> {
    let steal = mean(&run.slices, |slice| slice.steal);
    let throttled = mean(&run.slices, |slice| slice.throttled);
    let resent = mean(&run.slices, |slice| slice.resent).filter(|share| *share > RESENT);
    let resent = resent.map(|share| {
        format!(
            "the network lost packets: {:.1} % of the TCP segments were sent again (more than {:.1} % disturbs)",
            share * 100.0,
            RESENT * 100.0
        )
    });
    [
        above(steal, STEAL, "the host took away"),
        above(throttled, THROTTLED, "the control group was throttled"),
        resent,
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn above(share: Option<f64>, most: f64, what: &str) -> Option<String> {
    let share = share.filter(|share| *share > most)?;
    Some(format!(
        "{what} {:.1} % of the time (more than {:.0} % disturbs)",
        share * 100.0,
        most * 100.0
    ))
}

fn others(slice: &Slice) -> Option<f64> {
    let serves = slice.cpu_ns? >= LEAST_CPU_NS * slice.ok;
    slice.others_busy.filter(|_| serves)
}

fn waited_for_others(slice: &Slice) -> Option<f64> {
    slice
        .server_waited
        .filter(|_| slice.busy.is_some_and(|busy| busy < SERVER_BUSY))
}
