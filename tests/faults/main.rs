//! Faults of disks, stores, logs and clients against the real server in a process of its own: how many requests were
//! tried, how many got what was promised, and how many were lost. `make faults` prints the table.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

mod causes;
mod clients;
mod file_size;
mod flood;
mod introspection;
mod log;
mod postgres;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../../server/tests/served/postgresql.rs"]
mod postgresql;
mod redis;
mod shutdown;
mod sqlite;
mod stand;
mod supervised;

/// The stand itself: a server answers, and what it grants is counted.
#[test]
fn a_server_without_a_fault_loses_nothing() {
    let server = stand::Server::start(&["--password", "sha256"]);
    let token = server.token("jane", "password456").unwrap();
    let held = (0..20).filter(|_| server.status("/items/", &token) == 200);
    stand::tally("none", 20, held.count());
}
