//! Load scenarios, driven by goose and recorded as HDR histograms, against any HTTP server.
//!
//! Top-down, as a run lives:
//! - [`scenario`]: what is asked, read from TOML and checked.
//! - [`origin`], [`target`], [`protocol`]: where a server is, what is asked of it, and what it speaks.
//! - [`conductor`]: starts servers, warms them up, interleaves slices, writes the run as it goes.
//! - `search`: the highest rate within limits.
//! - [`plan`]: the order of slices in a block; [`arrivals`]: when requests are planned; [`shard`]:
//!   which of them are ours, when several processes make one load; [`meet`]: how those find one start.
//! - `generator`, `user`, `connection`: goose's users, each with a connection of its own; `job`: what they are told to do.
//! - [`caller`]: one user that a program leads by hand.
//! - [`instructions`]: those of a request of two servers, counted while nothing is timed.
//! - [`calibrate`]: what machine and generator can tell apart; [`null`]: a server that does nothing.
//! - [`server`]: a server under test, and those beside it; `probe`: whether it answers yet; [`supervisor`]: the process
//!   that ends a server's descendants.
//! - `recorder`: histograms of each step and metric. [`live`]: counters beside them, for who watches.
//! - `pauses`: when this tool itself was stopped.
//! - `validity`: whether they can be trusted.
//! - [`output`] and [`bar`]: what a command that measures prints, and a bar while it does.

#![warn(missing_docs)]
#![deny(clippy::print_stdout, clippy::print_stderr)] // They panic when they cannot write.

pub mod arrivals;
mod awake;
pub mod bar;
pub mod calibrate;
pub mod conductor;
mod connection;
pub mod cores;
pub mod descriptors;
mod generator;
mod ideal;
pub mod instructions;
pub mod interrupt;
mod job;
pub mod live;
pub mod machine;
pub mod meet;
pub mod null;
pub mod origin;
pub mod output;
mod pacing;
mod pauses;
pub mod plan;
mod probe;
pub mod progress;
pub mod protocol;
mod recorder;
pub mod scenario;
mod search;
pub mod server;
mod server_timing;
pub mod shard;
pub mod supervisor;
pub mod target;
mod usage;
mod user;
mod validity;

pub use user::caller;
