//! How a duel stands while it goes on: the conductor asks after each look.

use super::rows;
use crate::judge::{Role, Rule};
use crate::run::{Run, Terms};

/// Blocks after which a duel that mostly lost them gives up.
const SPOILED_AFTER: usize = 30;

/// How a duel stands while it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It takes more blocks: it is looked at again when so many were measured.
    Open {
        /// Blocks, those set aside among them.
        next: usize,
    },
    /// Every gated metric has its verdict, or none can be gated.
    Settled,
    /// Others spoil more blocks than they leave.
    Spoiled,
}

/// How a duel stands.
#[must_use]
pub fn standing(run: &Run, terms: &Terms) -> Standing {
    let rule = Rule::Sequential(terms.rule(run));
    let comparison = rows::comparison(run, terms, &rule);
    let judged = rows::asked(run, terms, &comparison);
    let next = judged
        .iter()
        .flatten()
        .filter(|row| row.role == Role::Gated && row.verdict.is_none())
        .map(|row| row.next)
        .max();
    let (kept, aside) = (comparison.kept(), comparison.aside().count());
    match next {
        None => Standing::Settled,
        Some(_) if aside > kept && kept + aside >= SPOILED_AFTER => Standing::Spoiled,
        Some(next) => Standing::Open {
            next: next.max(kept + 1) + aside,
        },
    }
}

/// That others spoiled most of a duel, in words.
#[must_use]
pub fn spoiled(run: &Run, terms: &Terms) -> Option<String> {
    let comparison = rows::comparison(run, terms, &Rule::DESCRIBE);
    let aside = comparison.aside();
    let all = comparison.kept() + aside.count();
    (aside.count() * 2 > all).then(|| {
        format!(
            "{} of {all} blocks were set aside: {}",
            aside.count(),
            aside.mostly().unwrap_or_default()
        )
    })
}
