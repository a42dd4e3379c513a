//! Others took what was ours: cores, time, packets.

use authlab_reports::quantity;
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

/// The load generator itself was stopped.
pub(super) fn paused(run: &Run) -> Option<String> {
    let paused: Vec<&Slice> = run
        .slices
        .iter()
        .filter(|slice| slice.was_paused())
        .collect();
    let longest = paused.iter().filter_map(|slice| slice.paused_ns).max()?;
    Some(format!(
        "the load generator was stopped for {} (SIGSTOP, or a pause of the machine): {} of {} slices are not part of the figures",
        quantity::duration(longest as f64),
        paused.len(),
        run.slices.len()
    ))
}

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
    let waited = slice
        .server_waited
        .filter(|_| slice.busy.is_some_and(|busy| busy < SERVER_BUSY))?;
    // Servers beside one another wait for each other, and so do a server's threads: no more of it was for others than those ran.
    Some(slice.others_busy.map_or(waited, |most| waited.min(most)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slice in which the servers waited for a core, and others ran there, for these shares.
    fn slice(waited: f64, others: Option<f64>) -> Slice {
        serde_json::from_value(serde_json::json!({
            "load": "l", "variant": "v", "block": 0, "start_ns": 0, "length_ns": 1, "figures": [], "planned": null,
            "ok": 1, "failed": {}, "cpu_ns": 1_000_000, "busy": 0.5, "generator_waited": 0.0, "server_waited": waited,
            "others_busy": others, "steal": 0.0
        }))
        .unwrap()
    }

    #[test]
    fn servers_and_threads_that_wait_for_each_other_disturb_nothing() {
        // (waited, others ran, what counts)
        let table = [
            (0.1, Some(0.01), 0.01),
            (0.1, Some(0.3), 0.1),
            (0.1, None, 0.1),
        ];
        for (waited, others, counts) in table {
            let counted = waited_for_others(&slice(waited, others));
            assert_eq!(counted, Some(counts), "{waited} {others:?}");
        }
    }
}
