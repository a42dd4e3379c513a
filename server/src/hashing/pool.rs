//! Threads of our own for slow hashes, at low priority: under a storm of sign-ins the scheduler then gives the async
//! threads their core first, and other requests keep their tail.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::{Outcome, Task};
use crate::cause;
use crate::denied::Denied;
use crate::shares::Place;

/// The weakest claim on a core that is still a claim (`setpriority(2)`).
const NICEST: i32 = 19;

/// The pool. Its threads end when it is dropped.
#[derive(Debug)]
pub(crate) struct Pool {
    queue: SyncSender<Job>,
}

#[derive(Debug)]
struct Job {
    task: Task,
    reply: oneshot::Sender<Outcome>,
    /// Held until the hash is done, whether its client waits for it or not.
    place: Place,
}

impl Pool {
    /// The queue has room for as many as hold a place.
    pub(super) fn open(threads: usize, queue: usize) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..threads {
            let receiver = Arc::clone(&receiver);
            std::thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || work(&receiver))?;
        }
        Ok(Self { queue: sender })
    }

    pub(super) async fn run(&self, task: Task, place: Place) -> Result<Outcome, Denied> {
        let (reply, outcome) = oneshot::channel();
        self.queue
            .try_send(Job { task, reply, place })
            .map_err(|refused| match refused {
                TrySendError::Full(_) => Denied::Busy,
                TrySendError::Disconnected(_) => cause::unanswered("the hash pool"),
            })?;
        outcome.await.map_err(|_| cause::unanswered("a hash"))
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    // A refusal (a sandbox) leaves the pool at the priority of the rest: slower for others, never wrong.
    let _ = rustix::process::setpriority_process(None, NICEST);
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { task, reply, place }) = next else {
            return;
        };
        // Whoever hung up while waiting no longer needs the hash.
        if !reply.is_closed() {
            let outcome = task.run();
            // Before the answer: whoever has it may ask for the next hash.
            drop(place);
            let _ = reply.send(outcome);
        }
    }
}
