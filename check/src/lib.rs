//! A property test of any authorization gate over HTTP.

#![warn(missing_docs)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod contract;
mod draw;
pub mod history;
mod judge;
mod learn;
mod outcome;
mod play;
mod search;
mod shrink;
mod vary;
mod wire;

pub use judge::Kind;
pub use outcome::{Coverage, Outcome, Verdict, Violation};
pub use play::Bounds;
pub use search::{Options, Refused, check};
