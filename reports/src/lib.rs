//! Run format, statistics, verdicts and renderers.
//!
//! As a reader meets them:
//! - [`run`]: what `run.json` holds.
//! - [`folder`]: a run on disk, written as it goes, and read again.
//! - [`calibration`]: what machine and generator can tell apart, in words.
//! - [`percentiles`]: figures of one histogram.
//! - [`blocks`] and [`order_statistics`]: what a run's slices say about two variants, with its interval.
//! - [`judge`]: the verdict on two variants, metric by metric; [`duel`]: all of them, and what a reader must know.
//! - [`ladder`]: every variant against the baseline, judged once and rendered in several forms.
//! - [`curves`], [`timeline`], [`stages`], [`staleness`] and [`rates`]: what charts show; [`chart`] draws them.
//! - [`safety`]: what each variant costs, beside the attacks that were tried on it.
//! - [`summary`] and [`page`]: the ladder in Markdown, and the whole run on one page; [`finding`]: what it found, in
//!   sentences, and [`page::site`]: those of several runs.
//! - [`compare`]: two variants of a run, or two runs, beside each other; [`outcome`] is what a script sees.
//! - [`merge`]: the shards of one load, added up.
//! - [`micro`]: criterion's figures, from its JSON files: of one run, of two baselines, of two binaries that duel.
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
pub mod quantity;
pub mod render;
pub mod run;
pub mod section;
pub mod withhold;

pub use self::section::ladder;
