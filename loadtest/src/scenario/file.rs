//! A scenario as typed: TOML tables, then the checks that turn them into a [`Scenario`].

use std::collections::BTreeMap;
use std::time::Duration;

use authlab_reports::run::{Change, Ladder, LoadStep};
use serde::Deserialize;
use toml::Spanned;

use super::{Load, Scenario, ScenarioError, Step, Target, Template, Variant};
use crate::duration;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    question: String,
    baseline: Option<Spanned<String>>,
    #[serde(default)]
    flags: BTreeMap<String, toml::Value>,
    variant: Vec<VariantTable>,
    step: Vec<StepTable>,
    load: Vec<LoadTable>,
    ladder: Option<LadderTable>,
    #[serde(default)]
    change: Vec<ChangeTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VariantTable {
    name: Spanned<String>,
    label: Option<String>,
    flags: Option<BTreeMap<String, toml::Value>>,
    command: Option<Spanned<Vec<String>>>,
    url: Option<Spanned<String>>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    ready: Option<String>,
    ready_within: Option<Spanned<String>>,
    #[serde(default)]
    gives_up: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepTable {
    name: Spanned<String>,
    request: Spanned<String>,
    #[serde(default)]
    headers: BTreeMap<Spanned<String>, Spanned<String>>,
    json: Option<toml::Value>,
    body: Option<Spanned<String>>,
    #[serde(default)]
    expect: Vec<u16>,
    #[serde(default)]
    contains: String,
    #[serde(default)]
    save: BTreeMap<String, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoadTable {
    name: Spanned<String>,
    users: Spanned<usize>,
    #[serde(default)]
    prepare: Vec<Spanned<String>>,
    journey: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    flags: BTreeMap<String, toml::Value>,
    profile: Spanned<BTreeMap<String, ProfileTable>>,
    timeout: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileTable {
    blocks: Spanned<usize>,
    slice: Spanned<String>,
    min_samples: Option<u64>,
    warm_up: Option<Spanned<String>>,
    #[serde(default)]
    restart_blocks: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LadderTable {
    latency: Spanned<String>,
    first: Option<Spanned<String>>,
    capacity: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeTable {
    name: String,
    from: Spanned<String>,
    to: Spanned<String>,
}

const READY_WITHIN: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(10);
const WARM_UP: Duration = Duration::from_secs(1);
/// More closed users than this is a mistake on one generator core.
const MOST_USERS: usize = 10_000;

/// Parses and checks `text`.
pub(super) fn parse(path: &str, text: &str, profile: &str) -> Result<Scenario, ScenarioError> {
    let source = Source { path, text };
    let file: File = toml::from_str(text).map_err(|error| source.syntax(&error))?;

    for (what, empty) in [
        ("variant", file.variant.is_empty()),
        ("step", file.step.is_empty()),
        ("load", file.load.is_empty()),
    ] {
        if empty {
            return Err(source.refuse(
                &file.name,
                format!("the scenario needs at least one {what}"),
            ));
        }
    }
    let steps = source.steps(&file)?;
    let variants = source.variants(&file)?;
    let loads = source.loads(&file, &steps, profile)?;
    let baseline = match &file.baseline {
        None => 0,
        Some(name) => source.position("variant", name, variants.iter().map(|v| &v.name))?,
    };
    let ladder = source.ladder(&file, &steps, &loads)?;
    let mut changes = Vec::new();
    for change in &file.change {
        for end in [&change.from, &change.to] {
            source.position("variant", end, variants.iter().map(|v| &v.name))?;
        }
        changes.push(Change {
            name: change.name.clone(),
            from: change.from.get_ref().clone(),
            to: change.to.get_ref().clone(),
        });
    }
    Ok(Scenario {
        path: path.to_owned(),
        name: source.name(&file.name)?,
        question: file.question,
        profile: profile.to_owned(),
        baseline,
        variants,
        steps,
        loads,
        ladder,
        changes,
    })
}

struct Source<'a> {
    path: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn refuse<T>(&self, at: &Spanned<T>, what: impl Into<String>) -> ScenarioError {
        self.refuse_at(at.span().start, what.into())
    }

    fn refuse_at(&self, byte: usize, what: String) -> ScenarioError {
        let line = self.text.as_bytes()[..byte.min(self.text.len())]
            .iter()
            .filter(|b| **b == b'\n')
            .count();
        ScenarioError::Refused {
            path: self.path.to_owned(),
            line: line + 1,
            what,
        }
    }

    /// toml's message on one line; serde names an unknown key and what is accepted.
    fn syntax(&self, error: &toml::de::Error) -> ScenarioError {
        let message = error.message().replace('\n', "; ");
        let near = nearest_in_message(&message);
        self.refuse_at(
            error.span().map_or(0, |span| span.start),
            match near {
                Some(name) => format!("{message}; did you mean `{name}`?"),
                None => message,
            },
        )
    }

    fn name(&self, name: &Spanned<String>) -> Result<String, ScenarioError> {
        let text = name.get_ref();
        let accepted = |b: u8| b.is_ascii_alphanumeric() || b"-.+".contains(&b);
        if text.is_empty() || text.starts_with('.') || !text.bytes().all(accepted) {
            return Err(self.refuse(
                name,
                format!("name `{text}` is not accepted; use letters, digits, `-`, `+` and `.`"),
            ));
        }
        Ok(text.clone())
    }

    fn unique(
        &self,
        what: &str,
        name: &Spanned<String>,
        taken: &[&str],
    ) -> Result<String, ScenarioError> {
        let name_text = self.name(name)?;
        if taken.contains(&name_text.as_str()) {
            return Err(self.refuse(name, format!("{what} `{name_text}` is already there")));
        }
        Ok(name_text)
    }

    fn position<'n>(
        &self,
        what: &str,
        wanted: &Spanned<String>,
        names: impl Iterator<Item = &'n String>,
    ) -> Result<usize, ScenarioError> {
        let names: Vec<_> = names.map(String::as_str).collect();
        let text = wanted.get_ref().as_str();
        names.iter().position(|name| *name == text).ok_or_else(|| {
            self.refuse(
                wanted,
                format!(
                    "no {what} is named `{text}`; there are: {}",
                    names.join(", ")
                ),
            )
        })
    }

    fn duration(&self, text: &Spanned<String>) -> Result<Duration, ScenarioError> {
        duration::parse(text.get_ref()).map_err(|error| self.refuse(text, error.to_string()))
    }

    fn variants(&self, file: &File) -> Result<Vec<Variant>, ScenarioError> {
        let mut variants: Vec<Variant> = Vec::new();
        for table in &file.variant {
            let taken: Vec<_> = variants.iter().map(|v| v.name.as_str()).collect();
            let name = self.unique("variant", &table.name, &taken)?;
            variants.push(Variant {
                label: table.label.clone().unwrap_or_else(|| name.clone()),
                target: self.target(file, table)?,
                gives_up: table.gives_up.clone(),
                name,
            });
        }
        Ok(variants)
    }

    fn target(&self, file: &File, table: &VariantTable) -> Result<Target, ScenarioError> {
        let ways = [
            table.flags.is_some(),
            table.command.is_some(),
            table.url.is_some(),
        ];
        if ways.iter().filter(|way| **way).count() != 1 {
            return Err(self.refuse(
                &table.name,
                format!(
                    "variant `{}` needs exactly one of: flags (the reference server), command, url",
                    table.name.get_ref()
                ),
            ));
        }
        if let Some(own) = &table.flags {
            if !table.env.is_empty() || table.ready.is_some() || table.ready_within.is_some() {
                return Err(self.refuse(
                    &table.name,
                    "`env`, `ready` and `ready_within` belong to a variant with a `command`",
                ));
            }
            let mut flags = self.flags(&table.name, &file.flags)?;
            flags.extend(self.flags(&table.name, own)?);
            return Ok(Target::Authlab(flags));
        }
        if let Some(url) = &table.url {
            return match url.get_ref().strip_prefix("http://") {
                Some(authority) if !authority.trim_end_matches('/').is_empty() => {
                    let authority = authority.trim_end_matches('/');
                    if authority.contains('/') {
                        return Err(
                            self.refuse(url, "a url names the server only; paths belong to steps")
                        );
                    }
                    Ok(Target::Url(if authority.contains(':') {
                        authority.to_owned()
                    } else {
                        format!("{authority}:80")
                    }))
                }
                _ => Err(self.refuse(
                    url,
                    format!(
                        "url `{}` is not accepted; use http://host:port",
                        url.get_ref()
                    ),
                )),
            };
        }
        let words = table
            .command
            .as_ref()
            .map_or(&[][..], |command| command.get_ref());
        if !words.iter().any(|word| word.contains("{port}"))
            && !table.env.values().any(|v| v.contains("{port}"))
        {
            return Err(self.refuse(
                &table.name,
                "a command needs `{port}` where its port is told",
            ));
        }
        Ok(Target::Command {
            words: words.to_vec(),
            env: table.env.clone(),
            ready: table.ready.clone().unwrap_or_else(|| "/".to_owned()),
            ready_within: match &table.ready_within {
                Some(text) => self.duration(text)?,
                None => READY_WITHIN,
            },
        })
    }

    fn flags(
        &self,
        at: &Spanned<String>,
        table: &BTreeMap<String, toml::Value>,
    ) -> Result<BTreeMap<String, String>, ScenarioError> {
        table
            .iter()
            .map(|(flag, value)| match value {
                toml::Value::String(text) => Ok((flag.clone(), text.clone())),
                toml::Value::Integer(number) => Ok((flag.clone(), number.to_string())),
                toml::Value::Boolean(switch) => Ok((flag.clone(), switch.to_string())),
                other => Err(self.refuse(
                    at,
                    format!(
                        "flag `{flag}` is a {}; use text, a whole number, true or false",
                        other.type_str()
                    ),
                )),
            })
            .collect()
    }

    fn steps(&self, file: &File) -> Result<Vec<Step>, ScenarioError> {
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
        let (method, target) = request
            .split_once(' ')
            .and_then(|(method, target)| Some((method.parse().ok()?, target.trim())))
            .filter(|(_, target)| target.starts_with('/'))
            .ok_or_else(|| {
                self.refuse(
                    &table.request,
                    format!("request `{request}` is not accepted; write it as `GET /path`"),
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
            target: Template::new(target),
            headers,
            body,
            expect: table.expect.clone(),
            contains: table.contains.clone(),
            save,
        })
    }

    fn loads(
        &self,
        file: &File,
        steps: &[Step],
        profile: &str,
    ) -> Result<Vec<Load>, ScenarioError> {
        let mut loads: Vec<Load> = Vec::new();
        for table in &file.load {
            let taken: Vec<_> = loads.iter().map(|l| l.name.as_str()).collect();
            let name = self.unique("load", &table.name, &taken)?;
            loads.push(self.load(name, table, steps, profile)?);
        }
        Ok(loads)
    }

    fn load(
        &self,
        name: String,
        table: &LoadTable,
        steps: &[Step],
        profile: &str,
    ) -> Result<Load, ScenarioError> {
        let sizes = table.profile.get_ref().get(profile).ok_or_else(|| {
            let known: Vec<_> = table.profile.get_ref().keys().map(String::as_str).collect();
            self.refuse(
                &table.profile,
                format!(
                    "load `{name}` has no profile `{profile}`; it has: {}",
                    known.join(", ")
                ),
            )
        })?;
        if !(1..=MOST_USERS).contains(table.users.get_ref()) {
            return Err(self.refuse(&table.users, format!("users must be 1 to {MOST_USERS}")));
        }
        if *sizes.blocks.get_ref() == 0 {
            return Err(self.refuse(&sizes.blocks, "blocks must be at least 1"));
        }
        let names = || steps.iter().map(|step| &step.name);
        let mut prepare = Vec::new();
        for step in &table.prepare {
            prepare.push(self.position("step", step, names())?);
        }
        let mut journey = Vec::new();
        for item in table.journey.get_ref() {
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
            let named = Spanned::new(item.span(), step.to_owned());
            journey.push((self.position("step", &named, names())?, times));
        }
        if journey.is_empty() {
            return Err(self.refuse(&table.journey, "a journey needs at least one step"));
        }
        self.places_are_saved(table, steps, &prepare, &journey)?;
        Ok(Load {
            name,
            users: *table.users.get_ref(),
            prepare,
            journey,
            flags: self.flags(&table.name, &table.flags)?,
            blocks: *sizes.blocks.get_ref(),
            slice: self.duration(&sizes.slice)?,
            min_samples: sizes.min_samples.unwrap_or(1),
            warm_up: match &sizes.warm_up {
                Some(text) => self.duration(text)?,
                None => WARM_UP,
            },
            restart_blocks: sizes.restart_blocks,
            timeout: match &table.timeout {
                Some(text) => self.duration(text)?,
                None => TIMEOUT,
            },
        })
    }

    /// Every `{name}` must be saved by a step that runs before it.
    fn places_are_saved(
        &self,
        table: &LoadTable,
        steps: &[Step],
        prepare: &[usize],
        journey: &[(usize, u32)],
    ) -> Result<(), ScenarioError> {
        let mut saved: Vec<&str> = crate::user::OWN_VALUES.to_vec();
        for index in prepare.iter().chain(journey.iter().map(|(index, _)| index)) {
            let step = &steps[*index];
            let headers = step.headers.iter().map(|(_, value)| value);
            for template in [&step.target, &step.body].into_iter().chain(headers) {
                for place in template.places() {
                    if !saved.contains(&place) {
                        return Err(self.refuse(
                            &table.journey,
                            format!(
                                "step `{}` uses {{{place}}}, which no earlier step saves; saved by then: {}",
                                step.name,
                                saved.join(", ")
                            ),
                        ));
                    }
                }
            }
            saved.extend(step.save.iter().map(|(name, _)| name.as_str()));
        }
        Ok(())
    }

    fn ladder(&self, file: &File, steps: &[Step], loads: &[Load]) -> Result<Ladder, ScenarioError> {
        let Some(table) = &file.ladder else {
            let load = &loads[0];
            let last = load.journey.last().map_or(0, |(step, _)| *step);
            let latency = LoadStep {
                load: load.name.clone(),
                step: steps[last].name.clone(),
            };
            return Ok(Ladder {
                capacity: Some(latency.clone()),
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
        at: &Spanned<String>,
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
                self.refuse(
                    at,
                    format!(
                        "`{}` is no timed step; write load.step, one of: {}",
                        at.get_ref(),
                        there.join(", ")
                    ),
                )
            })
    }
}

/// From serde's "unknown field `x`, expected one of `a`, `b`": the nearest of the accepted names.
fn nearest_in_message(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?;
    message.starts_with("unknown").then_some(())?;
    quoted
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .min()
        .filter(|(distance, _)| *distance <= 2)
        .map(|(_, name)| name.to_owned())
}
