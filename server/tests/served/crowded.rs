//! One client that fills what is shared, and another one.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use authlab_server::{Design, HashOn, PasswordKind};

use crate::harness::{ELSEWHERE, Served, quick};

/// Between two sign-ins of a flooding task that was refused: the queue is full all the same.
const PAUSE: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_fills_the_hash_queue_keeps_no_other_one_out() {
    for hash_on in [HashOn::Pool, HashOn::Blocking] {
        let server = Served::start(Design {
            password: PasswordKind::Bcrypt,
            bcrypt_cost: 8,
            hash_on,
            hash_threads: NonZeroUsize::MIN,
            hash_queue: NonZeroUsize::new(4).unwrap(),
            ..quick()
        })
        .await;
        let refused = Arc::new(AtomicUsize::new(0));
        let over = Arc::new(AtomicBool::new(false));
        let flood: Vec<_> = (0..24)
            .map(|_| {
                let client = server.client();
                let (refused, over) = (Arc::clone(&refused), Arc::clone(&over));
                tokio::spawn(async move {
                    while !over.load(Ordering::Relaxed) {
                        let answer = client.login("nobody", "wrong").await;
                        let busy = answer.status == 429;
                        refused.fetch_add(usize::from(busy), Ordering::Relaxed);
                        if busy {
                            // Each is a connection of its own, and there are no more than some ten thousand.
                            tokio::time::sleep(PAUSE).await;
                        }
                    }
                })
            })
            .collect();
        // The flood has filled the queue once it is refused.
        while refused.load(Ordering::Relaxed) < 24 {
            tokio::time::sleep(PAUSE).await;
        }
        let other = server.client().at(ELSEWHERE);
        for number in 0..8 {
            let answer = other.login("john", "password123").await;
            assert_eq!(answer.status, 200, "{hash_on} {number}: {}", answer.text);
        }
        over.store(true, Ordering::Relaxed);
        for asking in flood {
            asking.await.unwrap();
        }
    }
}
