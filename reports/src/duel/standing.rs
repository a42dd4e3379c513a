//! How a duel stands while it goes on: who conducts it asks after each look.

use super::{Role, rows};
use crate::judge::aside::SetAside;
use crate::run::{Run, Terms};

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
    let aside = SetAside::of(run, &terms.load);
    let judged = rows::gated(run, terms, &aside);
    let next = judged
        .iter()
        .filter(|row| row.role == Role::Gated && row.verdict.is_none())
        .map(|row| row.next)
        .max();
    let kept = rows::kept(run, terms, &aside);
    match next {
        None => Standing::Settled,
        Some(_) if aside.count() > kept && kept + aside.count() >= SPOILED_AFTER => {
            Standing::Spoiled
        }
        Some(next) => Standing::Open {
            next: next.max(kept + 1) + aside.count(),
        },
    }
}

/// That others spoiled most of a duel, in words.
#[must_use]
pub fn spoiled(run: &Run, terms: &Terms) -> Option<String> {
    let aside = SetAside::of(run, &terms.load);
    let all = rows::kept(run, terms, &aside) + aside.count();
    (aside.count() * 2 > all).then(|| {
        format!(
            "{} of {all} blocks were set aside: {}",
            aside.count(),
            aside.mostly().unwrap_or_default()
        )
    })
}

/// Blocks after which a duel that mostly lost them gives up.
const SPOILED_AFTER: usize = 30;
