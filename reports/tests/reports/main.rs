//! Reports made of synthetic runs, through real files.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may panic as the test may"
)]

mod compare;
mod contest;
mod directions;
mod duel;
mod exact;
mod findings;
mod folder;
mod golden;
mod hostile;
mod installed;
mod ladder;
mod overloaded;
mod page;
mod prediction;
mod readers;
mod renderings;
mod schema;
mod searched;
mod summary;
mod synthetic;
mod terminals;
mod unheard;
