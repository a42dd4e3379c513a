//! What is a violation: `docs/adr/0025-what-is-a-violation.md` says why it is this and nothing more.
//!
//! Times are judged so that a slow machine raises no alarm: a right has ended only for a request that was *sent* after the
//! answer to the change had come and the promised time had passed, and it has begun only for such a request too.

mod rights;

use serde::Serialize;

use crate::contract::{Contract, Route};
use crate::history::{Act, Form, Meaning, Op};
use crate::play::{Played, Seen, next, without_unique};
use crate::wire::Answer;
use rights::{Right, rights};

/// What kind of violation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A request without the right to it was permitted.
    Permitted,
    /// A request was permitted after the right had ended, later than promised.
    Stale,
    /// A request with the right to it was refused.
    Refused,
    /// A request was refused after the right had begun, later than promised.
    RefusedAfter,
    /// An answer was for another principal.
    Others,
    /// An answer was not what the principal is to get.
    Content,
    /// A request was answered with 500, where it has to be permitted or refused.
    Error,
}

impl Kind {
    /// As reports write it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Permitted => "permitted",
            Self::Stale => "stale",
            Self::Refused => "refused",
            Self::RefusedAfter => "refused-after",
            Self::Others => "others",
            Self::Content => "content",
            Self::Error => "error",
        }
    }

    /// What it means, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Permitted => "A request without the right to a resource got it.",
            Self::Stale => {
                "A request got a resource after the right to it had ended, later than promised."
            }
            Self::Refused => "A request with the right to a resource was refused.",
            Self::RefusedAfter => {
                "A request was refused after the right to a resource had begun, later than promised."
            }
            Self::Others => "An answer was for another principal.",
            Self::Content => "An answer was not the resource that was asked for.",
            Self::Error => "A request was neither permitted nor refused: the gate failed.",
        }
    }

    /// Each of them.
    pub const ALL: [Self; 7] = [
        Self::Permitted,
        Self::Stale,
        Self::Refused,
        Self::RefusedAfter,
        Self::Others,
        Self::Content,
        Self::Error,
    ];
}

/// A violation in a history that was played.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// The operation whose answer is wrong.
    pub(crate) op: usize,
    pub(crate) kind: Kind,
    /// In a sentence.
    pub(crate) said: String,
}

/// What canonical requests brought before anything else was tried.
pub(crate) struct Learned {
    /// For each route the bodies by which it is recognized.
    pub(crate) bodies: Vec<Vec<Vec<u8>>>,
    /// For each route and principal whether its answers have a body.
    pub(crate) has_body: Vec<Vec<bool>>,
}

/// The violations of a history, in its order.
pub(crate) fn judge(
    contract: &Contract,
    learned: &Learned,
    ops: &[Op],
    played: &Played,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (place, (op, seen)) in ops.iter().zip(&played.seen).enumerate() {
        let (
            Act::Use { route, form, .. },
            Seen::Asked {
                head,
                answer: Ok(answer),
            },
        ) = (op.act, seen)
        else {
            continue;
        };
        // A varied request that is another of the contract's routes is judged when it is asked for as such.
        let asked = without_unique(&head.target);
        let mut others = contract.routes.iter().enumerate();
        let step = &contract.routes[route].requests[0][0];
        let is_other = |(number, other): (usize, &Route)| {
            let theirs = &other.requests[0][0];
            let is_named = other.method == head.method && other.target == asked;
            number != route
                && is_named
                && (&theirs.headers, &theirs.body) == (&step.headers, &step.body)
        };
        if form != Form::AsIs && others.any(is_other) {
            continue;
        }
        let right = rights(contract, ops, played, place, answer);
        let judged = Judged {
            contract,
            learned,
            op,
            route,
            form,
            right: &right,
            answer,
        };
        if let Some((kind, said)) = judged.fault() {
            faults.push(Fault {
                op: place,
                kind,
                said,
            });
        }
    }
    faults
}

struct Judged<'a> {
    contract: &'a Contract,
    learned: &'a Learned,
    op: &'a Op,
    route: usize,
    form: Form,
    right: &'a Right,
    answer: &'a Answer,
}

impl Judged<'_> {
    fn fault(&self) -> Option<(Kind, String)> {
        let route = &self.contract.routes[self.route];
        let status = self.answer.status;
        let permits =
            route.permits(status, &self.answer.body) || (status == 206 && self.form == Form::Range);
        if let Some(other) = self.shown_of_another()
            && permits
        {
            return Some((
                Kind::Others,
                format!(
                    "{} is answered with what is for `{}`",
                    self.asked(),
                    self.name(other)
                ),
            ));
        }
        let is_wrong_refusal = self.form.meaning() == Meaning::Same && !self.right.can_not;
        if status == 500 && !permits && !is_wrong_refusal {
            return Some((
                Kind::Error,
                format!("{} is answered with {status}, an error", self.asked()),
            ));
        }
        if self.contract.is_public(self.route) {
            return (self.form.meaning() == Meaning::Same)
                .then(|| self.wrong_refusal(permits))
                .flatten();
        }
        match self.form.meaning() {
            Meaning::Same => {
                if !self.right.can_may && permits {
                    return Some(self.too_much());
                }
                self.wrong_refusal(permits)
            }
            Meaning::SameOrRefused => (!self.right.can_may && permits).then(|| self.too_much()),
            Meaning::Refused(why) => permits.then(|| {
                (
                    Kind::Permitted,
                    format!("{} is permitted, with {status}: {why}", self.asked()),
                )
            }),
            Meaning::Mixed => {
                let other = (self.form == Form::TwoPrincipals)
                    .then(|| next(self.contract, self.op.who))
                    .flatten();
                let other_may = other.is_some_and(|other| self.can_ever(other));
                (!self.right.can_may && !other_may && permits).then(|| self.too_much())
            }
            Meaning::Elsewhere => {
                let is_served = permits && self.is_recognized();
                (!self.right.can_may && is_served).then(|| self.too_much())
            }
        }
    }

    /// A request with the right to it that is refused, or brings something else.
    fn wrong_refusal(&self, permits: bool) -> Option<(Kind, String)> {
        let status = self.answer.status;
        if self.right.can_not || status == 429 {
            return None;
        }
        let route = &self.contract.routes[self.route];
        if let Some(pointer) = &route.decision
            && route.decided(status, &self.answer.body).is_none()
        {
            return Some((
                Kind::Content,
                format!(
                    "{} is answered with {status} and neither true nor false at {pointer}",
                    self.asked()
                ),
            ));
        }
        if !permits {
            return Some(match &self.right.began {
                Some(began) => (
                    Kind::RefusedAfter,
                    format!("{} is still refused, with {status}, {began}", self.asked()),
                ),
                None => (
                    Kind::Refused,
                    format!(
                        "{} is refused, with {status}, although `{}` may",
                        self.asked(),
                        self.name(self.op.who)
                    ),
                ),
            });
        }
        let own = self.contract.routes[self.route].marks[self.op.who].as_ref();
        let is_read = self.answer.is_plain && self.contract.routes[self.route].method != "HEAD";
        let lacks = own.is_some_and(|own| !contains(&self.answer.body, own));
        let is_empty =
            self.answer.body.is_empty() && self.learned.has_body[self.route][self.op.who];
        (is_read && (lacks || is_empty)).then(|| {
            let what = if is_empty {
                "an empty body"
            } else {
                "a body that is not its own"
            };
            (
                Kind::Content,
                format!("{} is answered with {status} and {what}", self.asked()),
            )
        })
    }

    fn too_much(&self) -> (Kind, String) {
        let status = self.answer.status;
        match &self.right.ended {
            Some(ended) => (
                Kind::Stale,
                format!(
                    "{} is still permitted, with {status}, {ended}",
                    self.asked()
                ),
            ),
            None => (
                Kind::Permitted,
                format!(
                    "{} is permitted, with {status}, although `{}` may not",
                    self.asked(),
                    self.name(self.op.who)
                ),
            ),
        }
    }

    /// Another principal whose own text is in the answer.
    fn shown_of_another(&self) -> Option<usize> {
        let marks = &self.contract.routes[self.route].marks;
        if !self.answer.is_plain || self.contract.is_public(self.route) {
            return None;
        }
        let own = marks[self.op.who].as_deref();
        if own.is_some_and(|own| contains(&self.answer.body, own)) {
            return None;
        }
        let second = (self.form == Form::TwoPrincipals)
            .then(|| next(self.contract, self.op.who))
            .flatten();
        (0..marks.len()).find(|other| {
            let mark = marks[*other].as_deref();
            *other != self.op.who
                && Some(*other) != second
                && mark != own
                && mark.is_some_and(|mark| contains(&self.answer.body, mark))
        })
    }

    fn is_recognized(&self) -> bool {
        let body = &self.answer.body;
        let marks = &self.contract.routes[self.route].marks;
        self.answer.is_plain
            && (self.learned.bodies[self.route].contains(body)
                || marks.iter().flatten().any(|mark| contains(body, mark)))
    }

    /// Whether a principal may in any of its roles.
    fn can_ever(&self, who: usize) -> bool {
        let changes = self.contract.changes.iter();
        let roles = changes.filter_map(|change| change.role.as_deref());
        let own = self.contract.principals[who].role.as_deref();
        roles
            .map(Some)
            .chain([own])
            .any(|role| self.contract.may(self.route, who, role))
    }

    fn asked(&self) -> String {
        let words = self.form.words();
        let space = if words.is_empty() { "" } else { " " };
        format!(
            "`{}` by `{}`{space}{words}",
            self.contract.routes[self.route].request,
            self.name(self.op.who)
        )
    }

    fn name(&self, who: usize) -> &str {
        &self.contract.principals[who].name
    }
}

pub(crate) fn contains(body: &[u8], mark: &str) -> bool {
    body.windows(mark.len().max(1))
        .any(|part| part == mark.as_bytes())
}
