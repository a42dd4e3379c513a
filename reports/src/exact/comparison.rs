//! Counts against a baseline, judged case by case.

use super::{Case, Counts, ExactError, Toolchain};
use crate::judge::threshold::INSTRUCTIONS;
use crate::judge::{Row, Rule, Verdict};
use crate::outcome::Outcome;

/// Every case of both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What the counts were made with now.
    pub toolchain: Toolchain,
    /// What differs from what the baseline's were made with; nothing is judged then.
    pub differences: Vec<String>,
    /// The cases, in the order in which they were counted.
    pub cases: Vec<Compared>,
}

/// A case, a request each.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The case.
    pub name: String,
    /// Instructions, judged by [`INSTRUCTIONS`].
    pub instructions: Row,
    /// Allocations: one more in all the requests together is slower.
    pub allocations: Row,
    /// Bytes asked for; shown, never judged.
    pub bytes: Row,
}

impl Report {
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
            cases: pairs.map(|(base, now)| case(base, now, judged)).collect(),
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
        let is_so = |case: &&Compared| {
            [&case.instructions, &case.allocations]
                .iter()
                .any(|row| row.verdict == Some(verdict))
        };
        self.cases.iter().filter(is_so).count()
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

fn case(base: &Case, now: &Case, judged: bool) -> Compared {
    let row = |name: &str, total: fn(&Case) -> u64, threshold: Option<f64>| {
        let [base, now] = [base, now].map(|case| [case.a_request(total(case))]);
        let rule = threshold
            .filter(|_| judged)
            .map_or(Rule::DESCRIBE, Rule::Threshold);
        Row::counted(name, &base, &now, &rule)
    };
    Compared {
        name: now.name.clone(),
        instructions: row("instructions", |case| case.instructions, Some(INSTRUCTIONS)),
        allocations: row("allocations", |case| case.allocations, Some(0.0)),
        bytes: row("bytes", |case| case.bytes, None),
    }
}
