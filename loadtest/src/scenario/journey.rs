//! Journeys: sequences of steps, and how a load chooses among them.

use std::sync::Arc;

use rand::{Rng, RngExt};

use super::{Load, Pool};

/// A sequence of steps that users repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journey {
    /// How often it is chosen, beside the other journeys' weights.
    pub weight: u32,
    /// Its steps: index and repetitions.
    pub steps: Vec<(usize, u32)>,
}

/// How long a user keeps the cookies that a server sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cookies {
    /// As long as the server runs.
    #[default]
    User,
    /// For one journey.
    Journey,
    /// Not at all.
    None,
}

/// How long a user keeps a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connections {
    /// As long as the server does.
    #[default]
    Kept,
    /// For one journey; the next one resumes its TLS session (RFC 8446, section 2.2).
    Resumed,
    /// For one journey; the next one makes a full TLS handshake.
    New,
}

impl Load {
    /// The indices of the timed steps, each once, in order of first use; those made once come last.
    #[must_use]
    pub fn timed_steps(&self) -> Vec<usize> {
        let repeated = self.journeys.iter().flat_map(|journey| &journey.steps);
        each_once(
            repeated
                .map(|(step, _)| *step)
                .chain(self.once.iter().copied()),
        )
    }

    /// Every step that its users make, timed or not; some more than once.
    pub fn all_steps(&self) -> impl Iterator<Item = usize> {
        let filling = self.pools.iter().flat_map(|pool| pool.fill.clone());
        let timed = self.timed_steps().into_iter();
        self.prepare.iter().copied().chain(filling).chain(timed)
    }

    /// The steps that journeys begin with, each once.
    #[must_use]
    pub fn first_steps(&self) -> Vec<usize> {
        let first = |journey: &Journey| journey.steps.first().map(|(step, _)| *step);
        each_once(self.journeys.iter().filter_map(first))
    }

    /// The last step of the journey that is chosen most.
    #[must_use]
    pub fn main_step(&self) -> Option<usize> {
        let most = self
            .journeys
            .iter()
            .rev()
            .max_by_key(|journey| journey.weight);
        most?.steps.last().map(|(step, _)| *step)
    }

    /// The only step that the load makes, if it is one.
    #[must_use]
    pub fn only_step(&self) -> Option<usize> {
        match &self.timed_steps()[..] {
            [step] if self.journeys.iter().all(|journey| journey.steps.len() == 1) => Some(*step),
            _ => None,
        }
    }

    /// How often every journey makes the step: 0 when one of them does without.
    #[must_use]
    pub fn repetitions(&self, step: usize) -> u64 {
        let within = |journey: &Journey| {
            let made = journey.steps.iter().filter(|(made, _)| *made == step);
            made.map(|(_, times)| u64::from(*times)).sum()
        };
        self.journeys.iter().map(within).min().unwrap_or(0)
    }

    /// How many `fill` steps a user makes at most before its first slice at a server.
    pub(crate) fn fill_steps_of_a_user(&self) -> u32 {
        let of = |pool: &Arc<Pool>| pool.size.div_ceil(self.users) * pool.fill.len();
        u32::try_from(self.pools.iter().map(of).sum::<usize>()).unwrap_or(u32::MAX)
    }

    /// The next journey of a user.
    pub fn choose(&self, random: &mut impl Rng) -> &Journey {
        if let [only] = &self.journeys[..] {
            return only;
        }
        let all = self
            .journeys
            .iter()
            .map(|journey| u64::from(journey.weight))
            .sum();
        let mut left = random.random_range(0..all);
        for journey in &self.journeys {
            match left.checked_sub(u64::from(journey.weight)) {
                Some(rest) => left = rest,
                None => return journey,
            }
        }
        unreachable!("what is drawn is less than the sum of the weights")
    }
}

fn each_once(steps: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut once = Vec::new();
    for step in steps {
        if !once.contains(&step) {
            once.push(step);
        }
    }
    once
}
