//! Operations as a contract writes them, and back.

use super::Contract;
use crate::history::{Act, Form, Op, OpText};

/// More credentials of a principal, or more connections, are a mistake.
const MOST: usize = 64;

impl Contract {
    /// An operation of the text.
    ///
    /// # Errors
    /// It names something that the contract does not have.
    pub(super) fn op(&self, text: &OpText) -> Result<Op, String> {
        let who = self
            .principals
            .iter()
            .position(|principal| principal.name == text.who);
        let who = who.ok_or_else(|| format!("no principal is named `{}`", text.who))?;
        let number = |what: &str, number: usize, most: usize| match number {
            number if (1..=most).contains(&number) => Ok(number - 1),
            number => Err(format!("{what} is {number}; use 1 to {most}")),
        };
        let change = self
            .changes
            .iter()
            .position(|change| change.name == text.act);
        let act = match (text.act.as_str(), change) {
            ("expire", _) if self.expiry.is_some() => Act::Expire,
            ("expire", _) => return Err("`expire` needs the contract's [expiry]".to_owned()),
            ("wait", _) => Act::Wait,
            (_, Some(change)) => Act::Change(change),
            (request, None) => {
                let route = self
                    .routes
                    .iter()
                    .position(|route| route.request == request);
                let route = route.ok_or_else(|| {
                    format!("`{request}` is no route, no change, `expire` or `wait`")
                })?;
                Act::Use {
                    route,
                    way: number("way", text.way, self.principals[who].ways.len())?,
                    form: text.form.unwrap_or(Form::AsIs),
                }
            }
        };
        Ok(Op {
            who,
            credential: number("credential", text.credential, MOST)?,
            client: number("client", text.client, MOST)?,
            at_once: text.at_once,
            act,
        })
    }

    /// The text of an operation.
    #[must_use]
    pub fn op_text(&self, op: &Op) -> OpText {
        let (act, form, way) = match op.act {
            Act::Use { route, way, form } => (self.routes[route].request.clone(), Some(form), way),
            Act::Change(change) => (self.changes[change].name.clone(), None, 0),
            Act::Expire => ("expire".to_owned(), None, 0),
            Act::Wait => ("wait".to_owned(), None, 0),
        };
        OpText {
            who: self.principals[op.who].name.clone(),
            credential: op.credential + 1,
            client: op.client + 1,
            at_once: op.at_once,
            act,
            form,
            way: way + 1,
        }
    }
}
