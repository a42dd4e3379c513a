//! What a gate does before anything unusual is tried: whether the contract can be checked at all, and by what its routes are
//! recognized.

use std::collections::BTreeSet;

use crate::contract::Contract;
use crate::history::{Act, Form, Op};
use crate::judge::{Learned, contains};
use crate::play::{Played, Player, Seen, Stop};
use crate::wire::Answer;

/// A shorter body is found by chance.
const LEAST_BODY: usize = 3;

/// Why there is nothing to check.
pub(crate) enum Unfit {
    /// The contract's line, and what is wrong with it.
    Line(usize, String),
    /// It was stopped.
    Stopped(Stop),
}

impl From<Stop> for Unfit {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

/// What was learned, and the history by which.
pub(crate) struct Lesson {
    pub(crate) learned: Learned,
    pub(crate) ops: Vec<Op>,
    /// It was played twice.
    pub(crate) rounds: [Played; 2],
}

/// Asks for every route as every principal, twice: those that may come first, so that a wrong cache of refusals is not taken
/// for a wrong contract.
pub(crate) async fn learn(player: &mut Player<'_>) -> Result<Lesson, Unfit> {
    let contract = player.contract;
    let ops = canonical(contract);
    let first = player.play(&ops).await?;
    is_fit(contract, &ops, &first)?;
    let second = player.play(&ops).await?;
    let learned = learned(contract, &ops, [&first, &second]);
    // With a query of its own each history meets caches that do not know it.
    player.takes_query = vec![true; contract.routes.len()];
    let third = player.play(&ops).await?;
    let mut takes_query = vec![true; contract.routes.len()];
    for ((route, who, was), (other, whose, is)) in answers(&ops, &first).zip(answers(&ops, &third))
    {
        if (route, who) != (other, whose) {
            continue;
        }
        let of_route = &contract.routes[route];
        if of_route.permits(was.status, &was.body) != of_route.permits(is.status, &is.body) {
            takes_query[route] = false;
        }
    }
    player.takes_query = takes_query;
    Ok(Lesson {
        learned,
        ops,
        rounds: [first, second],
    })
}

fn canonical(contract: &Contract) -> Vec<Op> {
    let mut ops = Vec::new();
    for wanted in [true, false] {
        for route in 0..contract.routes.len() {
            for (who, principal) in contract.principals.iter().enumerate() {
                if contract.may(route, who, principal.role.as_deref()) != wanted {
                    continue;
                }
                ops.extend((0..principal.ways.len()).map(|way| Op {
                    who,
                    credential: 0,
                    client: who,
                    at_once: false,
                    act: Act::Use {
                        route,
                        way,
                        form: Form::AsIs,
                    },
                }));
            }
        }
    }
    ops
}

/// Each answer, with its route and principal.
fn answers<'a>(
    ops: &'a [Op],
    played: &'a Played,
) -> impl Iterator<Item = (usize, usize, &'a Answer)> {
    ops.iter()
        .zip(&played.seen)
        .filter_map(|(op, seen)| match (op.act, seen) {
            (
                Act::Use { route, .. },
                Seen::Asked {
                    answer: Ok(answer), ..
                },
            ) => Some((route, op.who, answer)),
            _ => None,
        })
}

/// Whether answers that should say what is decided do.
fn are_decided(contract: &Contract, ops: &[Op], played: &Played) -> Result<(), Unfit> {
    for (number, route) in contract.routes.iter().enumerate() {
        let Some(pointer) = &route.decision else {
            continue;
        };
        let of_route = answers(ops, played).filter(|(of, ..)| *of == number);
        let decided = of_route.map(|(_, _, answer)| route.decided(answer.status, &answer.body));
        let decided: Vec<Option<bool>> = decided.collect();
        if decided.contains(&None) && !decided.contains(&Some(true)) {
            return Err(Unfit::Line(
                route.line,
                format!(
                    "`{}` is answered without true or false at {pointer}",
                    route.request
                ),
            ));
        }
    }
    Ok(())
}

/// Whether the gate answers, and the credentials work.
fn is_fit(contract: &Contract, ops: &[Op], played: &Played) -> Result<(), Unfit> {
    if let Some((who, why)) = played.refused_sign_ins.first() {
        let principal = &contract.principals[*who];
        return Err(Unfit::Line(
            principal.line,
            format!("`{}` cannot sign in: {why}", principal.name),
        ));
    }
    let unanswered = played.seen.iter().find_map(|seen| match seen {
        Seen::Asked {
            answer: Err(unanswered),
            ..
        } => Some(&unanswered.why),
        _ => None,
    });
    let statuses: Vec<u16> = answers(ops, played)
        .map(|(_, _, answer)| answer.status)
        .collect();
    if statuses.is_empty() {
        let why = unanswered.map_or("no request could be made", String::as_str);
        return Err(Unfit::Line(
            contract.line_of_base,
            format!("{} does not answer: {why}", contract.base),
        ));
    }
    if let Some(status) = statuses.first()
        && statuses.iter().all(|status| *status >= 500)
    {
        return Err(Unfit::Line(
            contract.line_of_base,
            format!(
                "{} answers every request with an error ({status}): nothing can be said of it",
                contract.base
            ),
        ));
    }
    are_decided(contract, ops, played)?;
    for (who, principal) in contract.principals.iter().enumerate() {
        let own = answers(ops, played).filter(|(route, of, _)| {
            *of == who
                && contract.may(*route, who, principal.role.as_deref())
                && !contract.is_public(*route)
        });
        let own: Vec<_> = own.collect();
        let works = own
            .iter()
            .any(|(route, _, answer)| contract.routes[*route].permits(answer.status, &answer.body));
        if let Some((_, _, answer)) = own.first()
            && !works
        {
            return Err(Unfit::Line(
                principal.line,
                format!(
                    "the credential of `{}` never works: each of its {} routes is refused, the first with {}",
                    principal.name,
                    own.len(),
                    answer.status
                ),
            ));
        }
    }
    // Where everything is permitted, answers lack what they show for that reason, and the gate is judged by it.
    let is_open = answers(ops, played).any(|(route, who, answer)| {
        contract.routes[route].permits(answer.status, &answer.body)
            && !contract.may(route, who, contract.principals[who].role.as_deref())
    });
    if is_open {
        return Ok(());
    }
    for (number, route) in contract.routes.iter().enumerate() {
        let permitted = answers(ops, played).filter(|(of, who, answer)| {
            *of == number
                && route.permits(answer.status, &answer.body)
                && route.marks[*who].is_some()
        });
        let shown: Vec<bool> = permitted
            .map(|(_, who, answer)| {
                route.marks[who]
                    .as_ref()
                    .is_some_and(|mark| contains(&answer.body, mark))
            })
            .collect();
        if !shown.is_empty() && !shown.contains(&true) {
            return Err(Unfit::Line(
                route.line,
                format!(
                    "no answer to `{}` contains the text that `shows` says",
                    route.request
                ),
            ));
        }
    }
    Ok(())
}

fn learned(contract: &Contract, ops: &[Op], rounds: [&Played; 2]) -> Learned {
    let (routes, principals) = (contract.routes.len(), contract.principals.len());
    let mut learned = Learned {
        bodies: vec![Vec::new(); routes],
        has_body: vec![vec![false; principals]; routes],
    };
    let path = |route: usize| {
        contract.routes[route]
            .target
            .split('?')
            .next()
            .unwrap_or_default()
    };
    // Bodies that are not of one protected path alone recognize nothing.
    let mut of_paths: Vec<(&[u8], BTreeSet<&str>)> = Vec::new();
    for played in rounds {
        for (route, who, answer) in answers(ops, played) {
            let permits = contract.routes[route].permits(answer.status, &answer.body);
            let is_right = contract.may(route, who, contract.principals[who].role.as_deref());
            let name = if permits && is_right && !contract.is_public(route) {
                path(route)
            } else {
                ""
            };
            match of_paths.iter_mut().find(|(body, _)| *body == answer.body) {
                Some((_, names)) => drop(names.insert(name)),
                None => of_paths.push((&answer.body, BTreeSet::from([name]))),
            }
        }
    }
    let [first, second] = rounds;
    for ((route, who, was), (other, whose, is)) in answers(ops, first).zip(answers(ops, second)) {
        if (route, who) != (other, whose) {
            continue;
        }
        let at = &contract.routes[route];
        if !at.permits(was.status, &was.body)
            || !at.permits(is.status, &is.body)
            || !contract.may(route, who, contract.principals[who].role.as_deref())
        {
            continue;
        }
        learned.has_body[route][who] = !was.body.is_empty() && !is.body.is_empty();
        let is_own = of_paths
            .iter()
            .any(|(body, names)| *body == was.body && names.len() == 1 && !names.contains(""));
        if was.body == is.body && was.body.len() >= LEAST_BODY && is_own && at.method != "HEAD" {
            learned.bodies[route].push(was.body.clone());
        }
    }
    learned
}
