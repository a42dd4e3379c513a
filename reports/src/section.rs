//! What a report says of a run, subject by subject: the data of each, its words, and its blocks.
//!
//! - [`summary`]: of a run of one variant, all that was measured of it; [`ladder`]: every variant against the baseline,
//!   with the share of each change.
//! - [`safety`]: what each variant takes and costs, with the attacks that were tried on it; `tradeoff`: the same as a
//!   picture.
//! - [`attacks`]: what became of each; [`staleness`]: what still passed after a revoke; [`hits`]: what caches had.
//! - [`curves`], [`rates`], [`timeline`], [`stages`]: the charts.
//! - [`calibration`]: what machine and generator can tell apart.

pub mod attacks;
pub mod calibration;
pub mod curves;
pub mod hits;
pub mod ladder;
pub mod rates;
pub mod safety;
pub mod stages;
pub mod staleness;
pub mod summary;
pub mod timeline;
mod tradeoff;

use self::ladder::Table;
use crate::chart::DrawError;
use crate::document::Section;
use crate::run::Run;

/// The sections of a run's page, in the order in which they are read.
///
/// # Errors
/// When a chart cannot be drawn.
pub fn all(run: &Run, ladder: &Table) -> Result<Vec<Section>, DrawError> {
    // Second on the page: what the headline's picture leaves open.
    let mut sections: Vec<Section> = tradeoff::section(run, ladder).into_iter().collect();
    match summary::section(run, &ladder.summaries) {
        Some(summary) => {
            sections.push(summary);
            sections.extend(ladder::shown::below_a_summary(ladder));
        }
        None => sections.push(ladder::shown::section(ladder)),
    }
    sections.extend(safety::section(run, ladder));
    sections.extend(staleness::section(run)?);
    sections.extend(hits::section(&ladder.hits));
    sections.extend(curves::sections(run)?);
    sections.extend(rates::sections(run)?);
    sections.extend(timeline::section(run)?);
    sections.extend(stages::section(run)?);
    sections.extend(calibration::section(run));
    Ok(sections)
}
