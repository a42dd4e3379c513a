//! What a run found, in sentences made from its figures alone: what its changes made, what passed after a revoke, what caches
//! had, each variant beside the baseline (faster, slower, or not to be told apart), what attacks came to. The first is the
//! headline. A run that is not to be believed says so first.

mod latency;
mod offered;

use crate::ladder::{Attacked, Hits, Staleness, Table};
use crate::run::{Run, Verdict};

/// What a run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The scenario.
    pub scenario: String,
    /// What was asked.
    pub question: String,
    /// Why it is not to be believed, where it is not.
    pub doubt: Option<String>,
    /// What was found; the most telling first.
    pub sentences: Vec<String>,
}

impl Finding {
    /// Of a run, also of one that is partial, invalid or empty.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let table = Table::of(run);
        let mut sentences: Vec<String> = table.changes.sentence().into_iter().collect();
        sentences.extend(Staleness::sentence_of_all(&table.staleness));
        let with_ideal = table.hits.iter().any(|hits| hits.cache.ideal.is_some());
        let hits = Hits::sentences(&table.hits);
        let (first, last) = if with_ideal {
            (hits, Vec::new())
        } else {
            (Vec::new(), hits)
        };
        sentences.extend(first);
        sentences.extend(latency::sentences(run, &table));
        sentences.extend(offered::sentences(run));
        sentences.extend(table.searches.iter().cloned());
        sentences.extend(Attacked::sentences(&table.attacks));
        sentences.extend(last);
        Self {
            scenario: run.scenario.name.clone(),
            question: run.scenario.question.clone(),
            doubt: doubt(&table),
            sentences,
        }
    }
}

fn doubt(table: &Table) -> Option<String> {
    let heading = &table.heading;
    if let Some(why) = &heading.cut_short {
        return Some(format!("cut short: {why}"));
    }
    match heading.verdict {
        Verdict::Valid => None,
        other => Some(match heading.reasons.first() {
            Some(reason) => format!("{}: {reason}", other.label()),
            None => other.label().to_owned(),
        }),
    }
}
