//! Run format, statistics, verdicts and renderers.
//!
//! - [`run`]: what `run.json` holds.
//! - [`folder`]: a run on disk, written as it goes.

pub mod folder;
pub mod run;
