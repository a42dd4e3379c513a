//! One credential of one principal, and the user that holds it.

use std::time::Instant;

use authlab_loadtest::caller::{Caller, Made};
use authlab_loadtest::scenario::Step;

use super::Player;

pub(super) struct Slot {
    pub(super) caller: Caller,
    /// What signing in brought.
    pub(super) tokens: Vec<String>,
    /// Whether it has signed in.
    pub(super) is_in: bool,
    names: Vec<String>,
}

impl Slot {
    pub(super) fn new(player: &Player<'_>, who: usize, credential: usize) -> Self {
        // Numbers never repeat: a gate may refuse what it has seen.
        let number = player.played * 1_000 + who * 10 + credential.min(9);
        let mut caller = Caller::new(number, player.seed, &player.servers);
        let values = &player.contract.principals[who].values;
        for (name, value) in values {
            caller.put(name, value);
        }
        Self {
            caller,
            tokens: Vec::new(),
            is_in: true,
            names: values.keys().cloned().collect(),
        }
    }

    /// Notes what the steps have saved.
    pub(super) fn learn(&mut self, steps: &[Step]) {
        for step in steps {
            for (name, _) in &step.save {
                if let Some(value) = self.caller.value(name) {
                    self.tokens.push(value.to_owned());
                    self.names.push(name.clone());
                }
            }
        }
        self.tokens.extend(self.caller.cookies());
    }

    /// Its values by name.
    pub(super) fn values(&self) -> Vec<(String, String)> {
        let values = self.names.iter().map(|name| {
            let value = self.caller.value(name)?;
            Some((name.clone(), value.to_owned()))
        });
        values.flatten().collect()
    }

    /// Makes steps in order. When the first was sent, and when the last was answered.
    pub(super) async fn make(
        &mut self,
        steps: &[Step],
        keeps_cookies: bool,
    ) -> (Instant, Result<Instant, String>) {
        let began = Instant::now();
        let mut answered = began;
        for step in steps {
            match self.caller.make(step, keeps_cookies).await {
                Ok(made) => answered = made.answered,
                Err(why) => return (began, Err(format!("step `{}`: {why}", step.name))),
            }
        }
        (began, Ok(answered))
    }
}

/// Two steps as one.
pub(super) fn joined(before: Option<Made>, step: Made) -> Made {
    Made {
        sent: before.map_or(step.sent, |before| before.sent),
        answered: step.answered,
    }
}
