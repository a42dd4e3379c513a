//! Steps: the requests.

use super::source::Source;
use super::{File, StepTable};
use crate::scenario::{ScenarioError, Step, Template};

impl Source<'_> {
    pub(super) fn steps(&self, file: &File) -> Result<Vec<Step>, ScenarioError> {
        let mut steps: Vec<Step> = Vec::new();
        for table in &file.step {
            let taken: Vec<_> = steps.iter().map(|s| s.name.as_str()).collect();
            let name = self.unique("step", &table.name, &taken)?;
            steps.push(self.step(name, table)?);
        }
        Ok(steps)
    }

    fn step(&self, name: String, table: &StepTable) -> Result<Step, ScenarioError> {
        let request = table.request.get_ref();
        let is_of_trace = request == "trace";
        // Of a trace, the place of the path; the method is read beside it.
        let line = if is_of_trace { "GET /" } else { request };
        let (method, target) = line
            .split_once(' ')
            .and_then(|(method, target)| Some((method.parse().ok()?, target.trim())))
            .filter(|(_, target)| target.starts_with('/'))
            .ok_or_else(|| {
                self.refuse(
                    &table.request,
                    format!("request `{request}` is not accepted; write it as `GET /path`, or `trace` for a line of the load's trace"),
                )
            })?;
        let mut headers = Vec::new();
        for (header, value) in &table.headers {
            let parsed = header.get_ref().parse().map_err(|_| {
                self.refuse(
                    header,
                    format!("`{}` is not a header name", header.get_ref()),
                )
            })?;
            headers.push((parsed, Template::new(value.get_ref())));
        }
        let body = match (&table.json, &table.body) {
            (Some(_), Some(body)) => {
                return Err(self.refuse(body, "a step has `json` or `body`, not both"));
            }
            (Some(json), None) => {
                headers.push((
                    http::header::CONTENT_TYPE,
                    Template::new("application/json"),
                ));
                let text = serde_json::to_string(json)
                    .map_err(|error| self.refuse(&table.name, error.to_string()))?;
                Template::new(&text)
            }
            (None, Some(body)) => Template::new(body.get_ref()),
            (None, None) => Template::default(),
        };
        let mut save = Vec::new();
        for (value, place) in &table.save {
            let pointer = place.get_ref().strip_prefix("json:").ok_or_else(|| {
                self.refuse(
                    place,
                    format!("`{}` is not accepted; use json:/pointer", place.get_ref()),
                )
            })?;
            let pointer = if pointer.starts_with('/') {
                pointer.to_owned()
            } else {
                format!("/{pointer}")
            };
            save.push((value.clone(), pointer));
        }
        Ok(Step {
            name,
            method,
            target: Template::new(if is_of_trace { "{trace_path}" } else { target }),
            is_of_trace,
            headers,
            body,
            expect: table.expect.clone(),
            contains: table.contains.clone(),
            save,
        })
    }
}
