//! Requests that go on while a fault does: how many were refused, how long after the fault all is well again, and whether
//! anything was granted that had been revoked.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{AT_MOST, answered, revoke};
use crate::stand::Server;

/// What is asked goes on for so long before and after the fault.
const AROUND: Duration = Duration::from_millis(300);

/// What requests got.
#[derive(Default)]
struct Got {
    tried: AtomicUsize,
    refused: AtomicUsize,
    wrong: AtomicUsize,
    /// Answers that are none of those promised: 200, 401 and 503.
    odd: Mutex<Vec<u16>>,
    /// Tokens whose revocation was answered with 200.
    revoked: Mutex<Vec<String>>,
}

impl Got {
    fn seen(&self, status: u16) -> u16 {
        self.tried.fetch_add(1, Ordering::Relaxed);
        match status {
            503 => {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
            200 | 401 => {}
            other => self.odd.lock().unwrap().push(other),
        }
        status
    }

    /// A sign-in, a request, a sign-out, a request, and requests of sessions that ended before: whether all were right.
    fn round(&self, server: &Server) -> bool {
        let (status, body) = answered(server, "jane", "password456");
        if self.seen(status) != 200 {
            return false;
        }
        let token = body["access_token"].as_str().unwrap().to_owned();
        let is_good = self.seen(server.status("/items/", &token)) == 200;
        let is_ended = self.seen(revoke(server, &token)) == 200;
        if is_ended {
            self.revoked.lock().unwrap().push(token);
        }
        is_good && is_ended && self.asks_revoked(server)
    }

    fn asks_revoked(&self, server: &Server) -> bool {
        let some: Vec<String> = {
            let revoked = self.revoked.lock().unwrap();
            let first = revoked.first().into_iter();
            first.chain(revoked.iter().rev().take(2)).cloned().collect()
        };
        let mut all_right = true;
        for token in some {
            match self.seen(server.status("/items/", &token)) {
                200 => {
                    self.wrong.fetch_add(1, Ordering::Relaxed);
                    all_right = false;
                }
                401 => {}
                _ => all_right = false,
            }
        }
        all_right
    }
}

/// Asks without a pause while `fault` goes on, and until everything is right again; prints a row of the table of `make faults`.
pub(super) fn meanwhile(server: &Server, name: &str, fault: impl FnOnce()) {
    let (got, ended) = (Got::default(), AtomicBool::new(false));
    let mut recovered = Duration::ZERO;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ended.load(Ordering::Acquire) {
                    got.round(server);
                    // Also while nobody can sign in.
                    got.asks_revoked(server);
                }
            });
        }
        std::thread::sleep(AROUND);
        fault();
        let begun = Instant::now();
        while !got.round(server) {
            if begun.elapsed() > AT_MOST {
                ended.store(true, Ordering::Release);
                panic!("{name}: it does not recover");
            }
        }
        recovered = begun.elapsed();
        std::thread::sleep(AROUND);
        ended.store(true, Ordering::Release);
    });
    let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
    let (tried, refused, wrong) = (count(&got.tried), count(&got.refused), count(&got.wrong));
    println!(
        "fault: {name:<56} tried {tried:>7}  refused {refused:>5}  recovered in {:>5.2} s  wrong grants {wrong}",
        recovered.as_secs_f32()
    );
    assert!(tried > 0 && wrong == 0, "{name}: {wrong} wrong grants");
    let odd = got.odd.into_inner().unwrap();
    assert!(odd.is_empty(), "{name}: {odd:?}");
}
