//! Load scenarios, driven by goose and recorded as HDR histograms, against any HTTP server.
//!
//! Top-down, as a run lives:
//! - [`scenario`]: what is asked, read from TOML and checked.
//! - [`conductor`]: starts servers, warms them up, interleaves slices, writes the run as it goes.
//! - `search`: the highest rate within limits.
//! - [`plan`]: the order of slices in a block; [`arrivals`]: when requests are planned.
//! - `generator`, `user`, `connection`: goose's users, each with a connection of its own.
//! - [`calibrate`]: what machine and generator can tell apart; [`null`]: a server that does nothing.
//! - `recorder`: histograms of each step and metric. `validity`: whether they can be trusted.

#![warn(missing_docs)]

pub mod arrivals;
pub mod calibrate;
pub mod conductor;
mod connection;
pub mod cores;
pub mod duration;
mod generator;
pub mod interrupt;
pub mod machine;
pub mod null;
mod pacing;
pub mod plan;
mod probe;
pub mod progress;
mod recorder;
pub mod scenario;
mod search;
pub mod server;
mod server_timing;
mod usage;
mod user;
mod validity;
