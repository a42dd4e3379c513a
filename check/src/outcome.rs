//! What a check found, and what it covered.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::history::OpText;
use crate::judge::Kind;

/// The end of a check.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// The contract's name.
    pub contract: String,
    /// Its file.
    pub file: String,
    /// The gate.
    pub gate: String,
    /// The seed, by which the same histories are drawn.
    pub seed: u64,
    /// `right`, `violation` or `undecided`.
    pub verdict: Verdict,
    /// What the process ends with.
    pub exit_code: u8,
    /// The violations, each once.
    pub violations: Vec<Violation>,
    /// What was seen and did not repeat, or kept the check from deciding.
    pub undecided: Vec<String>,
    /// What was tried.
    pub coverage: Coverage,
    /// Requests that were sent.
    pub requests: u64,
    /// How long it took.
    pub elapsed_s: f64,
}

/// What is said of the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing was found in what was covered.
    NothingFound,
    /// It does not keep its contract.
    Violation,
    /// It could not be decided.
    Undecided,
}

/// The contract is broken.
#[derive(Debug, Clone, Serialize)]
pub struct Violation {
    /// Its kind.
    pub kind: Kind,
    /// In a sentence.
    pub sentence: String,
    /// The route whose answer is wrong.
    pub route: String,
    /// The route's line in the contract.
    pub line: usize,
    /// The history, a sentence for each operation.
    pub steps: Vec<String>,
    /// Requests of the history, with those that sign in and make changes.
    pub requests: usize,
    /// When and where it was seen first.
    pub first_seen: FirstSeen,
    /// How often the shortened history was played to confirm it, and how often it showed the violation.
    pub repeated: [usize; 2],
    /// The same history as `curl` commands.
    pub curl: Vec<String>,
    /// The history as a contract has it.
    pub history: Vec<OpText>,
    /// What a reader should know of it.
    pub note: Option<String>,
}

/// When and where a violation was seen first.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct FirstSeen {
    /// Requests that had been sent by then.
    pub requests: u64,
    /// Time since the check began, in seconds.
    pub elapsed_s: f64,
    /// Operations of the history that showed it.
    pub operations: usize,
    /// Whether it showed before anything unusual was tried.
    pub is_plain: bool,
}

/// What was tried.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Coverage {
    /// Histories that were played and judged.
    pub histories: usize,
    /// Answers that were judged.
    pub answers: usize,
    /// Answers of 429 and 5xx, and requests without an answer.
    pub errors: usize,
    /// Requests by the form in which they were sent.
    pub forms: BTreeMap<String, usize>,
    /// Operations other than requests, by name.
    pub changes: BTreeMap<String, usize>,
    /// Ordered pairs of principals of which the second asked for a route after the first.
    pub pairs: usize,
    /// How many such pairs there are.
    pub pairs_of: usize,
    /// Different combinations of a route or change, a pair and a form.
    pub combinations: usize,
    /// What was not tried, and why.
    pub not_covered: Vec<String>,
    #[serde(skip)]
    pub(crate) seen_pairs: BTreeSet<(usize, usize)>,
    #[serde(skip)]
    pub(crate) seen_combinations: BTreeSet<(usize, usize, usize, String)>,
}
