//! A calibration: what this machine and the generator can tell apart, now.
//!
//! Runs like any other give most of it: against a server that does nothing, and of the reference
//! server against itself. The run folders are removed; the calibration is what is kept.

mod epoll;

use std::io;
use std::path::Path;

use authlab_reports::blocks;
use authlab_reports::foreign;
use authlab_reports::order_statistics;
use authlab_reports::run::calibration::{
    Calibration, Ceiling, FILE_NAME, FORMAT_VERSION, Floor, Noise, Pacing,
};
use authlab_reports::run::{Figure, LoadStep, Run, Slice, throughput};

use crate::conductor::{Order, RunError, conduct};
use crate::cores::Cores;
use crate::progress::Progress;
use crate::scenario::{Scenario, ScenarioError, Target};
use crate::server::{Launcher, Server};
use crate::{interrupt, machine, output, recorder};

/// How long a calibration takes, and whether its figures mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// About a minute.
    Full,
    /// A second: to see that it works.
    Smoke,
}

impl Length {
    fn profile(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Smoke => "smoke",
        }
    }
}

/// A calibration that could not be taken, kept or read.
#[derive(Debug, thiserror::Error)]
pub enum CalibrateError {
    /// One of its runs failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// One of its scenarios is wrong: a fault of the lab.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The server that does nothing cannot be started or does not answer.
    #[error("the null server: {0}")]
    Null(String),
    /// A figure is missing from its runs.
    #[error("nothing was measured of {0}")]
    Missing(&'static str),
    /// The file cannot be written or read.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        cause: String,
    },
}

/// Takes a calibration. `order` says where its runs are made and on which cores.
///
/// # Errors
/// A server cannot be started, or a run is interrupted.
pub fn calibrate(
    order: &Order,
    length: Length,
    mut progress: impl FnMut(&Scenario, Progress<'_>),
) -> Result<Calibration, CalibrateError> {
    let recording_ns = recorder::cost_ns();
    let null = include_str!("calibrate/null.toml");
    let null = Scenario::parse("calibrate/null.toml", null, length.profile())?;
    let epoll_p50_ns = epoll_floor(&null, order)?;
    let null = measured(&null, order, &mut progress)?;
    // A flood is never sent as planned: what this run says of itself is not asked.
    let ceiling = include_str!("calibrate/ceiling.toml");
    let ceiling = Scenario::parse("calibrate/ceiling.toml", ceiling, length.profile())?;
    let ceiling = measured(&ceiling, order, &mut progress)?;
    let noise = include_str!("calibrate/noise.toml");
    let noise = Scenario::parse("calibrate/noise.toml", noise, length.profile())?;
    // As a duel has them.
    let awake = Order {
        awake: true,
        ..order.clone()
    };
    let noise = measured(&noise, &awake, &mut progress)?;
    let disturbed = [&null, &noise]
        .into_iter()
        .find_map(|run| run.validity.reasons.first());
    Ok(Calibration {
        format: FORMAT_VERSION,
        taken: jiff::Timestamp::now().to_string(),
        boot: machine::boot(),
        pacing: pacing(&null),
        floor: floor(&null, epoll_p50_ns).ok_or(CalibrateError::Missing("the floor"))?,
        ceiling: Ceiling {
            closed_per_s: achieved(&ceiling, "closed"),
            open_per_s: achieved(&ceiling, "open"),
        },
        recording_ns,
        noise: noise_by_length(&noise),
        stale: disturbed.map(|reason| format!("it was disturbed itself: {reason}")),
        machine: noise.machine,
        tool: noise.tool,
    })
}

/// Keeps a calibration beside the runs.
///
/// # Errors
/// The file cannot be written.
pub fn keep(calibration: &Calibration, runs: &Path) -> Result<(), CalibrateError> {
    let path = runs.join(FILE_NAME);
    let refused = |cause: &dyn std::fmt::Display| CalibrateError::File {
        path: path.display().to_string(),
        cause: cause.to_string(),
    };
    let text = serde_json::to_string_pretty(calibration).map_err(|error| refused(&error))?;
    let written = std::fs::create_dir_all(runs).and_then(|()| std::fs::write(&path, text + "\n"));
    written.map_err(|error| refused(&error))
}

/// The calibration kept beside the runs; said when it does not hold.
///
/// # Errors
/// The file is there and cannot be read.
pub fn found(runs: &Path, cores: &Cores) -> Result<Option<Calibration>, CalibrateError> {
    let kept = kept(runs, &machine::describe(cores))?;
    if let Some(stale) = kept.as_ref().and_then(|kept| kept.stale.as_ref()) {
        output::note(format_args!(
            "warning: the calibration does not hold: {stale}; take another with `authlab calibrate`"
        ));
    }
    Ok(kept)
}

/// The calibration kept beside the runs, marked when it does not fit this machine and boot; none
/// when none was taken.
///
/// # Errors
/// The file is there and cannot be read.
pub fn kept(
    order_runs: &Path,
    now: &authlab_reports::run::Machine,
) -> Result<Option<Calibration>, CalibrateError> {
    let path = order_runs.join(FILE_NAME);
    let refused = |cause: String| CalibrateError::File {
        path: path.display().to_string(),
        cause: format!("{cause}; take another with `authlab calibrate`, or remove it"),
    };
    let text = match foreign::read(&path, foreign::MOST_JSON_BYTES) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(error.to_string())),
    };
    let mut calibration: Calibration =
        foreign::json(&text).map_err(|error| refused(error.to_string()))?;
    let then = &calibration.machine;
    let same = (&then.id, &then.cpu, then.cores) == (&now.id, &now.cpu, now.cores);
    if !same {
        calibration.stale = Some("it is of another machine".to_owned());
    } else if calibration.boot != machine::boot() {
        calibration.stale = Some("the machine was started again since".to_owned());
    }
    Ok(Some(calibration))
}

fn measured(
    scenario: &Scenario,
    order: &Order,
    progress: &mut impl FnMut(&Scenario, Progress<'_>),
) -> Result<Run, CalibrateError> {
    let finished = conduct(scenario, order, |told| progress(scenario, told))?;
    let _ = std::fs::remove_dir_all(&finished.path);
    match finished.error {
        Some(error) => Err(error.into()),
        None if interrupt::requested() => Err(RunError::Interrupted.into()),
        None => Ok(finished.run),
    }
}

fn epoll_floor(null: &Scenario, order: &Order) -> Result<u64, CalibrateError> {
    let launcher = Launcher {
        authlab: order.authlab.clone(),
        cores: order.cores.server.clone(),
    };
    let target: &Target = &null.variants[0].target;
    let log = std::env::temp_dir().join(format!("authlab-null-{}.log", std::process::id()));
    let server = Server::start(
        0,
        target,
        &std::collections::BTreeMap::new(),
        &launcher,
        &log,
    )
    .map_err(|error| CalibrateError::Null(error.to_string()));
    let floor = server.and_then(|server| {
        epoll::floor(&server.authority, &order.cores.generator)
            .map_err(|error| CalibrateError::Null(error.to_string()))
    });
    let _ = std::fs::remove_file(log);
    floor
}

const STEP: &str = "get";

fn figure<'r>(run: &'r Run, load: &str, metric: &str) -> Option<&'r Figure> {
    let at = LoadStep {
        load: load.to_owned(),
        step: STEP.to_owned(),
    };
    run.figure(&run.variants[0].name, &at, metric)
}

fn floor(run: &Run, epoll_p50_ns: u64) -> Option<Floor> {
    let service = figure(run, "floor", "service")?;
    Some(Floor {
        service_p50_ns: service.p50(),
        service_p99_ns: service.at(99.0),
        epoll_p50_ns,
    })
}

fn pacing(run: &Run) -> Vec<Pacing> {
    let loads = run.scenario.loads.iter();
    let paced = loads.filter_map(|load| {
        let timer = figure(run, &load.name, "timer")?;
        let offered_per_s: f64 = load.name.strip_prefix("open-")?.parse().ok()?;
        Some(Pacing {
            offered_per_s,
            achieved_per_s: achieved(run, &load.name),
            timer_p50_ns: timer.p50(),
            timer_p99_ns: timer.at(99.0),
            service_p50_ns: figure(run, &load.name, "service")?.p50(),
        })
    });
    paced.collect()
}

/// Requests answered a second, over all slices of a load.
fn achieved(run: &Run, load: &str) -> f64 {
    let slices = run.slices.iter().filter(|slice| slice.load == load);
    throughput(slices).unwrap_or(0.0)
}

fn noise_by_length(run: &Run) -> Vec<Noise> {
    let mut noise = Vec::new();
    for load in &run.scenario.loads {
        let step = load.steps.first().map_or("", String::as_str);
        let percentile = |percentile: f64| {
            move |slice: &Slice| {
                let figure = slice.latency(step)?;
                Some(figure.at(percentile) as f64)
            }
        };
        let cpu = |slice: &Slice| Some(slice.cpu_ns? as f64 / slice.ok.max(1) as f64);
        let rate = |slice: &Slice| slice.throughput();
        let mads = [
            ("p50", mad(run, &load.name, percentile(50.0))),
            ("p75", mad(run, &load.name, percentile(75.0))),
            ("p90", mad(run, &load.name, percentile(90.0))),
            ("p99", mad(run, &load.name, percentile(99.0))),
            ("p99.9", mad(run, &load.name, percentile(99.9))),
            ("cpu", mad(run, &load.name, cpu)),
            ("rate", mad(run, &load.name, rate)),
        ];
        noise.extend(mads.into_iter().filter_map(|(metric, mad)| {
            Some(Noise {
                metric: metric.to_owned(),
                slice_ms: load.slice_ms,
                blocks: load.blocks,
                mad: mad?,
            })
        }));
    }
    noise
}

/// Median absolute deviation of the blocks' differences of logarithms.
fn mad(run: &Run, load: &str, quantity: impl Fn(&Slice) -> Option<f64>) -> Option<f64> {
    let logarithms = |variant: &str| {
        blocks::means(run, load, variant, |slice| {
            quantity(slice).filter(|value| *value > 0.0).map(f64::ln)
        })
    };
    let [a, b] = [&run.variants[0].name, &run.variants[1].name].map(|name| logarithms(name));
    let differences: Vec<f64> = blocks::paired(&a, &b).map(|(a, b)| b - a).collect();
    order_statistics::mad(&differences)
}
