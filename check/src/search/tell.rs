//! A violation as it is told: sentences, commands, and a history that replays.

mod curl;

use crate::contract::Contract;
use crate::history::{Act, Form, Op};
use crate::outcome::{FirstSeen, Violation};
use crate::play::{Seen, without_unique};
use crate::shrink::Shown;

/// By what a violation is known again before it is shortened: its route, form and principal.
pub(super) fn signature(contract: &Contract, ops: &[Op]) -> String {
    match ops.last() {
        Some(Op {
            who,
            act: Act::Use { route, form, .. },
            ..
        }) => {
            format!(
                "{} {form:?} {}",
                contract.routes[*route].request, contract.principals[*who].name
            )
        }
        _ => String::new(),
    }
}

pub(super) fn violation(
    contract: &Contract,
    shown: &Shown,
    repeated: [usize; 2],
    first_seen: FirstSeen,
) -> Violation {
    let last = shown.ops.last();
    let route = last.and_then(|op| match op.act {
        Act::Use { route, .. } => Some(&contract.routes[route]),
        _ => None,
    });
    // The plain request was right at the beginning, or it would have been found there.
    let is_plain = matches!(
        last.map(|op| op.act),
        Some(Act::Use {
            form: Form::AsIs,
            ..
        })
    );
    let is_left = shown.ops.len() == 1 && is_plain && !first_seen.is_plain;
    Violation {
        kind: shown.fault.kind,
        sentence: shown.fault.said.clone(),
        route: route.map_or_else(String::new, |route| route.request.clone()),
        line: route.map_or(1, |route| route.line),
        steps: steps(contract, shown),
        requests: requests(contract, &shown.ops),
        first_seen,
        repeated,
        curl: curl::commands(contract, shown),
        history: shown.ops.iter().map(|op| contract.op_text(op)).collect(),
        note: is_left.then(|| {
            "This request was right when the check began: the gate may keep something that an earlier request left."
                .to_owned()
        }),
    }
}

/// The requests that a history needs, with those that sign in and make changes.
fn requests(contract: &Contract, ops: &[Op]) -> usize {
    let mut slots = std::collections::BTreeSet::new();
    let mut count = 0;
    for op in ops {
        if slots.insert((op.who, Some(op.credential))) {
            count += contract.principals[op.who].sign_in.len();
        }
        match op.act {
            Act::Use { .. } => count += 1,
            Act::Change(change) => {
                let change = &contract.changes[change];
                count += change.steps.len();
                if let Some(by) = change.by
                    && slots.insert((by, None))
                {
                    count += contract.principals[by].sign_in.len();
                }
            }
            Act::Expire | Act::Wait => {}
        }
    }
    count
}

fn steps(contract: &Contract, shown: &Shown) -> Vec<String> {
    let mut told = Vec::new();
    let mut slots = std::collections::BTreeSet::new();
    for (op, seen) in shown.ops.iter().zip(&shown.played.seen) {
        let principal = &contract.principals[op.who];
        let which = if op.credential > 0 {
            format!(" (credential {})", op.credential + 1)
        } else {
            String::new()
        };
        let name = format!("`{}`{which}", principal.name);
        if slots.insert((op.who, op.credential)) && !principal.sign_in.is_empty() {
            told.push(format!("{name} signs in."));
        }
        told.push(match (op.act, seen) {
            (Act::Use { route, .. }, Seen::Asked { head, answer }) => {
                let answered = match answer {
                    Ok(answer) => answer.status.to_string(),
                    Err(unanswered) => unanswered.why.clone(),
                };
                let words = form_words(op);
                let sent = if words.is_empty() {
                    String::new()
                } else {
                    format!(" (`{} {}`)", head.method, without_unique(&head.target))
                };
                let together = if op.at_once {
                    ", at once with the next"
                } else {
                    ""
                };
                format!(
                    "{name} asks for `{}`{words}{sent}: {answered}{together}.",
                    contract.routes[route].request
                )
            }
            (Act::Change(change), Seen::Changed { answered, why, .. }) => {
                let change = &contract.changes[change];
                let by = change
                    .by
                    .map(|by| format!(" by `{}`", contract.principals[by].name));
                let by = by.unwrap_or_default();
                match (answered, why) {
                    (Some(_), _) => {
                        format!("`{}`{by} is made for {name}, and answered.", change.name)
                    }
                    (None, Some(why)) => format!(
                        "`{}`{by} is tried for {name} and fails: {why}.",
                        change.name
                    ),
                    (None, None) => format!("`{}`{by} is tried for {name} and fails.", change.name),
                }
            }
            (Act::Expire, _) => format!("The credential of {name} expires."),
            (Act::Wait, _) => "The promised time passes.".to_owned(),
            _ => format!("{name} sends nothing: the request has no such form."),
        });
    }
    told
}

fn form_words(op: &Op) -> String {
    match op.act {
        Act::Use { form, .. } if !form.words().is_empty() => format!(" {}", form.words()),
        _ => String::new(),
    }
}
