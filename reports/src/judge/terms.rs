//! The terms of a duel: the usual ones, and what follows from them.

use super::comparison::Comparison;
use super::metric::Metric;
use super::{LOOKS, Rule, Sequential};
use crate::nearest::did_you_mean;
use crate::run::{Run, Terms};

/// A variant that a run does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("run {run} has no variant `{name}`: it has {}{}", accepted.join(", "), did_you_mean(name, accepted.iter().map(String::as_str)))]
pub struct UnknownVariant {
    /// As asked for.
    name: String,
    /// The run's id.
    run: String,
    /// The variants it has.
    accepted: Vec<String>,
}

impl UnknownVariant {
    /// # Errors
    /// The run lacks one of these variants.
    pub(crate) fn unless_in(run: &Run, names: [&str; 2]) -> Result<(), Self> {
        let lacking = names.into_iter().find(|name| run.variant(name).is_none());
        lacking.map_or(Ok(()), |name| {
            let accepted = run.variants.iter().map(|variant| variant.name.clone());
            Err(Self {
                name: name.to_owned(),
                run: run.id.clone(),
                accepted: accepted.collect(),
            })
        })
    }
}

impl Terms {
    /// The usual terms for two variants of a run that was no duel: its ladder's load, looked at once,
    /// p50 and the error rate gated.
    #[must_use]
    pub fn usual(run: &Run, base: &str, head: &str) -> Self {
        let load = &run.scenario.ladder.latency.load;
        let mut terms = Self {
            base: base.to_owned(),
            head: head.to_owned(),
            load: load.clone(),
            gates: [Metric::P50, Metric::Errors]
                .map(|metric| metric.to_string())
                .into(),
            looks: vec![LOOKS[0]],
        };
        // It has no more blocks than those: a look beyond them would stay open for ever.
        let kept = Comparison::of(run, load, [base, head], &Rule::DESCRIBE).kept();
        if kept > 0 {
            terms.looks = vec![kept];
        }
        terms
    }

    /// Those that the run was made on, if it was a duel of these two; or the usual ones.
    #[must_use]
    pub fn of(run: &Run, base: &str, head: &str) -> Self {
        let own = run.duel.as_ref();
        own.filter(|own| (own.base.as_str(), own.head.as_str()) == (base, head))
            .cloned()
            .unwrap_or_else(|| Self::usual(run, base, head))
    }

    /// The metrics asked for. What cannot be read was written by a newer tool, and is missing.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = (&str, Option<Metric>)> {
        self.gates
            .iter()
            .map(|gate| (gate.as_str(), gate.parse().ok()))
    }

    /// The steps that are judged, each for itself.
    #[must_use]
    pub fn steps<'r>(&self, run: &'r Run) -> &'r [String] {
        run.load(&self.load).map_or(&[], |load| &load.steps)
    }

    /// How each metric is judged: the error is shared out over all of them.
    #[must_use]
    pub fn rule(&self, run: &Run) -> Sequential {
        self.rule_of(self.steps(run).len())
    }

    /// The same for a load that times so many steps.
    #[must_use]
    pub fn rule_of(&self, steps: usize) -> Sequential {
        let gated = self.metrics().map(|(_, metric)| match metric {
            Some(metric) if !metric.is_of_load() => steps.max(1),
            _ => 1,
        });
        Sequential {
            looks: self.looks.clone(),
            gated: gated.sum(),
        }
    }
}
