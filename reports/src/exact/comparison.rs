//! Counts against a baseline, judged case by case.

use super::toolchain::Toolchain;
use super::{Case, Counts, ExactError};
use crate::duel::instructions::THRESHOLD;
use crate::judge::Verdict;
use crate::outcome::Outcome;

/// Every case of both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What the counts were made with now.
    pub toolchain: Toolchain,
    /// What differs from what the baseline's were made with; nothing is judged then.
    pub differences: Vec<String>,
    /// The cases, in the order in which they were counted.
    pub rows: Vec<Row>,
}

/// A case, a request each.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The case.
    pub name: String,
    /// Instructions, judged by [`THRESHOLD`].
    pub instructions: Pair,
    /// Allocations: one more in all the requests together is slower.
    pub allocations: Pair,
    /// Bytes asked for; shown, never judged.
    pub bytes: Pair,
}

/// A figure of both sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The baseline's.
    pub base: f64,
    /// Now.
    pub now: f64,
    /// None where it is not judged.
    pub verdict: Option<Verdict>,
}

impl Comparison {
    /// Compares.
    ///
    /// # Errors
    /// A case that one of the sides does not have.
    pub fn of(base: &Counts, now: &Counts) -> Result<Self, ExactError> {
        let names = missing(&base.cases, &now.cases);
        if !names.is_empty() {
            return Err(ExactError::NotCounted { names });
        }
        let names = missing(&now.cases, &base.cases);
        if !names.is_empty() {
            return Err(ExactError::NoBaseline { names });
        }
        let differences = now.toolchain.differences(&base.toolchain);
        let judged = differences.is_empty();
        let pairs = now.cases.iter().filter_map(|now| {
            let same = base.cases.iter().find(|base| base.name == now.name);
            same.map(|base| (base, now))
        });
        Ok(Self {
            toolchain: now.toolchain.clone(),
            rows: pairs.map(|(base, now)| row(base, now, judged)).collect(),
            differences,
        })
    }

    /// What a script sees. Where nothing is judged there is nothing to object to, and the words say so.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        if self.count(Verdict::Slower) > 0 {
            Outcome::LimitBroken
        } else {
            Outcome::Ok
        }
    }

    /// How many cases are so, in one figure or the other.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        let is_so = |row: &&Row| {
            [row.instructions, row.allocations]
                .iter()
                .any(|pair| pair.verdict == Some(verdict))
        };
        self.rows.iter().filter(is_so).count()
    }
}

/// The names of those that the others lack.
fn missing(some: &[Case], others: &[Case]) -> Vec<String> {
    let lacks = |case: &&Case| others.iter().all(|other| other.name != case.name);
    some.iter()
        .filter(lacks)
        .map(|case| case.name.clone())
        .collect()
}

fn row(base: &Case, now: &Case, judged: bool) -> Row {
    let pair = |total: fn(&Case) -> u64, threshold: Option<f64>| {
        let (base, now) = (base.a_request(total(base)), now.a_request(total(now)));
        let verdict = threshold.filter(|_| judged).map(|t| verdict(base, now, t));
        Pair { base, now, verdict }
    };
    Row {
        name: now.name.clone(),
        instructions: pair(|case| case.instructions, Some(THRESHOLD)),
        allocations: pair(|case| case.allocations, Some(0.0)),
        bytes: pair(|case| case.bytes, None),
    }
}

fn verdict(base: f64, now: f64, threshold: f64) -> Verdict {
    if now > base * (1.0 + threshold) {
        Verdict::Slower
    } else if now < base * (1.0 - threshold) {
        Verdict::Faster
    } else {
        Verdict::NoChange
    }
}
