//! Run format, statistics, verdicts and renderers.
//!
//! As a reader meets them:
//! - [`run`]: what `run.json` holds.
//! - [`folder`]: a run on disk, written as it goes, and read again.
//! - [`percentiles`]: figures of one histogram.
//! - [`blocks`] and [`order_statistics`]: what a run's slices say about two variants, with its interval.
//! - [`ladder`]: every variant against the baseline, judged once and rendered in several forms.
//! - [`quantity`]: how a number is written, everywhere.

pub mod blocks;
pub mod folder;
pub mod ladder;
pub mod order_statistics;
pub mod percentiles;
pub mod quantity;
pub mod run;
