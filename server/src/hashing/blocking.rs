//! tokio's blocking pool, as most services use it, with the bound that it does not have by itself.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{Outcome, Task};
use crate::cause;
use crate::denied::Denied;
use crate::shares::Place;

#[derive(Debug)]
pub(crate) struct Blocking {
    running: Arc<Semaphore>,
}

impl Blocking {
    pub(super) fn open(threads: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(threads)),
        }
    }

    pub(super) async fn run(&self, task: Task, place: Place) -> Result<Outcome, Denied> {
        let permit = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_| cause::unanswered("the hash pool"))?;
        // Permit and place travel with the hash: a client that hangs up does not make room for a second one beside it.
        let hash = move || {
            let outcome = task.run();
            drop((permit, place));
            outcome
        };
        tokio::task::spawn_blocking(hash)
            .await
            .map_err(|_| cause::unanswered("a hash"))
    }
}
