//! `authlab predict`: what a scenario's variants will cost and how fast they will answer, before they are run.

mod designs;
mod inside;
mod model;
mod queue;
mod reference;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use anyhow::{Context as _, bail};
use authlab_loadtest::cores::Cores;
use authlab_loadtest::plan::seed_from_clock;
use authlab_loadtest::scenario::{Load, Scenario, Variant};
use authlab_loadtest::{interrupt, machine};
use authlab_reports::folder;
use authlab_reports::prediction::{self, Compared, FORMAT_VERSION, LeftOut, Predicted, Prediction};
use authlab_reports::run::Run;
use authlab_server::Design;

use crate::format::Format;
use crate::run::tool;
use crate::{builtin, flags, output};
use inside::{Inside, measured};
use model::{Offer, Server};
use reference::Reference;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Scenario: a file, or the name of one that is carried
    #[arg(value_parser = builtin::Named, hide_possible_values = true)]
    scenario: PathBuf,
    /// Profile of the scenario; `smoke` measures for a second, to see that it works
    #[arg(long, default_value = "quick")]
    profile: String,
    /// A run of the scenario: its figures and the error of each are shown too
    ///
    /// The prediction is the one in the run's folder, which `authlab lab` made before the run, or else one that is made now.
    #[arg(long, value_name = "RUN")]
    against: Option<PathBuf>,
    /// Seed of every random choice [default: from the clock]
    #[arg(long)]
    seed: Option<u64>,
    /// Format of the output; `json` is what `prediction.json` in a run's folder holds
    #[arg(long, default_value = "text", value_parser = Format::of_reports())]
    format: Format,
}

/// The profile that only shows that everything works.
const SMOKE: &str = "smoke";

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let scenario = builtin::read(&arguments.scenario, &arguments.profile)?;
    let format = arguments.format;
    let Some(folder) = &arguments.against else {
        let prediction = predicted(arguments, &scenario)?;
        format.print(&prediction::document(&prediction), prediction.json())?;
        return Ok(ExitCode::SUCCESS);
    };
    let run = run_of(&scenario, folder)?;
    let prediction = match Prediction::read(folder)? {
        Some(kept) => kept,
        None => predicted(arguments, &scenario)?,
    };
    format.print(
        &prediction::compared(&prediction, &run),
        Compared::of(&prediction, &run).json(),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn predicted(arguments: &Arguments, scenario: &Scenario) -> anyhow::Result<Prediction> {
    interrupt::install().context("cannot take SIGINT and SIGTERM")?;
    Predictor::new(arguments.seed).predict(scenario)
}

/// The run in a folder, which is one of the scenario.
fn run_of(scenario: &Scenario, folder: &Path) -> anyhow::Result<Run> {
    let run = folder::read(folder)?;
    if run.scenario.name != scenario.name {
        bail!(
            "--against {}: it is a run of `{}`, not of `{}`",
            folder.display(),
            run.scenario.name,
            scenario.name
        );
    }
    Ok(run)
}

/// Predicts scenarios. What a connection costs on this machine is measured once.
pub(crate) struct Predictor {
    cores: Cores,
    seed: u64,
    reference: Option<Rc<Reference>>,
}

impl Predictor {
    /// Nothing is measured yet.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self {
            cores: Cores::split(),
            seed: seed.unwrap_or_else(seed_from_clock),
            reference: None,
        }
    }

    /// What a connection costs, which is measured for the first scenario that needs it.
    fn reference(&mut self, smoke: bool) -> anyhow::Result<Rc<Reference>> {
        if let Some(known) = &self.reference {
            return Ok(Rc::clone(known));
        }
        if !smoke {
            output::note(format_args!(
                "measuring what a connection costs here: about half a minute"
            ));
        }
        let found = Rc::new(Reference::measure(&self.cores, smoke, self.seed)?);
        self.reference = Some(Rc::clone(&found));
        Ok(found)
    }

    /// What can be predicted of a scenario, and why the rest cannot.
    pub(crate) fn predict(&mut self, scenario: &Scenario) -> anyhow::Result<Prediction> {
        flags::check(scenario)?;
        let smoke = scenario.profile == SMOKE;
        let mut prediction = Prediction {
            format: FORMAT_VERSION,
            scenario: scenario.name.clone(),
            profile: scenario.profile.clone(),
            taken: jiff::Timestamp::now().to_string(),
            tool: tool(),
            machine: machine::describe(&self.cores),
            seed: self.seed,
            disturbed: None,
            loads: Vec::new(),
            left_out: Vec::new(),
        };
        for (number, variant) in scenario.variants.iter().enumerate() {
            interrupted()?;
            if let Some(because) = designs::obstacle(variant) {
                prediction.left_out.push(LeftOut {
                    variant: variant.name.clone(),
                    load: None,
                    because,
                });
                continue;
            }
            let reference = self.reference(smoke)?;
            prediction.disturbed.clone_from(&reference.disturbed);
            let of = Of {
                scenario,
                number,
                variant,
                reference: &reference,
                cores: &self.cores,
                seed: self.seed,
            };
            for found in of.predicted()? {
                match found {
                    Ok(one) => prediction.loads.push(one),
                    Err(one) => prediction.left_out.push(one),
                }
            }
        }
        Ok(prediction)
    }
}

/// An interrupt ends a prediction as it ends a run.
fn interrupted() -> anyhow::Result<()> {
    if interrupt::requested() {
        return Err(authlab_loadtest::conductor::RunError::Interrupted.into());
    }
    Ok(())
}

/// One variant.
struct Of<'p> {
    scenario: &'p Scenario,
    number: usize,
    variant: &'p Variant,
    reference: &'p Reference,
    cores: &'p Cores,
    seed: u64,
}

impl Of<'_> {
    fn predicted(&self) -> anyhow::Result<Vec<Result<Predicted, LeftOut>>> {
        measured(&self.cores.server, async || {
            let mut found = Vec::new();
            // As in a run, loads have one server, unless one of them wants another.
            let mut kept: Option<(Design, Inside)> = None;
            for load in &self.scenario.loads {
                interrupted()?;
                let steps = self.scenario.steps_at(self.number);
                if let Some(because) = designs::obstacle_of(load, steps) {
                    found.push(Err(self.left_out(load, because)));
                    continue;
                }
                let design = designs::of(self.variant, load)?;
                if let Some(because) = designs::obstacle_within(&design) {
                    found.push(Err(self.left_out(load, because.to_owned())));
                    continue;
                }
                let reused = kept.take().filter(|(of, _)| *of == design && !load.fresh);
                let inside = match reused {
                    Some((_, inside)) => Ok(inside),
                    None => Inside::open(design.clone()),
                };
                match inside {
                    Ok(inside) => {
                        found.push(self.under(load, &design, &inside).await);
                        kept = Some((design, inside));
                    }
                    Err(error) => found.push(Err(self.left_out(load, format!("{error:#}")))),
                }
            }
            Ok(found)
        })
    }

    async fn under(
        &self,
        load: &Load,
        design: &Design,
        inside: &Inside,
    ) -> Result<Predicted, LeftOut> {
        let steps = self.scenario.steps_at(self.number);
        let budget = reference::budget(self.scenario.profile == SMOKE);
        let calls = inside.calls(steps, load, budget, self.seed).await;
        let calls = calls.map_err(|error| self.left_out(load, format!("{error:#}")))?;
        let server = Server::of(design, self.cores.server.len());
        let offer = Offer::new(self.reference, load, &calls);
        Ok(offer.predicted(&self.variant.name, steps, server, self.seed))
    }

    fn left_out(&self, load: &Load, because: String) -> LeftOut {
        LeftOut {
            variant: self.variant.name.clone(),
            load: Some(load.name.clone()),
            because,
        }
    }
}
