//! What a principal may have been entitled to while a request was under way.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use authlab_loadtest::caller::Made;

use crate::contract::{Change, Contract, Ends, Expiry};
use crate::history::{Act, Op};
use crate::play::{Played, Seen};
use crate::wire::Answer;

/// The possible states. Both are possible while a change is under way or its promise is not due.
pub(super) struct Right {
    /// The request may have had the right.
    pub(super) can_may: bool,
    /// It may have had none.
    pub(super) can_not: bool,
    /// Since when, and by what, the right has ended, in words.
    pub(super) ended: Option<String>,
    /// Since when, and by what, it has begun.
    pub(super) began: Option<String>,
}

/// A change that was sent.
struct Event<'a> {
    change: &'a Change,
    op: &'a Op,
    sent: Instant,
    answered: Option<Instant>,
}

impl Event<'_> {
    /// Whether it cannot have counted for a request yet.
    fn is_later(&self, answer: &Answer) -> bool {
        answer.answered < self.sent
    }

    /// Whether it must count for a request.
    fn is_due(&self, answer: &Answer) -> bool {
        self.answered
            .is_some_and(|answered| answer.sent >= answered + self.change.within)
    }

    fn since(&self, answer: &Answer) -> String {
        let since = self.answered.map_or(Duration::ZERO, |answered| {
            answer.sent.saturating_duration_since(answered)
        });
        format!(
            "{:.2} s after `{}` was answered; the contract allows {:.2} s",
            since.as_secs_f64(),
            self.change.name,
            self.change.within.as_secs_f64()
        )
    }
}

pub(super) fn rights(
    contract: &Contract,
    ops: &[Op],
    played: &Played,
    place: usize,
    answer: &Answer,
) -> Right {
    let Some(Op {
        who,
        credential,
        act: Act::Use { route, .. },
        ..
    }) = ops.get(place)
    else {
        return Right {
            can_may: true,
            can_not: true,
            ended: None,
            began: None,
        };
    };
    let issued = issued(played, (*who, *credential), place);
    let mut roles: BTreeSet<Option<&str>> =
        BTreeSet::from([contract.principals[*who].role.as_deref()]);
    let (mut may_have_ended, mut is_over, mut ended, mut began) = (false, false, None, None);
    for event in events(contract, ops, played) {
        if event.op.who != *who || event.is_later(answer) {
            continue;
        }
        if let Some(role) = &event.change.role {
            if event.is_due(answer) {
                let before = roles.iter().any(|role| contract.may(*route, *who, *role));
                let now = contract.may(*route, *who, Some(role));
                roles.clear();
                match (before, now) {
                    (true, false) => ended = Some(event.since(answer)),
                    (false, true) => began = Some(event.since(answer)),
                    _ => {}
                }
            }
            roles.insert(Some(role));
        }
        let ends = match event.change.ends {
            None => false,
            Some(Ends::Credential) => event.op.credential == *credential,
            Some(Ends::Principal) => true,
        };
        // A credential that was issued after the answer is none of those that have ended.
        let is_newer = event
            .answered
            .is_some_and(|answered| issued.is_some_and(|made| made.sent >= answered));
        if ends && !is_newer {
            may_have_ended = true;
            let is_older = issued.is_none_or(|made| made.answered <= event.sent);
            if event.is_due(answer) && is_older {
                is_over = true;
                ended = Some(event.since(answer));
            }
        }
    }
    if let (
        Some(Expiry {
            after,
            within,
            early,
        }),
        Some(made),
    ) = (contract.expiry, issued)
    {
        if answer.sent >= made.answered + after + within {
            is_over = true;
            let since = answer.sent.saturating_duration_since(made.answered + after);
            ended = Some(format!(
                "{:.2} s after its credential expired; the contract allows {:.2} s",
                since.as_secs_f64(),
                within.as_secs_f64()
            ));
        } else if answer.answered + early >= made.sent + after {
            may_have_ended = true;
        }
    }
    let by_role = |wanted: bool| {
        roles
            .iter()
            .any(|role| contract.may(*route, *who, *role) == wanted)
    };
    let public = contract.is_public(*route);
    Right {
        can_may: public || (!is_over && by_role(true)),
        can_not: !public && (may_have_ended || is_over || by_role(false)),
        ended,
        began,
    }
}

/// When the credential that an operation shows was issued.
fn issued(played: &Played, slot: (usize, usize), place: usize) -> Option<Made> {
    let all = played.issued.get(&slot)?;
    let before = all.iter().rfind(|(at, _)| *at <= place);
    before.map(|(_, made)| *made)
}

fn events<'a>(
    contract: &'a Contract,
    ops: &'a [Op],
    played: &'a Played,
) -> impl Iterator<Item = Event<'a>> {
    ops.iter()
        .zip(&played.seen)
        .filter_map(|(op, seen)| match (op.act, seen) {
            (Act::Change(change), Seen::Changed { sent, answered, .. }) => Some(Event {
                change: &contract.changes[change],
                op,
                sent: *sent,
                answered: *answered,
            }),
            _ => None,
        })
}
