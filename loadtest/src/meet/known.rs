//! What shard 0 knows of another shard by its reports.

use super::clocks::Ahead;
use super::plan::Plan;
use super::report::Report;
use crate::shard::Share;

/// Clocks that are certainly further apart do not begin a slice together: a shard that is so late is left out, too.
const MOST_APART_NS: i64 = 50_000_000;

/// What shard 0 knows of another.
#[derive(Default)]
pub(super) struct Known {
    /// Of its last report.
    pub(super) last: Option<Report>,
    /// It has changed since it was seen first: there is a process behind it.
    is_alive: bool,
    pub(super) ahead: Ahead,
}

impl Known {
    pub(super) fn hear(&mut self, report: Report, now: i64, us: u64) {
        let last = self.last.as_ref();
        if last.is_some_and(|last| last.process != report.process) {
            *self = Self::default();
        }
        let Some(last) = &self.last else {
            // It may be of a process that has ended long ago.
            self.last = Some(report);
            return;
        };
        if last.beat == report.beat {
            return;
        }
        self.is_alive = true;
        self.ahead.reported(report.at_ns, now);
        if let Some((first, most)) = report.hears
            && first == us
        {
            self.ahead.at_most(most);
        }
        self.last = Some(report);
    }

    /// Whether it waits, and has seen our report.
    pub(super) fn is_here(&self, us: u64) -> bool {
        let hears = self.last.as_ref().and_then(|last| last.hears);
        self.is_alive && hears.is_some_and(|(first, _)| first == us)
    }

    /// Why it cannot begin with shard 0.
    pub(super) fn objection(&self, plan: &Plan, share: Share) -> Option<String> {
        let report = self.last.as_ref()?;
        if report.of != share.of() {
            return Some(format!("is one of {}, not of {}", report.of, share.of()));
        }
        let theirs = Plan {
            seed: report.seed,
            build: report.build.clone(),
            asked: report.asked.clone(),
        };
        plan.difference(&theirs)
            .or_else(|| self.ahead.objection(MOST_APART_NS))
    }
}
