//! Run format, statistics, verdicts and renderers.
//!
//! As a reader meets them:
//! - [`run`]: what `run.json` holds.
//! - [`folder`]: a run on disk, written as it goes, and read again.
//! - [`percentiles`]: figures of one histogram.
//! - [`blocks`] and [`order_statistics`]: what a run's slices say about two variants, with its interval.
//! - [`judge`]: the verdict on two variants, metric by metric; [`duel`]: all of them, and what a reader must know.
//! - [`section`]: what is said of a run, a file a subject: the ladder, costs and safety, staleness, the charts, which
//!   [`chart`] draws; [`finding`]: what a run found, in sentences.
//! - [`document`]: the blocks that a report is made of; [`render`]: the formats that print them.
//! - [`program`]: a run for a program, in JSON with named figures, in CSV and in OpenMetrics.
//! - [`page`]: the whole run on one page; [`page::site`]: what several runs found.
//! - [`compare`]: two variants of a run, or two runs, beside each other; [`outcome`] is what a script sees.
//! - [`merge`]: the shards of one load, added up.
//! - [`micro`]: criterion's figures, from its JSON files: of one run, of two baselines, of two binaries that duel.
//! - [`prediction`]: what a model said of a scenario's variants before they were run, and its error.
//! - [`exact`]: instructions and allocations of a request, against a baseline.
//! - [`duration`]: lengths of time as people write them.
//! - [`nearest`]: the name that was probably meant.
//! - [`quantity`]: how a number is written, everywhere; [`plain`]: foreign text, without what a terminal would obey.
//! - [`foreign`]: files that somebody else may have written, read within bounds.
//! - [`withhold`]: credentials in a command, a URL or a header, withheld before they are written down.

#![deny(clippy::print_stdout, clippy::print_stderr)] // They panic when they cannot write.

pub mod blocks;
pub mod chart;
pub mod compare;
pub mod document;
pub mod duel;
pub mod duration;
pub mod exact;
pub mod finding;
pub mod folder;
pub mod foreign;
pub mod judge;
pub mod merge;
pub mod micro;
pub mod nearest;
pub mod order_statistics;
pub mod outcome;
pub mod page;
pub mod percentiles;
pub mod plain;
pub mod prediction;
pub mod program;
pub mod quantity;
pub mod render;
pub mod run;
pub mod section;
pub mod withhold;

pub use self::section::ladder;
