//! The ladder: which of the loads' figures stand in the report's columns.

use authlab_reports::nearest::did_you_mean;
use authlab_reports::run::{Ladder, LoadStep};

use super::source::Source;
use crate::scenario::tables::{Tables, Typed};
use crate::scenario::{Load, ScenarioError, Step};

impl Source<'_> {
    pub(super) fn ladder(
        &self,
        file: &Tables,
        steps: &[Step],
        loads: &[Load],
    ) -> Result<Ladder, ScenarioError> {
        let Some(table) = &file.ladder else {
            let load = &loads[0];
            let main = load.main_step().unwrap_or(0);
            let latency = LoadStep {
                load: load.name.clone(),
                step: steps[main].name.clone(),
            };
            return Ok(Ladder {
                capacity: load.only_step().map(|_| latency.clone()),
                latency,
                first: None,
            });
        };
        Ok(Ladder {
            latency: self.load_step(&table.latency, steps, loads)?,
            first: table
                .first
                .as_ref()
                .map(|at| self.load_step(at, steps, loads))
                .transpose()?,
            capacity: table
                .capacity
                .as_ref()
                .map(|at| self.load_step(at, steps, loads))
                .transpose()?,
        })
    }

    fn load_step(
        &self,
        at: &Typed<String>,
        steps: &[Step],
        loads: &[Load],
    ) -> Result<LoadStep, ScenarioError> {
        let timed = |load: &Load| {
            load.timed_steps()
                .into_iter()
                .map(|s| steps[s].name.clone())
                .collect::<Vec<_>>()
        };
        at.get_ref()
            .split_once('.')
            .filter(|(load, step)| {
                loads
                    .iter()
                    .any(|l| l.name == *load && timed(l).iter().any(|name| name == step))
            })
            .map(|(load, step)| LoadStep {
                load: load.to_owned(),
                step: step.to_owned(),
            })
            .ok_or_else(|| {
                let there: Vec<_> = loads
                    .iter()
                    .flat_map(|l| {
                        timed(l)
                            .into_iter()
                            .map(move |step| format!("{}.{step}", l.name))
                    })
                    .collect();
                let near = did_you_mean(at.get_ref(), there.iter().map(String::as_str));
                self.refuse(
                    at,
                    format!(
                        "`{}` is no timed step; write load.step, one of: {}{near}",
                        at.get_ref(),
                        there.join(", ")
                    ),
                )
            })
    }
}
