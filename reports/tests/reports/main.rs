//! Reports made of synthetic runs, through real files.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may panic as the test may"
)]

mod compare;
mod exact;
mod folder;
mod ladder;
mod readers;
mod renderings;
mod schema;
mod searched;
mod synthetic;
