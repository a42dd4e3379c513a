//! The forms of a step: variants may make it in different ways, as one shows a cookie and another a token.

use std::sync::Arc;

use super::source::Source;
use crate::scenario::tables::{StepTable, Tables};
use crate::scenario::{Pool, ScenarioError, Step};

impl Source<'_> {
    /// For each variant the form in which it makes each step, the steps in the order of their first forms.
    pub(super) fn forms<'f>(
        &self,
        file: &'f Tables,
    ) -> Result<Vec<Vec<&'f StepTable>>, ScenarioError> {
        let mut names: Vec<&str> = Vec::new();
        for table in &file.step {
            for variant in &table.variants {
                let known = file.variant.iter().map(|variant| variant.name.get_ref());
                self.position("variant", variant, known)?;
            }
            let name = table.name.get_ref().as_str();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let variants = file.variant.iter();
        variants
            .map(|variant| {
                let form = |name: &&str| self.form(file, name, variant.name.get_ref());
                names.iter().map(form).collect()
            })
            .collect()
    }

    fn form<'f>(
        &self,
        file: &'f Tables,
        name: &str,
        variant: &str,
    ) -> Result<&'f StepTable, ScenarioError> {
        let of_name = || file.step.iter().filter(|step| step.name.get_ref() == name);
        let names_it = |step: &&StepTable| step.variants.iter().any(|of| of.get_ref() == variant);
        let own: Vec<&StepTable> = of_name().filter(names_it).collect();
        let any: Vec<&StepTable> = of_name().filter(|step| step.variants.is_empty()).collect();
        match (&own[..], &any[..]) {
            ([own], [] | [_]) => Ok(own),
            ([], [any]) => Ok(any),
            ([_, again, ..], _) => Err(self.refuse(
                &again.name,
                format!("step `{name}` is already there for variant `{variant}`"),
            )),
            (_, [_, again, ..]) => {
                Err(self.refuse(&again.name, format!("step `{name}` is already there")))
            }
            ([], []) => Err(self.refuse(
                of_name().next().map_or(&file.name, |step| &step.name),
                format!(
                    "step `{name}` has no form for variant `{variant}`; name it in `variants`, or give the step a form without"
                ),
            )),
        }
    }

    /// The steps of a variant that makes some otherwise than the first, checked as those of the first are.
    pub(super) fn own_steps(
        &self,
        file: &Tables,
        form: &[&StepTable],
        first: &[&StepTable],
        pools: &[Arc<Pool>],
        profile: &str,
    ) -> Result<Option<Vec<Step>>, ScenarioError> {
        if form
            .iter()
            .zip(first)
            .all(|(own, first)| std::ptr::eq(*own, *first))
        {
            return Ok(None);
        }
        let mut steps = self.steps(file, form)?;
        for (table, (own, pool)) in file
            .pool
            .iter()
            .zip(self.pools(file, &mut steps)?.iter().zip(pools))
        {
            if own.saved != pool.saved {
                return Err(self.refuse(
                    &table.name,
                    format!(
                        "pool `{}` is filled with {} by one form of its steps and with {} by another; let all save the same",
                        pool.name,
                        pool.saved.join(", "),
                        own.saved.join(", ")
                    ),
                ));
            }
        }
        self.loads(file, &mut steps, pools, profile)?;
        Ok(Some(steps))
    }
}
