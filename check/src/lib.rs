//! A property test of any authorization gate over HTTP.
//!
//! Top-down, as a check goes:
//! - [`contract`]: what a gate promises, read from TOML and checked.
//! - [`check`]: learns what the gate does, plays histories, and shortens what is wrong.
//! - `learn`: whether the contract can be checked at all, and by what its routes are recognized.
//! - `draw`: random histories of a seed; `shrink`: the shortest one that still shows a violation.
//! - `judge`: what a violation is, and what is none.
//! - `play`: plays a history with fresh credentials; `vary`: the forms of a request; `wire`: HTTP as octets.
//! - [`history`]: operations and forms, by name.
//! - [`report`]: the outcome as text, JSON, `JUnit`, SARIF, and as a contract that replays.

#![warn(missing_docs)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod contract;
mod draw;
pub mod history;
mod judge;
mod learn;
mod outcome;
mod play;
pub mod report;
mod search;
mod shrink;
mod vary;
mod wire;

pub use judge::Kind;
pub use outcome::{Coverage, FirstSeen, Outcome, Verdict, Violation};
pub use play::Bounds;
pub use search::{Options, Refused, check};
