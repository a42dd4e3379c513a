//! What a connection costs on this machine: a reference server in a process of its own, next to the same requests in this
//! process. Between its three sizes of work the model interpolates.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use authlab_loadtest::conductor::{Order, conduct};
use authlab_loadtest::cores::Cores;
use authlab_loadtest::scenario::Scenario;
use authlab_reports::blocks;
use authlab_reports::run::{PERCENTILES, Run, Slice, Verdict, ascending_percentiles};

use super::inside::{Calls, Inside, measured};
use super::{designs, interrupted};
use crate::run::tool;

/// Octets by which its larger requests are longer.
const PADDING: usize = 4_000;

/// A line through points: between them straight, and beyond them with a slope that is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Curve {
    points: Vec<(f64, f64)>,
    slope: f64,
}

impl Curve {
    /// Through these points.
    pub(super) fn through(mut points: Vec<(f64, f64)>, slope: f64) -> Self {
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        points.dedup_by(|one, other| one.0 <= other.0);
        Self { points, slope }
    }

    /// Its value at `x`.
    pub(super) fn at(&self, x: f64) -> f64 {
        let next = self.points.iter().position(|(at, _)| *at >= x);
        let next = next.unwrap_or(self.points.len());
        let before = next.checked_sub(1).and_then(|place| self.points.get(place));
        match (before, self.points.get(next)) {
            (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (x - x0) / (x1 - x0),
            (Some((at, value)), None) | (None, Some((at, value))) => value + (x - at) * self.slope,
            (None, None) => x * self.slope,
        }
    }
}

/// How requests follow each other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Regime {
    /// From CPU time in this process to that of the server, nanoseconds.
    pub(super) cpu: Curve,
    /// From time in this process to latency, nanoseconds: a curve for each of [`Regime::levels`].
    latency: Vec<Curve>,
    /// CPU time of what a connection has more to do.
    pub(super) cpu_of: Extra,
    /// The same of the latency.
    latency_of: Extra,
    /// Time from one request to the next, nanoseconds, where nothing is authorized.
    pub(super) gap: f64,
    /// What of that is not the request's own latency: the generator's.
    pub(super) between: f64,
}

/// What a request costs more, nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Extra {
    /// For each octet more than [`Reference::bytes`].
    byte: f64,
    /// Where it has a body.
    body: f64,
}

/// What of a request makes it larger than the reference's.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Larger {
    /// Octets.
    pub(super) bytes: f64,
    /// The share of requests that have a body.
    pub(super) bodies: f64,
}

impl Extra {
    /// What it comes to.
    pub(super) fn of(self, larger: Larger) -> f64 {
        self.byte * larger.bytes + self.body * larger.bodies
    }
}

impl Regime {
    /// The shares of requests at which latencies are known, ascending.
    fn levels() -> impl Iterator<Item = f64> {
        let held = ascending_percentiles().into_iter();
        let held = held.map(|place| PERCENTILES[place]);
        std::iter::once(0.0).chain(held.filter(|level| *level <= MOST_LEVEL))
    }

    /// The latency of a request that takes `took` in this process and is so much larger than the reference's, at a share
    /// of requests from 0 to 1.
    pub(super) fn latency(&self, took: f64, larger: Larger, share: f64) -> f64 {
        let extra = self.latency_of.of(larger);
        let mut before: Option<(f64, f64)> = None;
        let mut found = 0.0;
        for (level, curve) in Self::levels().zip(&self.latency) {
            let (at, value) = (level / 100.0, curve.at(took));
            found = match before {
                Some((from, low)) if share <= at => {
                    let part = (share - from) / (at - from);
                    return low + (value - low) * part + extra;
                }
                _ => value,
            };
            before = Some((at, value));
        }
        found + extra
    }
}

/// A rarer latency has too few samples.
const MOST_LEVEL: f64 = 99.9;

/// What a connection costs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reference {
    /// One user: the server sleeps between two requests.
    pub(super) alone: Regime,
    /// Eight users: the server finds work waiting.
    pub(super) busy: Regime,
    /// 500 requests a second: the core goes to sleep.
    pub(super) sparse: Regime,
    /// Octets of its requests.
    pub(super) bytes: f64,
    /// What disturbed its run.
    pub(super) disturbed: Option<String>,
}

/// Users of [`Reference::busy`].
pub(super) const BUSY_USERS: f64 = 8.0;

impl Reference {
    /// Measures it: about half a minute, or a second and a half to see that it works.
    pub(super) fn measure(cores: &Cores, smoke: bool, seed: u64) -> anyhow::Result<Self> {
        let profile = if smoke { "smoke" } else { "full" };
        let text = include_str!("reference.toml").replace("PADDING", &"x".repeat(PADDING));
        let scenario = Scenario::parse("predict/reference.toml", &text, profile)?;
        let inside = inside(&scenario, cores, budget(smoke), seed)?;
        let folder = std::env::temp_dir().join(format!("authlab-predict-{}", std::process::id()));
        let run = run(&scenario, cores, &folder, seed);
        // What it held is in the run.
        let _ = std::fs::remove_dir_all(&folder);
        Self::of(&run?, &inside)
    }

    fn of(run: &Run, inside: &[Of]) -> anyhow::Result<Self> {
        let bare = &inside[0];
        let cores = run.machine.server_cores.len() as f64;
        Ok(Self {
            alone: regime(run, inside, "alone", "alone", 1.0)?,
            // Each request waits for those of all users.
            busy: regime(run, inside, "busy", "busy", BUSY_USERS / cores)?,
            // Octets and bodies cost as much as those of one user.
            sparse: regime(run, inside, "sparse", "alone", 1.0)?,
            bytes: bare.items.bytes(),
            disturbed: (run.validity.verdict == Verdict::Disturbed)
                .then(|| run.validity.reasons.join("; ")),
        })
    }
}

/// How long the requests of a variant under a load are measured.
pub(super) fn budget(smoke: bool) -> Duration {
    Duration::from_millis(if smoke { 10 } else { 200 })
}

/// A variant of the reference in this process.
struct Of {
    name: String,
    items: Calls,
    large: Calls,
    body: Calls,
}

fn inside(
    scenario: &Scenario,
    cores: &Cores,
    budget: Duration,
    seed: u64,
) -> anyhow::Result<Vec<Of>> {
    measured(&cores.server, async || {
        let mut found = Vec::new();
        for (number, variant) in scenario.variants.iter().enumerate() {
            let design = designs::of(variant, &scenario.loads[0])?;
            let inside = Inside::open(design)?;
            let steps = scenario.steps_at(number);
            let mut calls = Vec::new();
            for name in ["alone", "alone-large", "alone-body"] {
                let load = scenario.loads.iter().find(|load| load.name == name);
                let load = load.context("the reference lacks a load")?;
                let of = inside.calls(steps, load, budget, seed).await?;
                calls.extend(of.into_iter().map(|(_, calls)| calls));
            }
            let [items, large, body] = calls
                .try_into()
                .map_err(|_| anyhow!("the reference times one step a load"))?;
            found.push(Of {
                name: variant.name.clone(),
                items,
                large,
                body,
            });
        }
        Ok(found)
    })
}

fn run(scenario: &Scenario, cores: &Cores, folder: &Path, seed: u64) -> anyhow::Result<Run> {
    let order = Order {
        authlab: std::env::current_exe().context("cannot find the authlab binary")?,
        runs: folder.to_owned(),
        command: vec!["authlab".to_owned(), "predict".to_owned()],
        tool: tool(),
        seed,
        cores: cores.clone(),
        calibration: None,
        shard: None,
        awake: false,
        duel: None,
        instructions: None,
        watched: false,
    };
    let finished = conduct(scenario, &order, |_| {})?;
    if let Some(error) = finished.error {
        return Err(error.into());
    }
    interrupted()?;
    Ok(finished.run)
}

/// The regime of the load `name`; what is larger is measured next to the load `small`. `slope` is that of the latency of
/// requests that are longer than the longest.
fn regime(run: &Run, inside: &[Of], name: &str, small: &str, slope: f64) -> anyhow::Result<Regime> {
    let (large, body) = (&format!("{small}-large"), &format!("{small}-body"));
    let cpu = |of: &Of, load: &str| {
        let cpu = blocks::over_slices(run, load, &of.name, |slice| {
            Some(slice.cpu_ns? as f64 / (slice.ok > 0).then_some(slice.ok)? as f64)
        });
        let cpu = cpu.map(|cpu| cpu.median);
        cpu.with_context(|| format!("nothing was measured of the reference `{}`", of.name))
    };
    // The median slice: one that was disturbed does not change it.
    let latency = |of: &Of, load: &str, step: &str, level: f64| {
        let value = blocks::over_slices(run, load, &of.name, |slice| {
            let figure = slice.latency(step)?;
            Some(if level > 0.0 {
                figure.at(level)
            } else {
                figure.min
            } as f64)
        });
        let value = value.map(|value| value.median);
        value.with_context(|| format!("nothing was answered by the reference `{}`", of.name))
    };
    let bare = inside.first().context("the reference has no variant")?;
    let mut costs = Vec::new();
    let mut latencies = vec![Vec::new(); Regime::levels().count()];
    for of in inside {
        costs.push((of.items.cpu(), cpu(of, name)?));
        for (level, points) in Regime::levels().zip(&mut latencies) {
            points.push((of.items.median(), latency(of, name, "items", level)?));
        }
    }
    // Octets and bodies are those of the closed model under which larger requests were measured.
    let bytes = bare.large.bytes() - bare.items.bytes();
    if bytes <= 0.0 {
        bail!("the reference's larger requests are not larger");
    }
    let extra = |of_large: f64, of_body: f64| {
        let byte = (of_large / bytes).max(0.0);
        let longer = bare.body.bytes() - bare.items.bytes();
        Extra {
            byte,
            body: (of_body - byte * longer).max(0.0),
        }
    };
    let more_cpu = |load: &str, calls: &Calls| {
        let inside = calls.cpu() - bare.items.cpu();
        anyhow::Ok(cpu(bare, load)? - cpu(bare, small)? - inside)
    };
    let more = |load: &str, step: &str, calls: &Calls| {
        let inside = calls.median() - bare.items.median();
        anyhow::Ok(latency(bare, load, step, 50.0)? - latency(bare, small, "items", 50.0)? - inside)
    };
    let of_large = more(large, "large", &bare.large)?;
    let of_body = more(body, "token", &bare.body)?;
    let rate = blocks::over_slices(run, name, &bare.name, Slice::throughput);
    let gap = rate.map_or(0.0, |rate| 1e9 / rate.median);
    let own = latency(bare, name, "items", 50.0)?;
    Ok(Regime {
        cpu: Curve::through(costs, 1.0),
        latency: latencies
            .into_iter()
            .map(|points| Curve::through(points, slope))
            .collect(),
        cpu_of: extra(more_cpu(large, &bare.large)?, more_cpu(body, &bare.body)?),
        latency_of: extra(of_large, of_body),
        gap,
        between: (gap - own).max(0.0),
    })
}

#[cfg(test)]
impl Regime {
    /// One whose latency at a level is what `of` says and what the request takes; CPU time likewise, with the first level.
    pub(super) fn fake(of: impl Fn(usize) -> f64) -> Self {
        let through = |value: f64| Curve::through(vec![(0.0, value)], 1.0);
        let levels = Self::levels().count();
        Self {
            cpu: through(of(0)),
            latency: (0..levels).map(|level| through(of(level))).collect(),
            cpu_of: Extra::default(),
            latency_of: Extra {
                byte: 2.0,
                body: 10.0,
            },
            gap: 1.0,
            between: 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_goes_through_its_points_and_on() {
        let curve = Curve::through(vec![(10.0, 30.0), (0.0, 20.0), (110.0, 330.0)], 2.0);
        for (x, y) in [
            (0.0, 20.0),
            (5.0, 25.0),
            (10.0, 30.0),
            (60.0, 180.0),
            (210.0, 530.0),
        ] {
            assert!((curve.at(x) - y).abs() < 1e-9, "{x}: {}", curve.at(x));
        }
        let one = Curve::through(vec![(1.0, 7.0)], 1.0);
        assert!((one.at(0.0) - 6.0).abs() < 1e-9 && (one.at(9.0) - 15.0).abs() < 1e-9);
    }

    #[test]
    fn a_latency_lies_between_those_of_the_levels_around_it() {
        let levels = Regime::levels().count();
        let regime = Regime::fake(|level| 100.0 * level as f64);
        let plain = Larger::default();
        // Levels are 0, 50, 75 … %: a quarter is half-way to the second.
        assert!((regime.latency(0.0, plain, 0.25) - 50.0).abs() < 1e-9);
        assert!((regime.latency(5.0, plain, 0.5) - 105.0).abs() < 1e-9);
        let larger = Larger {
            bytes: 3.0,
            bodies: 0.5,
        };
        assert!((regime.latency(0.0, larger, 0.75) - 211.0).abs() < 1e-9);
        let highest = regime.latency(0.0, plain, 1.0);
        assert!((highest - 100.0 * (levels - 1) as f64).abs() < 1e-9);
    }
}
