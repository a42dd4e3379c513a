//! Requests of a history: built as their principal would send them, brought into their form, and sent.

use std::sync::Arc;

use authlab_loadtest::caller::Head;

use super::{OF_OFFICE, Played, Player, Seen, Stage, Stop, Task, next};
use crate::history::{Form, Op};
use crate::vary::{Around, vary, with_query};

impl Player<'_> {
    pub(super) async fn using(
        &mut self,
        stage: &mut Stage,
        op: &Op,
        (route, way, form): (usize, usize, Form),
        played: &Played,
    ) -> Result<Task, Stop> {
        let asked = &self.contract.routes[route];
        let step = &asked.requests[op.who][way];
        let other = match form {
            Form::TwoPrincipals => self.other(stage, op.who, route).await,
            _ => None,
        };
        let Some(slot) = stage
            .slots
            .get_mut(&(op.who, op.credential))
            .filter(|slot| slot.is_in)
        else {
            return Ok(Task::Done(Seen::Skipped));
        };
        let sends_cookies = self.contract.principals[op.who].ways[way];
        let Ok(head) = slot.caller.build(step, sends_cookies).await else {
            return Ok(Task::Done(Seen::Skipped));
        };
        let permitted = (0..self.contract.routes.len()).find(|other| {
            let role = self.contract.principals[op.who].role.as_deref();
            *other != route && self.contract.may(*other, op.who, role)
        });
        let around = Around {
            contract: self.contract,
            tokens: &slot.tokens,
            other: other.as_ref(),
            permitted: permitted.map(|route| self.contract.routes[route].target.as_str()),
            asks_about: asked.decision.is_some(),
        };
        let Some(mut head) = vary(&head, form, &around) else {
            return Ok(Task::Done(Seen::Skipped));
        };
        if self.takes_query[route]
            && let Some(unique) = &played.unique
        {
            head.target = with_query(&head.target, unique);
        }
        self.pace.turn().await?;
        let mut line = stage.lines.remove(&op.client).unwrap_or_default();
        let (gate, sent) = (Arc::clone(&self.gate), head.clone());
        let task = tokio::spawn(async move {
            let answer = line.ask(&gate, &sent).await;
            (line, answer)
        });
        Ok(Task::Asks {
            client: op.client,
            head,
            task,
        })
    }

    /// The same request of the next principal that has signed in.
    async fn other(&self, stage: &mut Stage, who: usize, route: usize) -> Option<Head> {
        let next = next(self.contract, who)?;
        let slots = stage.slots.iter_mut();
        let mut theirs = slots.filter(|((other, credential), slot)| {
            *other == next && *credential != OF_OFFICE && slot.is_in
        });
        let (_, slot) = theirs.next()?;
        let step = self.contract.routes[route].requests[next].first()?;
        slot.caller
            .build(step, self.contract.principals[next].ways[0])
            .await
            .ok()
    }
}
