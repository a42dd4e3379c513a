//! Loads: who makes which steps, for how long; and the ladder that names some of them.

use std::time::Duration;

use authlab_reports::run::{Ladder, LoadStep};
use toml::Spanned;

use super::source::Source;
use super::{File, LoadTable};
use crate::arrivals::Arrivals;
use crate::scenario::{Load, ScenarioError, Step};

const TIMEOUT: Duration = Duration::from_secs(10);
const WARM_UP: Duration = Duration::from_secs(1);
/// More closed users than this is a mistake on one generator core.
const MOST_USERS: usize = 10_000;

impl Source<'_> {
    pub(super) fn loads(
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
            let wanted = Spanned::new(item.span(), step.to_owned());
            journey.push((self.position("step", &wanted, names())?, times));
        }
        if journey.is_empty() {
            return Err(self.refuse(&table.journey, "a journey needs at least one step"));
        }
        self.places_are_saved(table, steps, &prepare, &journey)?;
        let (capacity, arrivals) = match self.capacity_search(table)? {
            Some((limits, arrivals)) => (Some(limits), arrivals),
            None => (None, self.arrivals(table)?),
        };
        Ok(Load {
            name,
            users: *table.users.get_ref(),
            capacity,
            prepare,
            journey,
            flags: self.flags(&table.name, &table.flags)?,
            blocks: *sizes.blocks.get_ref(),
            slice: self.slice(&sizes.slice, &arrivals)?,
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
            arrivals,
        })
    }

    /// A duration, or `trace`: as long as the trace lasts. No slice lasts longer than its trace.
    fn slice(
        &self,
        typed: &Spanned<String>,
        arrivals: &Arrivals,
    ) -> Result<Duration, ScenarioError> {
        match (typed.get_ref().as_str(), arrivals) {
            ("trace", Arrivals::Trace(trace)) => Ok(trace.length()),
            ("trace", _) => Err(self.refuse(
                typed,
                "slice = \"trace\" is of a load with a `trace`; write a duration: 250ms, 10s or 2m",
            )),
            (_, Arrivals::Trace(trace)) => Ok(self.duration(typed)?.min(trace.length())),
            _ => self.duration(typed),
        }
    }

    fn places_are_saved(
        &self,
        table: &LoadTable,
        steps: &[Step],
        prepare: &[usize],
        journey: &[(usize, u32)],
    ) -> Result<(), ScenarioError> {
        let mut saved: Vec<&str> = crate::user::OWN_VALUES.to_vec();
        let timed = journey
            .iter()
            .map(|(index, _)| (index, table.trace.is_some()));
        let prepared = prepare.iter().map(|index| (index, false));
        for (index, replays) in prepared.chain(timed) {
            let step = &steps[*index];
            if replays && !saved.contains(&crate::user::TRACE_VALUES[0]) {
                saved.extend(crate::user::TRACE_VALUES);
            }
            if step.is_of_trace && !replays {
                return Err(self.refuse(
                    &table.journey,
                    format!(
                        "step `{}` is of a trace; such a step belongs in the journey of a load with `trace = {{ file = \"access.log\" }}`",
                        step.name
                    ),
                ));
            }
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

    pub(super) fn ladder(
        &self,
        file: &File,
        steps: &[Step],
        loads: &[Load],
    ) -> Result<Ladder, ScenarioError> {
        let Some(table) = &file.ladder else {
            let load = &loads[0];
            let last = load.journey.last().map_or(0, |(step, _)| *step);
            let latency = LoadStep {
                load: load.name.clone(),
                step: steps[last].name.clone(),
            };
            return Ok(Ladder {
                capacity: (load.journey.len() == 1).then(|| latency.clone()),
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
                .map(|at| self.capacity(at, steps, loads))
                .transpose()?,
        })
    }

    /// Requests a second and CPU a request are those of a load: it must be of one step.
    fn capacity(
        &self,
        at: &Spanned<String>,
        steps: &[Step],
        loads: &[Load],
    ) -> Result<LoadStep, ScenarioError> {
        let found = self.load_step(at, steps, loads)?;
        let alone = loads
            .iter()
            .any(|load| load.name == found.load && load.journey.len() == 1);
        if !alone {
            return Err(self.refuse(
                at,
                format!(
                    "capacity needs a load whose journey is one step; `{}` has more",
                    found.load
                ),
            ));
        }
        Ok(found)
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
