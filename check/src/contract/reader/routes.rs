//! Routes: who may, the request of each principal in each of its ways, and what shows whom an answer is for.

use std::collections::BTreeSet;

use authlab_loadtest::scenario::tables::StepTable;
use authlab_loadtest::scenario::{ScenarioError, Template};

use super::Reader;
use crate::contract::tables::{PresentTable, RouteTable, Tables};
use crate::contract::{ANONYMOUS, ANYONE, Principal, Route, SIGNED_IN};

/// A shorter text would be found by chance.
const LEAST_MARK: usize = 3;

impl Reader<'_> {
    pub(super) fn route(
        &self,
        table: &RouteTable,
        file: &Tables,
        principals: &[Principal],
        roles: &BTreeSet<&str>,
    ) -> Result<Route, ScenarioError> {
        let source = &self.0;
        let mut may = Vec::new();
        for typed in table.may.get_ref() {
            let name = typed.get_ref();
            let is_known = [ANYONE, SIGNED_IN].contains(&name.as_str())
                || roles.contains(name.as_str())
                || principals.iter().any(|principal| principal.name == *name);
            if !is_known {
                let known: Vec<_> = principals
                    .iter()
                    .map(|p| p.name.as_str())
                    .chain(roles.iter().copied())
                    .collect();
                return Err(source.refuse(
                    typed,
                    format!(
                        "`{name}` is no principal and no role; there are: {}, signed-in, anyone",
                        known.join(", ")
                    ),
                ));
            }
            may.push(name.clone());
        }
        let mut requests = Vec::new();
        for principal in principals {
            let typed = file
                .principal
                .iter()
                .find(|typed| *typed.name.get_ref() == principal.name);
            let ways = typed.map_or_else(
                || vec![PresentTable::default()],
                |typed| typed.present.clone(),
            );
            let steps = ways
                .iter()
                .map(|way| source.single_step(&step_table(table, way)));
            requests.push(steps.collect::<Result<Vec<_>, _>>()?);
        }
        let step = &requests[0][0];
        let no_values = |_: &str, _: &mut String| false;
        let target = step.target.fill(no_values).map_err(|_| {
            source.refuse(
                &table.request,
                "a route is the same for each principal: its path has no {value}",
            )
        })?;
        if let Some(pointer) = &table.decision
            && !pointer.get_ref().starts_with('/')
        {
            return Err(source.refuse(
                pointer,
                format!(
                    "`{}` is no JSON pointer; write e.g. /decision",
                    pointer.get_ref()
                ),
            ));
        }
        let request = format!("{} {target}", step.method);
        let decision = table.decision.as_ref();
        Ok(Route {
            request: table
                .name
                .as_ref()
                .map_or(request, |name| name.get_ref().clone()),
            method: step.method.to_string(),
            target,
            line: source.line(&table.request),
            may,
            marks: self.marks(table, principals)?,
            permits: table.permits.clone(),
            decision: decision.map(|pointer| pointer.get_ref().clone()),
            requests,
        })
    }

    /// What shows that an answer is for a principal: a text of its own, which is in no other's.
    fn marks(
        &self,
        table: &RouteTable,
        principals: &[Principal],
    ) -> Result<Vec<Option<String>>, ScenarioError> {
        let Some(typed) = &table.shows else {
            return Ok(vec![None; principals.len()]);
        };
        let template = Template::new(typed.get_ref());
        let mut marks: Vec<Option<String>> = Vec::new();
        for principal in principals {
            if principal.name == ANONYMOUS {
                marks.push(None);
                continue;
            }
            let filled = template.fill(|name, text| match principal.values.get(name) {
                Some(value) => {
                    text.push_str(value);
                    true
                }
                None => false,
            });
            let mark = filled.map_err(|error| {
                self.0
                    .refuse(typed, format!("`shows` for `{}`: {error}", principal.name))
            })?;
            if mark.len() < LEAST_MARK {
                return Err(self.0.refuse(
                    typed,
                    format!(
                        "`shows` has fewer than {LEAST_MARK} octets for `{}`",
                        principal.name
                    ),
                ));
            }
            marks.push(Some(mark));
        }
        Ok(marks)
    }
}

/// A route as a principal asks for it in one of its ways.
fn step_table(route: &RouteTable, way: &PresentTable) -> StepTable {
    let mut headers = route.headers.clone();
    headers.extend(
        way.headers
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    StepTable {
        name: "route".into(),
        request: Some(route.request.clone()),
        headers,
        json: route.json.clone(),
        body: route.body.clone(),
        bearer: way.bearer.clone(),
        basic: way.basic.clone(),
        dpop: way.dpop,
        ..StepTable::default()
    }
}
