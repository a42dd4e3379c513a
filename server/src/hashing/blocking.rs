//! tokio's blocking pool, as most services use it, with the bound that it does not have by itself.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{Outcome, Task};
use crate::cause;
use crate::denied::Denied;

#[derive(Debug)]
pub(crate) struct Blocking {
    /// Running and waiting together.
    admitted: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Blocking {
    pub(super) fn open(threads: usize, queue: usize) -> Self {
        Self {
            admitted: Arc::new(Semaphore::new(threads + queue)),
            running: Arc::new(Semaphore::new(threads)),
        }
    }

    pub(super) async fn run(&self, task: Task) -> Result<Outcome, Denied> {
        let admission = Arc::clone(&self.admitted)
            .try_acquire_owned()
            .map_err(|_| Denied::Busy)?;
        let permit = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(|_| cause::unanswered("the hash pool"))?;
        // The permits travel with the hash: a client that hangs up does not make room for a second one beside it.
        let hash = move || {
            let outcome = task.run();
            drop((permit, admission));
            outcome
        };
        tokio::task::spawn_blocking(hash)
            .await
            .map_err(|_| cause::unanswered("a hash"))
    }
}
