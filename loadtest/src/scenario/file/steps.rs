//! Steps: the requests.

use std::collections::BTreeMap;

use http::{Method, header};

use super::source::Source;
use crate::scenario::tables::{BesideTable, StepTable, Tables, Typed};
use crate::scenario::template::is_name;
use crate::scenario::template::{FRESH_VALUES, OWN_VALUES, TRACE_VALUES};
use crate::scenario::{Body, Credentials, Place, ScenarioError, Step, Template};
use crate::target;

/// More redirects within one server are a loop.
const MOST_REDIRECTS: u32 = 20;

impl Source<'_> {
    /// The steps of one variant, in the forms that it makes them in.
    pub(super) fn steps(
        &self,
        file: &Tables,
        tables: &[&StepTable],
    ) -> Result<Vec<Step>, ScenarioError> {
        let mut steps: Vec<Step> = Vec::new();
        for &table in tables {
            let mut step = self.step(self.name(&table.name)?, table)?;
            if let Some(typed) = &table.at {
                self.position(
                    "beside",
                    typed,
                    file.beside.iter().map(BesideTable::known_as),
                )?;
            }
            let pools = || file.pool.iter().map(|pool| pool.name.get_ref());
            for (typed, pool) in [
                (&table.revoke, &mut step.revoke),
                (&table.probe, &mut step.probe),
            ] {
                if let Some(typed) = typed {
                    self.position("pool", typed, pools())?;
                    *pool = Some(typed.get_ref().clone());
                }
            }
            steps.push(step);
        }
        Ok(steps)
    }

    /// A step by itself, which has no pools, no attacks and no trace.
    ///
    /// # Errors
    /// It says something that is not accepted.
    pub fn single_step(&self, table: &StepTable) -> Result<Step, ScenarioError> {
        let of_loads = [&table.revoke, &table.probe, &table.attack];
        if let Some(typed) = of_loads.into_iter().flatten().next() {
            return Err(self.refuse(
                typed,
                "`revoke`, `probe` and `attack` are of scenarios alone",
            ));
        }
        if let Some(request) = &table.request
            && request.get_ref() == "trace"
        {
            return Err(self.refuse(request, "a trace is of scenarios alone; write `GET /path`"));
        }
        self.step(self.name(&table.name)?, table)
    }

    fn step(&self, name: String, table: &StepTable) -> Result<Step, ScenarioError> {
        let is_of_trace = table
            .request
            .as_ref()
            .is_some_and(|request| request.get_ref() == "trace");
        let (method, target) = if is_of_trace {
            // The line's method is read beside it.
            (Method::GET, Template::target("{trace_path}"))
        } else {
            self.request(table)?
        };
        let mut headers = Vec::new();
        for (header, value) in &table.headers {
            let parsed = header.get_ref().parse().map_err(|_| {
                self.refuse(
                    header,
                    format!("`{}` is not a header name", header.get_ref()),
                )
            })?;
            let template = Template::header(&parsed, value.get_ref());
            let template = template.map_err(|why| {
                self.refuse(value, format!("header `{parsed}` cannot be sent: {why}"))
            })?;
            headers.push((parsed, template));
        }
        let body = self.body(table, content_type(&table.headers))?;
        let content_type = match &body {
            Body::Text(_) => None,
            Body::Json(_) => Some("application/json"),
            Body::Form(_) => Some("application/x-www-form-urlencoded"),
        };
        if let Some(content_type) = content_type {
            headers.push((header::CONTENT_TYPE, Template::new(content_type)));
        }
        let mut save = Vec::new();
        for (value, place) in &table.save {
            save.push((self.value_name(value)?, self.place(place)?));
        }
        let mut set = Vec::new();
        for (value, text) in &table.set {
            set.push((self.value_name(value)?, Template::new(text)));
        }
        let mut step = Step {
            name,
            at: table.at.as_ref().map(|typed| typed.get_ref().clone()),
            set,
            is_of_trace,
            method,
            target,
            submit: table
                .submit
                .as_ref()
                .map(|fields| templates(fields.get_ref(), Template::new)),
            headers,
            credentials: self.credentials(table)?,
            dpop: table.dpop,
            body,
            follow: self.follow(table)?,
            expect: table.expect.clone(),
            contains: table.contains.clone(),
            save,
            keeps_page: false,
            changing: false,
            revoke: None,
            probe: None,
            attack: self.attack(table)?,
        };
        let changing = step.places().any(|place| FRESH_VALUES.contains(&place));
        step.changing = changing;
        Ok(step)
    }

    fn attack(&self, table: &StepTable) -> Result<Option<String>, ScenarioError> {
        let Some(typed) = &table.attack else {
            return Ok(None);
        };
        if table.probe.is_some() || table.revoke.is_some() || !table.save.is_empty() {
            return Err(self.refuse(
                typed,
                "an attack is to be refused: it has no `probe`, `revoke` or `save`",
            ));
        }
        Ok(Some(self.unique("attack", typed, &[])?))
    }

    fn request(&self, table: &StepTable) -> Result<(Method, Template), ScenarioError> {
        let request = match (&table.request, &table.submit) {
            (Some(request), None) => request,
            (None, Some(_)) => return Ok((Method::POST, Template::default())),
            (Some(request), Some(_)) => {
                return Err(self.refuse(
                    request,
                    "a step has `request` or `submit`, not both: the page's form says where it goes",
                ));
            }
            (None, None) => {
                return Err(self.refuse(
                    &table.name,
                    "a step needs `request = \"GET /path\"`, or `submit` to send the last page's form",
                ));
            }
        };
        let refused = |why: &str| {
            self.refuse(
                request,
                format!(
                    "request `{}` is not accepted; write it as `GET /path`, or `trace` for a line of the load's trace{why}",
                    request.get_ref()
                ),
            )
        };
        let (method, target) = request
            .get_ref()
            .split_once(' ')
            .and_then(|(method, target)| Some((method.parse().ok()?, target.trim_matches(' '))))
            .filter(|(_, target)| target.starts_with('/') || starts_with_a_value(target))
            .ok_or_else(|| refused(""))?;
        let target = target::encoded(target).map_err(|cause| refused(&format!(": {cause}")))?;
        Ok((method, Template::target(&target)))
    }

    /// The body; one that is text is of the content type given.
    fn body(&self, table: &StepTable, typed: ContentType) -> Result<Body, ScenarioError> {
        let bodies = [
            table.json.as_ref().map(|json| ("json", json.span())),
            table.body.as_ref().map(|body| ("body", body.span())),
            table.form.as_ref().map(|form| ("form", form.span())),
            table.submit.as_ref().map(|form| ("submit", form.span())),
        ];
        let mut there = bodies.into_iter().flatten();
        if let (Some((one, _)), Some((other, at))) = (there.next(), there.next()) {
            return Err(self.refuse(
                &Typed::new(at, ()),
                format!("a step has `{one}` or `{other}`, not both"),
            ));
        }
        if let Some(json) = &table.json {
            let text = serde_json::to_string(json.get_ref())
                .map_err(|error| self.refuse(&table.name, error.to_string()))?;
            return Ok(Body::Json(Template::json_table(&text)));
        }
        if let Some(form) = &table.form {
            return Ok(Body::Form(templates(form.get_ref(), Template::form)));
        }
        let text = table.body.as_ref().map(|body| match typed {
            ContentType::Json => Template::json(body.get_ref()),
            ContentType::Form => Template::urlencoded(body.get_ref()),
            ContentType::Other => Template::new(body.get_ref()),
        });
        Ok(Body::Text(text.unwrap_or_default()))
    }

    fn credentials(&self, table: &StepTable) -> Result<Option<Credentials>, ScenarioError> {
        match (&table.basic, &table.bearer) {
            (None, None) => Ok(None),
            (Some(_), Some(bearer)) => {
                Err(self.refuse(bearer, "a step has `basic` or `bearer`, not both"))
            }
            (None, Some(bearer)) => {
                let template = Template::header(&header::AUTHORIZATION, bearer.get_ref());
                let template = template.map_err(|why| {
                    self.refuse(bearer, format!("`bearer` cannot be sent: {why}"))
                })?;
                Ok(Some(Credentials::Bearer(template)))
            }
            (Some(basic), None) => match &basic.get_ref()[..] {
                [user, password] => Ok(Some(Credentials::Basic(
                    Template::user(user),
                    Template::new(password),
                ))),
                _ => Err(self.refuse(basic, "write basic = [\"user\", \"password\"]")),
            },
        }
    }

    fn follow(&self, table: &StepTable) -> Result<u32, ScenarioError> {
        match &table.follow {
            None => Ok(0),
            Some(follow) if *follow.get_ref() <= MOST_REDIRECTS => Ok(*follow.get_ref()),
            Some(follow) => Err(self.refuse(
                follow,
                format!("follow is at most {MOST_REDIRECTS} redirects"),
            )),
        }
    }

    fn place(&self, typed: &Typed<String>) -> Result<Place, ScenarioError> {
        let text = typed.get_ref();
        let refused = || {
            self.refuse(
                typed,
                format!(
                    "`{text}` is not accepted; use json:/pointer, header:name, cookie:name, field:name or query:name"
                ),
            )
        };
        let (kind, name) = text
            .split_once(':')
            .filter(|(_, name)| !name.is_empty())
            .ok_or_else(refused)?;
        match kind {
            "json" if name.starts_with('/') => Ok(Place::Json(name.to_owned())),
            "json" => Ok(Place::Json(format!("/{name}"))),
            "header" => Ok(Place::Header(name.parse().map_err(|_| refused())?)),
            "cookie" => Ok(Place::Cookie(name.to_owned())),
            "field" => Ok(Place::Field(name.to_owned())),
            "query" => Ok(Place::Query(name.to_owned())),
            _ => Err(refused()),
        }
    }

    /// A name under which a step may keep a value.
    fn value_name(&self, typed: &Typed<String>) -> Result<String, ScenarioError> {
        let name = typed.get_ref();
        if !is_name(name) {
            return Err(self.refuse(
                typed,
                format!("value `{name}` is not accepted; use lower-case letters, digits and `_`"),
            ));
        }
        if OWN_VALUES.contains(&name.as_str()) || TRACE_VALUES.contains(&name.as_str()) {
            return Err(self.refuse(
                typed,
                format!("every user has a `{name}` of its own; save under another name"),
            ));
        }
        Ok(name.clone())
    }
}

fn templates<'a>(
    fields: impl IntoIterator<Item = (&'a String, &'a String)>,
    template: fn(&str) -> Template,
) -> Vec<(String, Template)> {
    fields
        .into_iter()
        .map(|(name, text)| (name.clone(), template(text)))
        .collect()
}

/// `{location}`: an address that an earlier step has saved.
fn starts_with_a_value(target: &str) -> bool {
    Template::new(target).begins_with_a_value()
}

/// What a body that is typed as text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ContentType {
    Json,
    Form,
    Other,
}

/// What a step's headers say of its body.
fn content_type(headers: &BTreeMap<Typed<String>, Typed<String>>) -> ContentType {
    let mut headers = headers.iter();
    let typed = headers.find(|(name, _)| name.get_ref().eq_ignore_ascii_case("content-type"));
    let essence = typed.and_then(|(_, value)| value.get_ref().split(';').next());
    let essence = essence.unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || essence == "text/json" || essence.ends_with("+json") {
        ContentType::Json
    } else if essence == "application/x-www-form-urlencoded" {
        ContentType::Form
    } else {
        ContentType::Other
    }
}
