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
            "{} after `{}` was answered; the contract allows {}",
            told(since),
            self.change.name,
            told(self.change.within)
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
                "{} after its credential expired; the contract allows {}",
                told(since),
                told(within)
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

/// A time in words: in milliseconds below a second.
fn told(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.2} s", time.as_secs_f64())
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::collections::BTreeMap;

    use authlab_loadtest::caller::Head;

    use super::*;
    use crate::history::Form;

    const CONTRACT: &str = r#"
name = "n"
base = "http://127.0.0.1:1"
[[principal]]
name = "ann"
role = "reader"
present = [{ bearer = "x" }]
[[route]]
request = "GET /a"
may = ["reader"]
[[change]]
name = "revoke"
ends = "credential"
steps = []
within = "100ms"
[[change]]
name = "demote"
role = "other"
steps = []
within = "100ms"
[expiry]
after = "10s"
within = "50ms"
"#;

    /// What is possible for a request that was sent and answered so many milliseconds after the beginning, where a change
    /// was sent at 1 000 and answered at 1 200.
    fn possible(change: usize, credential: usize, sent: u64, answered: u64) -> (bool, bool) {
        let contract = Contract::parse("c.toml", CONTRACT).unwrap();
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let op = |credential: usize, act: Act| Op {
            who: 0,
            credential,
            client: 0,
            at_once: false,
            act,
        };
        let asks = Act::Use {
            route: 0,
            way: 0,
            form: Form::AsIs,
        };
        let ops = [op(0, Act::Change(change)), op(credential, asks)];
        let answer = Answer {
            sent: at(sent),
            answered: at(answered),
            status: 200,
            body: Vec::new(),
            is_plain: true,
        };
        let head = Head {
            method: "GET".to_owned(),
            target: "/a".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let made = Made {
            sent: at(0),
            answered: at(10),
        };
        let played = Played {
            seen: vec![
                Seen::Changed {
                    sent: at(1_000),
                    answered: Some(at(1_200)),
                    why: None,
                },
                Seen::Asked {
                    head,
                    answer: Ok(answer.clone()),
                },
            ],
            issued: BTreeMap::from([((0, 0), vec![(0, made)]), ((0, 1), vec![(0, made)])]),
            refused_sign_ins: Vec::new(),
            unique: None,
        };
        let right = rights(&contract, &ops, &played, 1, &answer);
        (right.can_may, right.can_not)
    }

    #[test]
    fn while_a_change_is_under_way_or_its_promise_is_not_due_both_states_are_right() {
        let (may, either, not) = ((true, false), (true, true), (false, true));
        let table = [
            // Answered before the change was sent.
            (500, 999, may),
            // However late its answer came, it was sent before the promise was due.
            (500, 5_000, either),
            (1_100, 1_150, either),
            (1_299, 1_300, either),
            (1_299, 9_000, either),
            (1_300, 1_301, not),
        ];
        for change in [0, 1] {
            for (sent, answered, wanted) in table {
                let found = possible(change, 0, sent, answered);
                assert_eq!(found, wanted, "{change}: {sent} to {answered}");
            }
        }
    }

    #[test]
    fn another_credential_of_the_principal_goes_on_unless_its_role_changes() {
        assert_eq!(possible(0, 1, 2_000, 2_001), (true, false));
        assert_eq!(possible(1, 1, 2_000, 2_001), (false, true));
    }

    #[test]
    fn a_credential_may_end_a_second_early_and_must_have_ended_with_its_promise() {
        let table = [
            (8_000, 8_999, (true, false)),
            (8_000, 9_000, (true, true)),
            (10_059, 10_060, (true, true)),
            (10_060, 10_061, (false, true)),
        ];
        for (sent, answered, wanted) in table {
            assert_eq!(
                possible(0, 1, sent, answered),
                wanted,
                "{sent} to {answered}"
            );
        }
    }
}
