//! The generator was late: its own time is part of what it measures.
//!
//! A duel excuses that in the blocks that others disturbed, where it waited for its core, and nowhere else.

use authlab_reports::judge::aside::SetAside;
use authlab_reports::order_statistics::median;
use authlab_reports::quantity;
use authlab_reports::run::{Figure, Run};

use super::limited::TIMER_P99_NS;
use super::requests::Requests;

/// With one closed user, the generator's own time between answers above this share of the service time.
const TIMER_SHARE: f64 = 0.25;

/// The figures by which it is judged.
pub(super) struct Recorded<'a> {
    figures: Vec<&'a Figure>,
}

impl<'a> Recorded<'a> {
    /// All that the run measured.
    pub(super) fn all(run: &'a Run) -> Self {
        Self {
            figures: run.merged.iter().collect(),
        }
    }

    /// Those of the slices of a load outside these blocks, each for itself.
    pub(super) fn outside(run: &'a Run, load: &str, blocks: &SetAside) -> Self {
        let slices = run
            .slices
            .iter()
            .filter(|slice| slice.load == load && !blocks.has(slice.block));
        Self {
            figures: slices.flat_map(|slice| &slice.figures).collect(),
        }
    }

    pub(super) fn reasons(&self, all: &[Requests<'_>]) -> Vec<String> {
        let late = all.iter().flat_map(|at| self.late(at));
        late.chain(all.iter().filter_map(|at| self.between_answers(at)))
            .collect()
    }

    fn of(&self, at: &Requests<'_>, metric: &str) -> impl Iterator<Item = &&'a Figure> {
        self.figures.iter().filter(move |figure| {
            figure.metric == metric && figure.variant == at.variant && figure.load == at.load.name
        })
    }

    /// Open arrivals leave late: the generator's lateness against the schedule is part of the response time. Of slices it is
    /// the typical one's, step by step.
    fn late(&self, at: &Requests<'_>) -> Vec<String> {
        if !at.load.open {
            return Vec::new();
        }
        let mut steps: Vec<&str> = self.of(at, "timer").map(|of| of.step.as_str()).collect();
        steps.sort_unstable();
        steps.dedup();
        let p99 = |step: &&str| {
            let of_step = self.of(at, "timer").filter(|of| of.step == **step);
            median(of_step.map(|of| of.at(99.0) as f64).collect())
        };
        let late = steps.iter().filter_map(p99);
        late.filter(|p99| *p99 > TIMER_P99_NS as f64)
            .map(|p99| {
                format!(
                    "{}: requests left {} late at p99",
                    at.shown(),
                    quantity::duration(p99)
                )
            })
            .collect()
    }

    /// The generator must not be most of what it measures: with one closed user, its own time between answers. Over all
    /// steps of the journey, since one that has much to read precedes few of the others.
    fn between_answers(&self, at: &Requests<'_>) -> Option<String> {
        if at.load.open || at.load.users != 1 {
            return None;
        }
        let total = |metric| -> (f64, f64) {
            self.of(at, metric).fold((0.0, 0.0), |(ns, count), figure| {
                let requests = figure.count as f64;
                (figure.mean.mul_add(requests, ns), count + requests)
            })
        };
        let ((timer, requests), (service, _)) = (total("timer"), total("service"));
        let mean = |ns: f64| quantity::duration(ns / requests);
        (timer > service * TIMER_SHARE).then(|| {
            format!(
                "{}: the generator took {} between two answers, beside a service time of {} (means)",
                at.shown(),
                mean(timer),
                mean(service)
            )
        })
    }
}
