//! What a run found, in sentences made from its figures alone: the verdict of a duel, the share of each change, what passed
//! after a revoke, what caches held, each variant against the baseline, and the attacks. The first sentence is the headline,
//! and the picture shows what the headline is about. A run that is not valid says so first.

mod beside;
mod latency;
mod lead;
mod offered;
mod pairs;
mod picture;

pub use self::lead::document;
pub use self::picture::Picture;
use crate::document::full_stop;
use crate::duel::Duel;
use crate::judge::Metric;
use crate::ladder::{Attacked, Hits, Staleness, Table};
use crate::run::{Run, Verdict};

/// What a headline is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Subject {
    /// A latency of the ladder's step.
    Latency {
        /// The median, or the 99th percentile.
        metric: Metric,
        /// Whether this run may be judged at all.
        is_judged: bool,
        /// Whether the headline says a second figure too.
        has_beside: bool,
    },
    /// How long requests passed after a revoke.
    RevocationLag,
    /// What cached decisions bring each of many designs.
    Pairs,
    /// How near caches came to an ideal one.
    Hits,
}

/// What a run found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The scenario.
    pub scenario: String,
    /// What was asked.
    pub question: String,
    /// Why it is not to be believed, where it is not.
    pub doubt: Option<String>,
    /// What was found; the most telling first.
    pub sentences: Vec<String>,
    /// What the first sentence is about; none where that is no comparison of variants.
    pub picture: Option<Picture>,
}

impl Finding {
    /// Of a run, also of one that is partial, invalid or empty.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let table = Table::of(run);
        let with_ideal = table.hits.iter().any(|hits| hits.cache.ideal.is_some());
        let hits = Hits::sentences(&table.hits);
        let (first, last) = if with_ideal {
            (hits, Vec::new())
        } else {
            (Vec::new(), hits)
        };
        let of_latency = latency::sentences(run, &table);
        let median = |is_judged| Subject::Latency {
            metric: Metric::P50,
            is_judged,
            has_beside: false,
        };
        let metric = latency::metrics(run, &table).into_iter().next();
        let compared = metric.map(|metric| Subject::Latency {
            metric,
            is_judged: true,
            has_beside: true,
        });
        let of_pairs = pairs::sentence(run, &table).into_iter().collect();
        let (duel, of_duel) = duel(run).unzip();
        // In the order in which they are told, each with what it is about.
        let groups: [(Vec<String>, Option<Subject>); 9] = [
            (duel.into_iter().collect(), of_duel.flatten().map(median)),
            (
                table.changes.sentence().into_iter().collect(),
                Some(median(true)),
            ),
            (
                Staleness::sentence_of_all(&table.staleness)
                    .into_iter()
                    .collect(),
                Some(Subject::RevocationLag),
            ),
            (first, Some(Subject::Hits)),
            (of_pairs, Some(Subject::Pairs)),
            (of_latency, compared),
            (offered::sentences(run), None),
            (table.searches.clone(), None),
            (Attacked::sentences(&table.attacks), None),
        ];
        let subject = groups.iter().find(|(said, _)| !said.is_empty());
        let subject = subject.and_then(|(_, subject)| subject.as_ref());
        let picture = subject.and_then(|subject| Picture::of(run, &table, subject));
        let sentences = groups.into_iter().flat_map(|(said, _)| said);
        Self {
            scenario: run.scenario.name.clone(),
            question: run.scenario.question.clone(),
            doubt: doubt(&table),
            sentences: sentences.chain(last).collect(),
            picture,
        }
    }
}

/// A headline's first sentence, and what belongs to it.
#[must_use]
pub fn told(headline: &str) -> (String, &str) {
    match headline.split_once(". ") {
        Some((first, rest)) => (full_stop(first), rest),
        None => (full_stop(headline), ""),
    }
}

/// The verdict of a run that was a duel, and whether it judged the median, where that was asked for.
fn duel(run: &Run) -> Option<(String, Option<bool>)> {
    let terms = run.duel.as_ref()?;
    let duel = Duel::of(run, terms).ok()?;
    let asks = terms
        .gates
        .iter()
        .any(|gate| *gate == Metric::P50.to_string());
    Some((duel.sentence(), asks.then_some(duel.faults.is_empty())))
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
