//! `authlab ceiling`: how many requests a second the generator sends from one core, all recording
//! on, beside wrk on the same core, in turn, against the same server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use authlab_loadtest::conductor::{Order, conduct};
use authlab_loadtest::cores::Cores;
use authlab_loadtest::interrupt;
use authlab_loadtest::scenario::{Scenario, Target};
use authlab_loadtest::server::{Launcher, Server};
use authlab_reports::order_statistics::Estimate;
use authlab_reports::quantity;

use crate::output;
use crate::run::tool;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Rounds; in each both are measured once, in turning order
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Connections of each
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    connections: u32,
    /// Seconds a measurement
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Exit 1 when the median ratio is lower
    #[arg(long)]
    at_least: Option<f64>,
}

/// Two-sided.
const ALPHA: f64 = 0.05;
const EXIT_BELOW: u8 = 1;

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    interrupt::install().context("cannot take SIGINT and SIGTERM")?;
    let authlab = std::env::current_exe().context("cannot find the authlab binary")?;
    let cores = Cores::split();
    let folder = std::env::temp_dir().join(format!("authlab-ceiling-{}", std::process::id()));
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let measured = measure(arguments, &authlab, &cores, &folder);
    let _ = std::fs::remove_dir_all(&folder);
    let ratios = measured?;
    let Some(ratio) = Estimate::of(&ratios, ALPHA) else {
        bail!("no round was measured");
    };
    output::line(format_args!(
        "median ratio {:.3}{}",
        ratio.median,
        interval(&ratio)
    ));
    let below = arguments.at_least.is_some_and(|least| ratio.median < least);
    Ok(if below {
        ExitCode::from(EXIT_BELOW)
    } else {
        ExitCode::SUCCESS
    })
}

fn measure(
    arguments: &Arguments,
    authlab: &Path,
    cores: &Cores,
    folder: &Path,
) -> anyhow::Result<Vec<f64>> {
    let launcher = Launcher {
        authlab: authlab.to_owned(),
        cores: cores.server.clone(),
    };
    let flags = [
        ("policy", "allow-all"),
        ("password", "sha256"),
        ("threads", "1"),
    ];
    let target = Target::Authlab(
        flags
            .map(|(flag, value)| (flag.to_owned(), value.to_owned()))
            .into(),
    );
    let server = Server::start(
        1,
        &target,
        &BTreeMap::new(),
        &launcher,
        &folder.join("server.log"),
    )?;
    output::line(format_args!(
        "allow-all on cores {:?}, generator on {:?}, {} connections, {} s each",
        cores.server, cores.generator, arguments.connections, arguments.seconds
    ));
    output::line(format_args!("round   authlab/s       wrk/s   ratio"));
    let mut ratios = Vec::new();
    for round in 1..=arguments.rounds {
        let ours = || ours(arguments, authlab, cores, folder, &server.authority);
        let wrk = || wrk(arguments, authlab, cores, &server.authority);
        let (ours, wrk) = if round % 2 == 1 {
            let ours = ours()?;
            (ours, wrk()?)
        } else {
            let wrk = wrk()?;
            (ours()?, wrk)
        };
        output::line(format_args!(
            "{round:>5}  {:>10}  {:>10}   {:.3}",
            quantity::grouped(ours.round() as u64),
            quantity::grouped(wrk.round() as u64),
            ours / wrk
        ));
        ratios.push(ours / wrk);
    }
    Ok(ratios)
}

/// Requests a second of our generator: a run like any other, all recording on.
fn ours(
    arguments: &Arguments,
    authlab: &Path,
    cores: &Cores,
    folder: &Path,
    authority: &str,
) -> anyhow::Result<f64> {
    // A block is two slices.
    let slice_ms = u64::from(arguments.seconds) * 1000 / 2;
    let text = format!(
        "name = \"ceiling\"\nquestion = \"?\"\n\
         [[variant]]\nname = \"allow-all\"\nurl = \"http://{authority}\"\n\
         [[step]]\nname = \"items\"\nrequest = \"GET /items/\"\n\
         [[load]]\nname = \"closed\"\nusers = {}\njourney = [\"items\"]\n\
         profile.quick = {{ blocks = 1, slice = \"{slice_ms}ms\", warm_up = \"100ms\" }}\n",
        arguments.connections
    );
    let order = Order {
        authlab: authlab.to_owned(),
        runs: PathBuf::from(folder).join("runs"),
        command: Vec::new(),
        tool: tool(),
        seed: 0,
        cores: cores.clone(),
        calibration: None,
    };
    let finished = conduct(&Scenario::parse("ceiling", &text, "quick")?, &order, |_| {})?;
    if let Some(error) = finished.error {
        return Err(error.into());
    }
    let _ = std::fs::remove_dir_all(&finished.path);
    let requests: u64 = finished.run.slices.iter().map(|slice| slice.ok).sum();
    let length_ns: u64 = finished
        .run
        .slices
        .iter()
        .map(|slice| slice.length_ns)
        .sum();
    Ok(requests as f64 / (length_ns as f64 / 1e9))
}

/// Requests a second that wrk reports.
fn wrk(
    arguments: &Arguments,
    authlab: &Path,
    cores: &Cores,
    authority: &str,
) -> anyhow::Result<f64> {
    let launcher = Launcher {
        authlab: authlab.to_owned(),
        cores: cores.generator.clone(),
    };
    let words = [
        "wrk".to_owned(),
        "-t1".to_owned(),
        format!("-c{}", arguments.connections),
        format!("-d{}s", arguments.seconds),
        format!("http://{authority}/items/"),
    ];
    let output = launcher
        .command(&words)
        .output()
        .context("cannot start wrk")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    rate.and_then(|rate| rate.trim().parse().ok())
        .with_context(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            format!("wrk gave no rate (apt-get install wrk): {}", said.trim())
        })
}

fn interval(estimate: &Estimate) -> String {
    match &estimate.interval {
        Some(interval) => format!(
            ", interval {:.3} … {:.3} ({:.1} % of such intervals hold the true median)",
            interval.low,
            interval.high,
            interval.coverage * 100.0
        ),
        None => String::new(),
    }
}
