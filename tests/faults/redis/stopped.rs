//! Servers that share a Redis, one of which is stopped for a while.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{Count, Redis, jane, over, revoke, until};
use crate::stand::tally;

const LEASE: Duration = Duration::from_secs(1);

/// A server that was stopped does not know what was revoked meanwhile, nor that time went on: its clock does.
#[test]
fn a_server_that_was_stopped_grants_nothing_that_was_revoked_meanwhile() {
    let files = tempfile::tempdir().unwrap();
    let secret = files.path().join("secret");
    std::fs::write(&secret, "a secret of at least thirty-two bytes").unwrap();
    let secret = secret.to_str().unwrap();
    let mut count = Count::default();
    for store in ["quick", "redis", "tiered"] {
        let redis = Redis::start(&[]);
        let mut flags = vec!["--issuer", "https://auth.example", "--secret-file", secret];
        flags.extend(["--cache", "decision", "--cache-store", store]);
        let (here, there) = (over(&redis.url(), &flags), over(&redis.url(), &flags));
        for round in 0..3 {
            let token = jane(&here);
            until("it is granted", || there.status("/items/", &token) == 200);
            assert_eq!(there.status("/items/", &token), 200);
            let process = Pid::from_child(&there.child);
            kill_process(process, Signal::STOP).unwrap();
            count.is(revoke(&here, &token), 200, "revoked");
            std::thread::sleep(LEASE);
            // Sent while it is stopped, and answered when it goes on.
            let status = std::thread::scope(|scope| {
                let asked = scope.spawn(|| there.status("/items/", &token));
                std::thread::sleep(Duration::from_millis(100));
                kill_process(process, Signal::CONT).unwrap();
                asked.join().unwrap()
            });
            count.is(status, 401, &format!("{store}, round {round}"));
        }
    }
    tally(
        "a server is stopped while another revokes",
        count.tried,
        count.held,
    );
}
