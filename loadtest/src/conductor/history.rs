//! What was drawn since a server started, for the ideal cache: it warms up as the server's own does.

use crate::generator::Job;
use crate::ideal;
use crate::recorder::Taken;

/// 160 MB, and as much again while the ideal is worked out; a server of which more is drawn has none.
const MOST_DRAWS: usize = 20_000_000;

/// The draws at one server.
#[derive(Default)]
pub(super) struct History {
    server: u64,
    drawn: Vec<u64>,
    /// More was drawn than is kept.
    is_full: bool,
}

impl History {
    /// Adds what a slice drew. Beside its hits then stand those of the ideal cache of `capacity` entries, where each draw was
    /// one question to the server's cache.
    pub(super) fn add(&mut self, job: &Job, taken: &mut Taken, capacity: usize) {
        if self.server != job.server {
            *self = Self {
                server: job.server,
                ..Self::default()
            };
        }
        self.is_full |= self.drawn.len() + taken.drawn.len() > MOST_DRAWS;
        if self.is_full {
            self.drawn = Vec::new();
            return;
        }
        let (from, more) = (self.drawn.len(), taken.drawn.len() as u64);
        self.drawn.append(&mut taken.drawn);
        if let Some(cache) = &mut taken.cache
            && job.measured
            && cache.asked == more
        {
            cache.ideal = Some(ideal::hits(&self.drawn, from, capacity));
        }
    }
}
