//! What a principal may have been entitled to while a request was under way.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use authlab_loadtest::caller::Made;

use crate::contract::{Contract, Effect, Expiry};
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
    name: &'a str,
    effect: &'a Effect,
    op: &'a Op,
    sent: Instant,
    answered: Option<Instant>,
    within: Duration,
}

impl Event<'_> {
    /// Whether it cannot have counted for a request yet.
    fn is_later(&self, answer: &Answer) -> bool {
        answer.answered < self.sent
    }

    /// Whether it must count for a request.
    fn is_due(&self, answer: &Answer) -> bool {
        self.answered
            .is_some_and(|answered| answer.sent >= answered + self.within)
    }

    fn since(&self, answer: &Answer) -> String {
        let since = self.answered.map_or(Duration::ZERO, |answered| {
            answer.sent.saturating_duration_since(answered)
        });
        format!(
            "{:.2} s after `{}` was answered; the contract allows {:.2} s",
            since.as_secs_f64(),
            self.name,
            self.within.as_secs_f64()
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
        match event.effect {
            Effect::Role(role) => {
                if event.is_due(answer) {
                    let before = roles.iter().any(|role| contract.may(*route, *who, *role));
                    roles.clear();
                    let now = contract.may(*route, *who, Some(role));
                    let said = event.since(answer);
                    match (before, now) {
                        (true, false) => ended = Some(said),
                        (false, true) => began = Some(said),
                        _ => {}
                    }
                }
                roles.insert(Some(role));
            }
            Effect::EndsCredential | Effect::EndsAll => {
                let is_same = event.op.credential == *credential;
                if !is_same && *event.effect == Effect::EndsCredential {
                    continue;
                }
                // A credential that was issued after the answer is none of those that have ended.
                let is_newer = event
                    .answered
                    .is_some_and(|answered| issued.is_some_and(|made| made.sent >= answered));
                if is_newer {
                    continue;
                }
                may_have_ended = true;
                let is_older = issued.is_none_or(|made| made.answered <= event.sent);
                if event.is_due(answer) && is_older {
                    is_over = true;
                    ended = Some(event.since(answer));
                }
            }
            Effect::Refreshes => {}
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
            (Act::Change(change), Seen::Changed { sent, answered, .. }) => {
                let change = &contract.changes[change];
                Some(Event {
                    name: &change.name,
                    effect: &change.effect,
                    op,
                    sent: *sent,
                    answered: *answered,
                    within: change.within,
                })
            }
            _ => None,
        })
}
