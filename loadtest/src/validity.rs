//! Whether a run can be trusted as a measurement, with its reasons in words.
//!
//! The verdict is that of the first kind of reason below; all reasons are told. Wrong answers come
//! first, then what others took from us: lateness and queues follow from it, and are nobody's fault.

mod disturbed;
mod late;
pub(crate) mod limited;
mod requests;

use authlab_reports::judge::aside::SetAside;
use authlab_reports::run::{Run, Validity, Verdict};

use late::Recorded;
use requests::Requests;

/// Judges what was measured so far. Of a duel, that is what its verdict rests on: noise disturbs both sides alike, and
/// the duel is judged in spite of it.
pub(crate) fn judge(run: &Run) -> Validity {
    let Some(terms) = &run.duel else {
        return judged(run, &Recorded::all(run));
    };
    let disturbed = SetAside::disturbed(run, &terms.load);
    let aside = SetAside::of(run, &terms.load);
    let mut kept = run.clone();
    kept.slices
        .retain(|slice| slice.load != terms.load || !aside.has(slice.block));
    // A shard that was late in most blocks did not load together with the others, and that is said.
    if kept.slices.is_empty() || aside.is_of_late_shard(run, &terms.load) {
        kept.slices.clone_from(&run.slices);
    }
    // What others took is noise, and so is a generator that was late since it waited for its core: in those blocks.
    for slice in &mut kept.slices {
        slice.steal = None;
        slice.throttled = None;
        slice.generator_waited = None;
        slice.server_waited = None;
        slice.others_busy = None;
        slice.paused_ns = None;
        slice.resent = None;
    }
    judged(&kept, &Recorded::outside(run, &terms.load, &disturbed))
}

fn judged(run: &Run, punctual: &Recorded<'_>) -> Validity {
    let all = Requests::of(run);
    let unanswered = unanswered(run, &all);
    if !unanswered.is_empty() {
        return Validity {
            verdict: Verdict::Empty,
            reasons: [unanswered, limited::unreached(run)].concat(),
        };
    }
    let judged = [
        (Verdict::ServerLimited, limited::failing(&all)),
        (Verdict::ServerLimited, limited::unreached(run)),
        (
            Verdict::Disturbed,
            disturbed::paused(run).into_iter().collect(),
        ),
        (Verdict::Disturbed, disturbed::waited(run)),
        (Verdict::Disturbed, disturbed::surroundings(run)),
        (Verdict::ServerLimited, limited::by_server(&all)),
        (
            Verdict::ClientLimited,
            limited::by_client(run, &all, punctual.reasons(&all)),
        ),
    ];
    let verdict = judged
        .iter()
        .find(|(_, reasons)| !reasons.is_empty())
        .map_or(Verdict::Valid, |(verdict, _)| *verdict);
    Validity {
        verdict,
        reasons: judged
            .into_iter()
            .flat_map(|(_, reasons)| reasons)
            .collect(),
    }
}

/// A variant that answered nothing as expected under a load was not measured there.
fn unanswered(run: &Run, all: &[Requests<'_>]) -> Vec<String> {
    if run.slices.is_empty() && run.capacities.is_empty() {
        return vec!["nothing was measured".to_owned()];
    }
    let reason = |at: &Requests| {
        format!(
            "{}: no request was answered as its step expects ({})",
            at.shown(),
            at.reasons()
        )
    };
    all.iter().filter(|at| at.ok == 0).map(reason).collect()
}
