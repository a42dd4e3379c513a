//! Conducts a run: starts servers, warms them up, lets the users load one after another in slices,
//! writes what was measured as it goes, and stops what it started, whatever happens.

mod capacity;
mod duel;
mod job;
mod outset;
mod ride;
mod silence;
mod slice;
mod so_far;
mod timetable;
mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use authlab_reports::folder::{FolderError, RunFolder};
use authlab_reports::quantity;
use authlab_reports::run::Calibration;
use authlab_reports::run::{self, Run, Status, Tool};
use authlab_reports::run::{Instructions, Interval, Terms};

use self::silence::Heard;
use crate::awake::Awake;
use crate::cores::Cores;
use crate::generator::{Generator, GeneratorError};
use crate::ideal::History;
use crate::live::Aim;
use crate::pauses::Pauses;
use crate::plan::{block_order, slice_seed};
use crate::progress::{Pace, Progress};
use crate::recorder::SoFar;
use crate::scenario::{Load, Misplaced, Scenario, Step, Target};
use crate::server::{Launcher, Server, ServerError};
use crate::shard::{Shard, ShardError, Share};
use crate::{interrupt, machine, validity};
pub(crate) use outset::described;
use timetable::Timetable;
pub use timetable::blocks_of_shards;

/// What a run needs beside its scenario.
#[derive(Debug, Clone)]
pub struct Order {
    /// The `authlab` binary, for its `serve` and `child` verbs.
    pub authlab: PathBuf,
    /// The folder that run folders are made in.
    pub runs: PathBuf,
    /// The words that repeat the run.
    pub command: Vec<String>,
    /// The tool that measures.
    pub tool: Tool,
    /// Seed of the order of slices.
    pub seed: u64,
    /// Cores for servers and generator.
    pub cores: Cores,
    /// What the run carries of the machine's calibration.
    pub calibration: Option<Calibration>,
    /// Our part, when several processes make the load.
    pub shard: Option<Shard>,
    /// The terms of the duel that it is: the load they name ends as soon as its verdict is certain.
    pub duel: Option<Terms>,
    /// What it counted beforehand.
    pub instructions: Option<Instructions>,
    /// The servers' cores are kept awake, where that is possible.
    pub awake: bool,
    /// Somebody watches: [`Progress::Live`] is told while a slice goes on.
    pub watched: bool,
}

impl Order {
    /// Which share of the load is ours.
    pub(crate) fn share(&self) -> Share {
        self.shard.map_or(Share::WHOLE, |shard| shard.share)
    }
}

/// Why a run ended early. What was measured by then is in its folder, marked partial.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A server does not start, does not become ready, or ended.
    #[error("variant `{variant}`: {cause}")]
    Server {
        /// The variant.
        variant: String,
        /// What is wrong with its server.
        cause: Box<ServerError>,
    },
    /// A user cannot do the load's `prepare` steps.
    #[error("variant `{variant}`, load `{load}`: a user cannot prepare: {cause}")]
    Prepare {
        /// The variant.
        variant: String,
        /// The load.
        load: String,
        /// The step and what it met.
        cause: String,
    },
    /// The generator cannot run.
    #[error(transparent)]
    Generator(#[from] GeneratorError),
    /// The run cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The scenario cannot be shared.
    #[error(transparent)]
    Shard(#[from] ShardError),
    /// A step has nowhere to be sent.
    #[error(transparent)]
    Misplaced(#[from] Misplaced),
    /// A variant answers nothing.
    #[error("variant `{}`, load `{}`: {}", .0.variant, .0.load, .0)]
    Silent(run::Silent),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// A run as it ended.
#[derive(Debug)]
pub struct Finished {
    /// The run, as in its folder.
    pub run: Run,
    /// Its folder.
    pub path: PathBuf,
    /// Why it ended early, when it did.
    pub error: Option<RunError>,
}

/// Runs a scenario to its end, or as far as it gets.
///
/// # Errors
/// The scenario cannot be shared, a step of it has nowhere to be sent, or the run's folder cannot be made; later errors are part of [`Finished`].
pub fn conduct(
    scenario: &Scenario,
    order: &Order,
    mut progress: impl FnMut(Progress<'_>),
) -> Result<Finished, RunError> {
    if let Some(shard) = &order.shard {
        shard.share.check(scenario)?;
    }
    scenario.check_places()?;
    let started = Instant::now();
    let mut run = outset::run(scenario, order);
    let _awake = run.awake.then(|| Awake::keep(&order.cores.server));
    let mut folder = RunFolder::create_numbered(&order.runs, &mut run)?;
    let ended = Conductor::new(scenario, order, &mut run, &mut folder, started)
        .and_then(|mut conductor| conductor.run(&mut progress))
        // Whatever an interrupt broke on its way, it was the interrupt.
        .map_err(|error| {
            if interrupt::requested() {
                RunError::Interrupted
            } else {
                error
            }
        });
    if let Err(RunError::Silent(silent)) = &ended {
        run.silent = Some(silent.clone());
    }
    run.status = match &ended {
        Ok(()) => Status::Complete,
        Err(error) => Status::Partial(partial(error, scenario, &run)),
    };
    run.elapsed_s = started.elapsed().as_secs_f64();
    run.machine.load_after = Some(machine::load_average());
    run.validity = validity::judge(&run);
    duel::end(&mut run);
    let finished = folder.finish(&mut run);
    Ok(Finished {
        path: folder.path().to_owned(),
        error: ended.err().or(finished.err().map(RunError::Folder)),
        run,
    })
}

/// Why a run is partial; of a continuous one that was interrupted, how much of it was measured.
fn partial(error: &RunError, scenario: &Scenario, run: &Run) -> String {
    let load = scenario.loads.first().filter(|load| load.continuous);
    match (error, load, run.slices.first()) {
        (RunError::Interrupted, Some(load), Some(slice)) => {
            let measured = slice.planned_ns.or(slice.answered_ns).unwrap_or_default();
            let measured = quantity::duration(measured as f64);
            match load.requests {
                Some(requests) => format!(
                    "interrupted: {measured} were measured, and {} of {requests} requests",
                    slice.ok + slice.failures()
                ),
                None => format!(
                    "interrupted: {measured} of {} were measured",
                    quantity::duration(load.slice.as_nanos() as f64)
                ),
            }
        }
        _ => error.to_string(),
    }
}

struct Conductor<'a> {
    scenario: &'a Scenario,
    order: &'a Order,
    launcher: Launcher,
    run: &'a mut Run,
    folder: &'a mut RunFolder,
    started: Instant,
    generator: Generator,
    /// Of each variant.
    steps: Vec<Arc<Vec<Step>>>,
    /// The server of each variant, while it runs.
    servers: Vec<Option<Server>>,
    /// Numbers of servers that were stopped.
    stopped: Vec<u64>,
    /// Flags that the running servers were started with beyond their variant's own.
    flags: BTreeMap<String, String>,
    /// What was drawn at each variant's server.
    histories: Vec<History>,
    /// Whether each variant answers.
    heard: Vec<Heard>,
    /// When this tool was stopped.
    pauses: Pauses,
    servers_started: u64,
    jobs: u64,
    /// When slices begin, where other shards begin theirs.
    timetable: Option<Timetable>,
    /// The last slice ended with requests that nobody waits for.
    abandoned: bool,
    /// Of the slice under way, where it is continuous: those that have passed.
    intervals: Vec<(u32, Interval)>,
    /// What they add up to.
    so_far: SoFar,
    /// When that is written next.
    written_next: Instant,
    pace: Pace,
    /// What the slice under way is for.
    aim: Aim,
    /// When it is shown next.
    shown_next: Instant,
}

impl<'a> Conductor<'a> {
    fn new(
        scenario: &'a Scenario,
        order: &'a Order,
        run: &'a mut Run,
        folder: &'a mut RunFolder,
        started: Instant,
    ) -> Result<Self, RunError> {
        let share = order.share();
        let users = scenario
            .loads
            .iter()
            .map(|load| share.users(load.users))
            .max();
        Ok(Self {
            generator: Generator::start(users.unwrap_or(1), &order.cores.generator)?,
            launcher: Launcher {
                authlab: order.authlab.clone(),
                cores: order.cores.server.clone(),
            },
            steps: (0..scenario.variants.len())
                .map(|variant| Arc::new(scenario.steps_at(variant).to_vec()))
                .collect(),
            servers: scenario.variants.iter().map(|_| None).collect(),
            stopped: Vec::new(),
            flags: BTreeMap::new(),
            histories: scenario
                .variants
                .iter()
                .map(|_| History::default())
                .collect(),
            heard: scenario.variants.iter().map(|_| Heard::default()).collect(),
            pauses: Pauses::watch(&order.cores.generator),
            servers_started: 0,
            jobs: 0,
            timetable: order
                .shard
                .as_ref()
                .map(|shard| Timetable::of(shard, order.duel.is_some())),
            abandoned: false,
            intervals: Vec::new(),
            so_far: SoFar::default(),
            written_next: started,
            pace: Pace::new(scenario),
            aim: Aim::WarmUp,
            shown_next: started,
            scenario,
            order,
            run,
            folder,
            started,
        })
    }

    fn run(&mut self, progress: &mut impl FnMut(Progress<'_>)) -> Result<(), RunError> {
        for (number, load) in self.scenario.loads.iter().enumerate() {
            let load = Arc::new(Load {
                users: self.order.share().users(load.users),
                ..load.clone()
            });
            if load.fresh || load.flags != self.flags {
                self.stop_all();
                self.flags.clone_from(&load.flags);
            }
            if let Some(limits) = &load.capacity {
                self.search_capacities(&load, number, limits, progress)?;
                continue;
            }
            for block in 0..load.blocks {
                let is_duel = self.order.duel.as_ref();
                let is_duel = is_duel.is_some_and(|terms| terms.load == load.name);
                if load.restarts(block, is_duel) {
                    self.stop_all();
                }
                let begins = block == 0;
                self.start_missing(&load, number, begins, progress)?;
                let order = block_order(self.order.seed, number, block, self.servers.len());
                // The second half of the order mirrors the first.
                let slices = self.servers.len() * load.slices_of_a_block();
                for (place, variant) in order.into_iter().take(slices).enumerate() {
                    let seed = slice_seed(self.order.seed, number, block, place);
                    if load.restart_slices {
                        self.stop(variant);
                        self.start_missing(&load, number, false, progress)?;
                    }
                    self.measure(&load, number, (block, seed), variant, progress)?;
                }
                if self.is_settled(&load, number) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Starts each variant's server that does not run; warms up those, and all when a load begins.
    fn start_missing(
        &mut self,
        load: &Arc<Load>,
        number: usize,
        begins: bool,
        progress: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), RunError> {
        for variant in 0..self.servers.len() {
            let missing = self.servers[variant].is_none();
            if !missing && !begins {
                continue;
            }
            let began = Instant::now();
            let name = &self.scenario.variants[variant].name;
            progress(Progress::Starting { variant: name });
            if missing {
                self.start(variant)?;
            }
            self.warm_up(load, number, variant, progress)?;
            self.pace.started(number, variant, began.elapsed());
        }
        Ok(())
    }

    fn start(&mut self, variant: usize) -> Result<(), RunError> {
        let described = &self.scenario.variants[variant];
        self.servers_started += 1;
        let server = Server::start_variant(
            self.servers_started,
            described,
            &self.flags,
            &self.launcher,
            self.folder.path(),
        )
        .map_err(|cause| self.server_error(variant, cause))?;
        let written = &mut self.run.variants[variant];
        if written.target.is_empty() {
            written.target = shown(&server.shown, &self.order.authlab);
            let beside = server.shown_beside().map(|(name, command)| run::Beside {
                name: name.to_owned(),
                target: shown(command, &self.order.authlab),
            });
            written.beside = beside.collect();
        }
        let mut warnings = server.warnings_beside();
        if matches!(described.target, Target::Authlab { .. }) {
            warnings.extend(server.warnings());
        }
        for warning in warnings {
            if !written.gives_up.contains(&warning) {
                written.gives_up.push(warning);
            }
        }
        self.servers[variant] = Some(server);
        Ok(())
    }

    fn stop(&mut self, variant: usize) {
        if let Some(server) = self.servers[variant].take() {
            self.stopped.push(server.number);
        }
    }

    fn stop_all(&mut self) {
        for variant in 0..self.servers.len() {
            self.stop(variant);
        }
    }

    /// A server's error, or the interrupt that caused it.
    fn server_error(&self, variant: usize, cause: ServerError) -> RunError {
        if interrupt::requested() {
            return RunError::Interrupted;
        }
        RunError::Server {
            variant: self.scenario.variants[variant].name.clone(),
            cause: Box::new(cause),
        }
    }
}

/// The command as a reader can repeat it, without this machine's paths.
fn shown(command: &str, authlab: &Path) -> String {
    command.replace(&authlab.display().to_string(), "authlab")
}

/// A wait that looks at the interrupt this often.
const LOOK_EVERY: Duration = Duration::from_millis(50);
