//! Whether a run can be trusted as a measurement, with its reason in words.

use authlab_reports::run::{Run, Slice, Validity, Verdict};

/// Run-queue delay of the generator above this share of the time disturbs its figures.
const GENERATOR_WAITED: f64 = 0.05;
/// The same of a server that has a core to itself.
const SERVER_WAITED: f64 = 0.05;
/// Time stolen by the host above this share.
const STEAL: f64 = 0.02;
/// With one closed user, the generator's own time between answers above this share of a request.
const TIMER_SHARE: f64 = 0.25;

/// Judges what was measured so far.
pub(crate) fn judge(run: &Run) -> Validity {
    if run.slices.iter().all(|slice| slice.ok == 0) {
        return Validity {
            verdict: Verdict::Empty,
            reasons: vec!["no request was answered as its step expects".to_owned()],
        };
    }
    let mut reasons = Vec::new();
    for (what, share, most) in [
        (
            "the load generator waited for a core",
            mean(run, |s| s.generator_waited),
            GENERATOR_WAITED,
        ),
        (
            "the servers waited for a core",
            mean(run, |s| s.server_waited),
            SERVER_WAITED,
        ),
        ("the host took away", mean(run, |s| s.steal), STEAL),
    ] {
        if let Some(share) = share.filter(|share| *share > most) {
            reasons.push(format!(
                "{what} {:.1} % of the time (more than {:.0} % disturbs)",
                share * 100.0,
                most * 100.0
            ));
        }
    }
    if !reasons.is_empty() {
        return Validity {
            verdict: Verdict::Disturbed,
            reasons,
        };
    }
    let late = late_generator(run);
    if !late.is_empty() {
        return Validity {
            verdict: Verdict::ClientLimited,
            reasons: late,
        };
    }
    Validity {
        verdict: Verdict::Valid,
        reasons,
    }
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

/// The ladder's latency is one user's: its generator must not be most of what it measures.
fn late_generator(run: &Run) -> Vec<String> {
    let at = &run.scenario.ladder.latency;
    let p50 = |variant: &str, metric: &str| {
        run.merged
            .iter()
            .find(|f| {
                f.variant == variant && f.load == at.load && f.step == at.step && f.metric == metric
            })
            .map(authlab_reports::run::Figure::p50)
    };
    let mut reasons = Vec::new();
    for variant in &run.variants {
        if let (Some(timer), Some(service)) =
            (p50(&variant.name, "timer"), p50(&variant.name, "service"))
            && timer as f64 > service as f64 * TIMER_SHARE
        {
            reasons.push(format!(
                "{}: requests left {timer} ns late at p50, beside a service time of {service} ns",
                variant.name
            ));
        }
    }
    reasons
}
