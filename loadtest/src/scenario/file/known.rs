//! Values that are known before a run, of CSV files and of logs, must be able to stand where steps put
//! them: what cannot is refused here, not counted as a failure of every request.

use std::sync::Arc;

use super::source::Source;
use crate::scenario::tables::{LoadTable, Tables};
use crate::scenario::template::TRACE_VALUES;
use crate::scenario::template::{Slot, Template};
use crate::scenario::{Load, Pool, ScenarioError, Step};

impl Source<'_> {
    /// Checks the values of the pools' files in the steps that use them.
    pub(super) fn rows_fit(
        &self,
        file: &Tables,
        pools: &[Arc<Pool>],
        steps: &[Step],
    ) -> Result<(), ScenarioError> {
        for (table, pool) in file.pool.iter().zip(pools) {
            let Some(csv) = &table.csv else {
                continue;
            };
            for (step, slot) in slots(steps) {
                if !pool.table.columns.contains(&slot.name) {
                    continue;
                }
                for row in 0..pool.table.rows() {
                    let value = pool.table.value(row, &slot.name).unwrap_or_default();
                    if let Some(why) = slot.encoding.refuses(value) {
                        return Err(self.refuse(
                            csv,
                            format!(
                                "csv `{}`: the {{{}}} of row {} cannot stand in {} of step `{}`: {why}",
                                csv.get_ref(),
                                slot.name,
                                row + 1,
                                slot.encoding.place(),
                                step.name
                            ),
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// Checks the values of a load's log in the steps that it makes.
    pub(super) fn lines_fit(
        &self,
        table: &LoadTable,
        load: &Load,
        steps: &[Step],
    ) -> Result<(), ScenarioError> {
        let (Some(typed), Some(trace)) = (&table.trace, load.trace()) else {
            return Ok(());
        };
        let [_, path, subject, _] = TRACE_VALUES;
        for index in load.timed_steps() {
            for (step, slot) in slots(&steps[index..=index]) {
                let refuses = |text: &str| slot.encoding.refuses(text);
                let why = if slot.name == subject {
                    trace.subject_texts().find_map(refuses)
                } else if slot.name == path {
                    trace.paths().find_map(refuses)
                } else {
                    None
                };
                if let Some(why) = why {
                    return Err(self.refuse(
                        &typed.file,
                        format!(
                            "trace `{}`: a {{{}}} cannot stand in {} of step `{}`: {why}",
                            trace.file,
                            slot.name,
                            slot.encoding.place(),
                            step.name
                        ),
                    ));
                }
            }
        }
        Ok(())
    }
}

/// The places of the steps that do not take every value.
fn slots(steps: &[Step]) -> impl Iterator<Item = (&Step, &Slot)> {
    steps.iter().flat_map(|step| {
        let slots = step.templates().flat_map(Template::slots);
        slots
            .filter(|slot| slot.encoding.may_refuse())
            .map(move |slot| (step, slot))
    })
}
