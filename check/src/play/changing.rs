//! Changes of a history, and how they are undone.

use std::time::Instant;

use authlab_loadtest::caller::Made;

use super::{AFTER, OF_OFFICE, Played, Player, Seen, Slot, Stage, Stop, Task};
use crate::contract::Change;
use crate::history::{Act, Op};

impl Player<'_> {
    pub(super) async fn changing(
        &mut self,
        stage: &mut Stage,
        op: &Op,
        change: &Change,
    ) -> Result<Task, Stop> {
        let mut slots = vec![(op.who, op.credential)];
        if let Some(by) = change.by {
            let of = stage.slots.get(&slots[0]).map(Slot::values);
            for (name, value) in of.unwrap_or_default() {
                stage_put(stage, (by, OF_OFFICE), &name, &value);
            }
            slots.insert(0, (by, OF_OFFICE));
        }
        let mut moved = Vec::new();
        for slot in &slots {
            match stage.slots.remove(slot) {
                Some(there) if there.is_in => moved.push(there),
                Some(there) => {
                    stage.slots.insert(*slot, there);
                    stage.slots.extend(slots.iter().copied().zip(moved));
                    return Ok(Task::Done(Seen::Skipped));
                }
                None => {
                    stage.slots.extend(slots.iter().copied().zip(moved));
                    return Ok(Task::Done(Seen::Skipped));
                }
            }
        }
        for _ in &change.steps {
            self.pace.turn().await?;
        }
        let steps = change.steps.clone();
        let refreshes = change.refreshes;
        let task = tokio::spawn(async move {
            let outcome = match moved.first_mut() {
                Some(slot) => slot.make(&steps, refreshes).await,
                None => (Instant::now(), Err("nothing makes it".to_owned())),
            };
            (moved, outcome)
        });
        Ok(Task::Changes { slots, task })
    }

    pub(super) fn changed(
        &self,
        stage: &mut Stage,
        op: &Op,
        (sent, outcome): (Instant, Result<Instant, String>),
        played: &mut Played,
    ) -> Seen {
        let Act::Change(number) = op.act else {
            return Seen::Skipped;
        };
        let change = &self.contract.changes[number];
        let (answered, why) = match outcome {
            Ok(answered) => (Some(answered), None),
            Err(why) => (None, Some(format!("{}: {why}", change.name))),
        };
        if let Some(answered) = answered {
            let due = answered + change.within + AFTER;
            stage.due = Some(stage.due.map_or(due, |before| before.max(due)));
            if change.refreshes {
                let made = Made { sent, answered };
                let place = played.seen.len();
                played
                    .issued
                    .entry((op.who, op.credential))
                    .or_default()
                    .push((place, made));
            }
            if let Some(slot) = stage.slots.get_mut(&(op.who, op.credential)) {
                slot.learn(&change.steps);
            }
        }
        Seen::Changed {
            sent,
            answered,
            why,
        }
    }

    /// Takes back what would outlive the history, the last change first.
    pub(super) async fn undo(&mut self, stage: &mut Stage, ops: &[Op], played: &Played) {
        for (op, _) in ops.iter().zip(&played.seen).rev() {
            let Act::Change(change) = op.act else {
                continue;
            };
            let change = &self.contract.changes[change];
            let maker = change
                .by
                .map_or((op.who, op.credential), |by| (by, OF_OFFICE));
            if change.by.is_some() {
                let of = stage.slots.get(&(op.who, op.credential)).map(Slot::values);
                for (name, value) in of.unwrap_or_default() {
                    stage_put(stage, maker, &name, &value);
                }
            }
            if change.undo.is_empty() {
                continue;
            }
            let mut outcome = match stage.slots.get_mut(&maker) {
                Some(slot) => slot.make(&change.undo, true).await.1,
                None => Err("its principal has not signed in".to_owned()),
            };
            if outcome.is_err() {
                // The credential may have ended since.
                outcome = self.undo_again(stage, maker, op, change).await;
            }
            if let Err(why) = outcome {
                self.stuck = Some(format!("`{}` could not be undone: {why}", change.name));
            }
            let due = Instant::now() + change.within + AFTER;
            self.settled = Some(self.settled.map_or(due, |before| before.max(due)));
        }
    }

    /// Undoes a change with a new credential.
    async fn undo_again(
        &mut self,
        stage: &mut Stage,
        maker: (usize, usize),
        op: &Op,
        change: &Change,
    ) -> Result<Instant, String> {
        let mut slot = Slot::new(self, maker.0, maker.1);
        let sign_in = &self.contract.principals[maker.0].sign_in;
        slot.make(sign_in, true).await.1?;
        stage.slots.insert(maker, slot);
        if change.by.is_some() {
            let of = stage.slots.get(&(op.who, op.credential)).map(Slot::values);
            for (name, value) in of.unwrap_or_default() {
                stage_put(stage, maker, &name, &value);
            }
        }
        match stage.slots.get_mut(&maker) {
            Some(slot) => slot.make(&change.undo, true).await.1,
            None => Err("its principal has not signed in".to_owned()),
        }
    }
}

/// Gives a principal in office the values of the one that it changes, as `their_…`.
fn stage_put(stage: &mut Stage, office: (usize, usize), name: &str, value: &str) {
    if let Some(slot) = stage.slots.get_mut(&office) {
        slot.caller.put(&format!("their_{name}"), value);
    }
}
