//! Journeys, as typed: one, or several with weights; each a list of `name` and `name*40`.

use super::source::Source;
use crate::scenario::tables::{JourneyTable, LoadTable, Typed};
use crate::scenario::{Journey, ScenarioError, Step};

impl Source<'_> {
    /// The load's journeys: at least one, each with at least one step.
    pub(super) fn journeys(
        &self,
        table: &LoadTable,
        steps: &[Step],
    ) -> Result<Vec<Journey>, ScenarioError> {
        match (&table.journey, &table.journeys) {
            (Some(_), Some(several)) => {
                Err(self.refuse(several, "a load has `journey` or `journeys`, not both"))
            }
            (None, None) => Err(self.refuse(
                &table.name,
                "a load needs `journey = [\"step\", …]`, or `journeys` with weights",
            )),
            (Some(only), None) => Ok(vec![Journey {
                weight: 1,
                steps: self.journey(only, steps)?,
            }]),
            (None, Some(several)) => {
                if several.get_ref().is_empty() {
                    return Err(self.refuse(several, "`journeys` needs at least one journey"));
                }
                let one = |journey: &JourneyTable| {
                    if *journey.weight.get_ref() == 0 {
                        return Err(self.refuse(&journey.weight, "a weight is 1 or more"));
                    }
                    Ok(Journey {
                        weight: *journey.weight.get_ref(),
                        steps: self.journey(&journey.steps, steps)?,
                    })
                };
                several.get_ref().iter().map(one).collect()
            }
        }
    }

    fn journey(
        &self,
        typed: &Typed<Vec<Typed<String>>>,
        steps: &[Step],
    ) -> Result<Vec<(usize, u32)>, ScenarioError> {
        if typed.get_ref().is_empty() {
            return Err(self.refuse(typed, "a journey needs at least one step"));
        }
        let mut journey = Vec::new();
        for item in typed.get_ref() {
            let (step, times) = item
                .get_ref()
                .split_once('*')
                .unwrap_or((item.get_ref(), "1"));
            let times = times
                .parse()
                .ok()
                .filter(|times| *times > 0)
                .ok_or_else(|| {
                    self.refuse(
                        item,
                        format!("`{}`: write a step as `name` or `name*40`", item.get_ref()),
                    )
                })?;
            let wanted = Typed::new(item.span(), step.to_owned());
            journey.push((self.step_named(&wanted, steps)?, times));
        }
        Ok(journey)
    }

    /// The steps named in a list.
    pub(super) fn named_steps(
        &self,
        names: &[Typed<String>],
        steps: &[Step],
    ) -> Result<Vec<usize>, ScenarioError> {
        names
            .iter()
            .map(|name| self.step_named(name, steps))
            .collect()
    }

    fn step_named(&self, name: &Typed<String>, steps: &[Step]) -> Result<usize, ScenarioError> {
        self.position("step", name, steps.iter().map(|step| &step.name))
    }
}
