//! What a step needs must be there when its turn comes: values saved before it, the page whose form
//! it submits, the pools that it names.

use std::sync::Arc;

use authlab_reports::nearest::did_you_mean;

use super::source::Source;
use crate::scenario::tables::{LoadTable, Typed};
use crate::scenario::template::{OWN_VALUES, TRACE_VALUES};
use crate::scenario::{Journey, Pool, ScenarioError, Step};

impl Source<'_> {
    /// Checks a load's steps in the order in which a user makes them, and marks those whose page a
    /// later one submits.
    pub(super) fn sequences(
        &self,
        table: &LoadTable,
        steps: &mut [Step],
        prepare: &[usize],
        once: &[usize],
        journeys: &[Journey],
        pools: &[Arc<Pool>],
    ) -> Result<(), ScenarioError> {
        let mut known: Vec<String> = OWN_VALUES.map(str::to_owned).to_vec();
        let load = table.journey.as_ref().map(Typed::span);
        let load = Typed::new(load.unwrap_or(table.name.span()), ());
        self.sequence(&load, steps, prepare, &mut known, &[])?;
        if table.trace.is_some() {
            known.extend(TRACE_VALUES.map(str::to_owned));
        }
        known.extend(
            pools
                .iter()
                .flat_map(|pool| pool.names())
                .map(str::to_owned),
        );
        self.sequence(&load, steps, once, &mut known, pools)?;
        for (number, journey) in journeys.iter().enumerate() {
            let at = match (&table.journey, &table.journeys) {
                (Some(only), _) => only.span(),
                (None, Some(several)) => several.get_ref()[number].steps.span(),
                (None, None) => table.name.span(),
            };
            let made: Vec<usize> = journey.steps.iter().map(|(step, _)| *step).collect();
            let at = Typed::new(at, ());
            self.sequence(&at, steps, &made, &mut known.clone(), pools)?;
        }
        Ok(())
    }

    /// Checks one sequence; `known` are the values there before it, and after it.
    pub(super) fn sequence<T>(
        &self,
        at: &Typed<T>,
        steps: &mut [Step],
        sequence: &[usize],
        known: &mut Vec<String>,
        pools: &[Arc<Pool>],
    ) -> Result<(), ScenarioError> {
        let mut before = None;
        for &index in sequence {
            let step = &steps[index];
            if step.is_of_trace && !known.iter().any(|name| name == TRACE_VALUES[0]) {
                return Err(self.refuse(
                    at,
                    format!(
                        "step `{}` is of a trace; such a step belongs in the journey of a load with `trace = {{ file = \"access.log\" }}`",
                        step.name
                    ),
                ));
            }
            let set = step.set.iter().map(|(name, _)| name.clone());
            let own: Vec<String> = set.collect();
            for place in step.places() {
                if !known.iter().chain(&own).any(|name| name == place) {
                    let near = did_you_mean(place, known.iter().chain(&own).map(String::as_str));
                    return Err(self.refuse(
                        at,
                        format!(
                            "step `{}` uses {{{place}}}, which no earlier step saves; saved by then: {}{near}; \
                             {{{{{place}}}}} writes the text {{{place}}}",
                            step.name,
                            known.join(", ")
                        ),
                    ));
                }
            }
            for pool in step.revoke.iter().chain(&step.probe) {
                if !pools.iter().any(|drawn| drawn.name == *pool) {
                    return Err(self.refuse(
                        at,
                        format!(
                            "step `{}` needs a member of pool `{pool}`; add pools = [\"{pool}\"] to the load and make the step in its journey",
                            step.name
                        ),
                    ));
                }
            }
            known.extend(own);
            known.extend(step.save.iter().map(|(name, _)| name.clone()));
            if step.submit.is_some() {
                let page: usize = before.ok_or_else(|| {
                    self.refuse(
                        at,
                        format!(
                            "step `{}` submits a form; the step before it must get its page",
                            step.name
                        ),
                    )
                })?;
                if steps[page].at != step.at {
                    return Err(self.refuse(
                        at,
                        format!(
                            "step `{}` submits the form of step `{}`'s page, which is of another server; give both the same `at`",
                            step.name, steps[page].name
                        ),
                    ));
                }
                steps[page].keeps_page = true;
            }
            before = Some(index);
        }
        Ok(())
    }
}
