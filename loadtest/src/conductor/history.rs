//! What was drawn since a server started, for the ideal cache: it warms up as the server's own does.

use crate::ideal;
use crate::recorder::Taken;

/// 160 MB; a run that draws more says nothing of the ideal.
const MOST_DRAWS: usize = 20_000_000;

/// The draws at one server.
#[derive(Default)]
pub(super) struct History {
    server: u64,
    drawn: Vec<u64>,
}

impl History {
    /// Adds what a slice drew, and tells beside its hits those of the ideal cache of `capacity` entries.
    pub(super) fn add(&mut self, server: u64, taken: &mut Taken, capacity: usize) {
        if self.server != server {
            *self = Self {
                server,
                drawn: Vec::new(),
            };
        }
        let from = self.drawn.len();
        self.drawn.append(&mut taken.drawn);
        if self.drawn.len() > MOST_DRAWS {
            return;
        }
        if let Some(cache) = &mut taken.cache {
            cache.ideal = Some(ideal::hits(&self.drawn, from, capacity));
        }
    }
}
