//! What somebody who watches is shown of the slice under way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Conductor;
use crate::arrivals::Arrivals;
use crate::job::Job;
use crate::live::Live;
use crate::progress::{Progress, Snapshot};

/// Often enough to be alive, seldom enough not to be felt.
const SHOW_EVERY: Duration = Duration::from_millis(250);

impl Conductor<'_> {
    /// The counters of a slice that somebody watches.
    pub(super) fn live(&self, variant: usize) -> Option<Arc<Live>> {
        let name = &self.scenario.variants[variant].name;
        self.order
            .watched
            .then(|| Arc::new(Live::new(name, self.aim)))
    }

    /// Shows the slice under way when it is time to.
    pub(super) fn show(&mut self, job: &Job, progress: &mut impl FnMut(Progress<'_>)) {
        let now = Instant::now();
        let (Some(live), Some(&(start, end))) = (&job.live, job.span.get()) else {
            return;
        };
        if now < self.shown_next {
            return;
        }
        self.shown_next = now + SHOW_EVERY;
        let elapsed = now.saturating_duration_since(start);
        let mut left = self.pace.left();
        left.time = left.time.saturating_sub(elapsed);
        let shards = f64::from(self.order.share().of());
        let offered = match &job.load.arrivals {
            // After the slice's length only what is late is still sent.
            Arrivals::Open { rate, .. } if now < end => Some(rate.at(elapsed) / shards),
            Arrivals::Open { .. } | Arrivals::Closed(_) | Arrivals::Trace(_) => None,
        };
        progress(Progress::Live(Box::new(Snapshot {
            variant: live.variant.clone(),
            load: job.load.name.clone(),
            aim: live.aim,
            blocks: job.load.blocks,
            elapsed,
            length: match job.load.requests {
                Some(_) => elapsed,
                None => end - start,
            },
            offered,
            failed: live.failures(),
            open: job.load.arrivals.are_open(),
            retried: live.retried(),
            response: live.response(),
            service: live.service(),
            timer: live.timer(),
            left,
        })));
    }
}
