//! The terms of a duel: the usual ones, and what follows from them.

use super::rows;
use crate::compare::CompareError;
use crate::judge::aside::SetAside;
use crate::judge::metric::Metric;
use crate::judge::{LOOKS, Rule};
use crate::run::{Load, Run, Terms};

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
            gates: [Metric::P50, Metric::ERRORS]
                .map(|metric| metric.to_string())
                .into(),
            looks: vec![LOOKS[0]],
        };
        // It has no more blocks than those: a look beyond them would stay open for ever.
        let kept = rows::kept(run, &terms, &SetAside::of(run, load));
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
    pub(super) fn metrics(&self) -> impl Iterator<Item = (&str, Option<Metric>)> {
        self.gates
            .iter()
            .map(|gate| (gate.as_str(), gate.parse().ok()))
    }

    /// The steps that are judged, each for itself.
    #[must_use]
    pub fn steps<'r>(&self, run: &'r Run) -> &'r [String] {
        self.load_of(run).map_or(&[], |load| &load.steps)
    }

    pub(super) fn load_of<'r>(&self, run: &'r Run) -> Option<&'r Load> {
        run.scenario
            .loads
            .iter()
            .find(|load| load.name == self.load)
    }

    /// How each metric is judged: the error is shared out over all of them.
    #[must_use]
    pub fn rule(&self, run: &Run) -> Rule {
        let steps = self.steps(run).len().max(1);
        let gated = self.metrics().map(|(_, metric)| match metric {
            Some(metric) if !metric.is_of_load() => steps,
            _ => 1,
        });
        Rule {
            looks: self.looks.clone(),
            gated: gated.sum(),
        }
    }

    pub(super) fn check(&self, run: &Run) -> Result<(), CompareError> {
        for name in [&self.base, &self.head] {
            CompareError::unless_in(run, name)?;
        }
        Ok(())
    }
}
