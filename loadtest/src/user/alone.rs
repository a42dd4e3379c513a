//! A user without a slice: it makes a journey when it is told to, for whoever counts journeys rather than times them.

use std::time::Instant;

use super::{Pools, Seat};
use crate::generator::Job;

/// One user at one server.
pub(crate) struct Alone {
    seat: Seat,
    pools: Pools,
}

impl Alone {
    /// The first user of the job's load.
    pub(crate) fn new(job: &Job) -> Self {
        Self {
            seat: Seat::new(0, &job.endpoints),
            pools: Pools::default(),
        }
    }

    /// Connects, fills the load's pools and makes its `prepare` steps.
    pub(crate) async fn prepare(&mut self, job: &Job) -> Result<(), String> {
        self.seat.prepare(job, 0, &self.pools).await
    }

    /// Makes a journey; what became of its requests is in the job's recorder.
    pub(crate) async fn journey(&mut self, job: &Job) {
        let now = Instant::now();
        self.seat.journey(job, now, now).await;
    }
}
