//! Other load generators beside ours: each on the generator's core, against the same server, in turn.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Output;

use anyhow::{Context, bail};
use authlab_loadtest::conductor::{Order, conduct};
use authlab_loadtest::cores::Cores;
use authlab_loadtest::scenario::tables::{
    LoadTable, ProfileTable, StepTable, Tables, VariantTable,
};
use authlab_loadtest::scenario::{Scenario, Target};
use authlab_loadtest::server::{Launcher, Server};
use authlab_reports::duration;
use authlab_reports::run::{LoadStep, Tool, throughput};

/// Where the tools are tried: one server that runs on, a folder for what falls by.
pub(crate) struct Bench {
    authlab: PathBuf,
    tool: Tool,
    pub(crate) cores: Cores,
    folder: PathBuf,
    server: Server,
}

/// What one tool said of one measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said {
    /// Requests answered a second.
    pub(crate) per_second: f64,
    /// `service` at p50, ns.
    pub(crate) p50_ns: f64,
    /// `service` at p99, ns.
    pub(crate) p99_ns: f64,
}

/// How the requests of one measurement arrive.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked {
    /// As soon as the last was answered.
    Closed,
    /// So many a second.
    Open(f64),
}

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measure<'a> {
    pub(crate) path: &'a str,
    pub(crate) connections: u32,
    pub(crate) seconds: u32,
    pub(crate) asked: Asked,
}

impl Bench {
    /// Starts the reference server without authorization on the servers' cores.
    pub(crate) fn allow_all(tool: &Tool) -> anyhow::Result<Self> {
        let flags = [
            ("policy", "allow-all"),
            ("password", "sha256"),
            ("threads", "1"),
        ];
        let flags = flags.map(|(flag, value)| (flag.to_owned(), value.to_owned()));
        Self::start(&Target::reference(flags.into()), tool)
    }

    /// Starts a server whose answers each take the same: `--work 1ms` or `--delay 5ms`.
    pub(crate) fn taking(what: &str, time: &str, tool: &Tool) -> anyhow::Result<Self> {
        let authlab = std::env::current_exe().context("cannot find the authlab binary")?;
        let authlab = authlab.display().to_string();
        let words = [&authlab, "null", "--listen", "127.0.0.1:{port}", what, time];
        Self::start(&Target::command(words.map(str::to_owned).to_vec()), tool)
    }

    fn start(target: &Target, tool: &Tool) -> anyhow::Result<Self> {
        let authlab = std::env::current_exe().context("cannot find the authlab binary")?;
        let cores = Cores::split();
        let folder = std::env::temp_dir().join(format!("authlab-beside-{}", std::process::id()));
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let server = Server::start(
            1,
            target,
            &BTreeMap::new(),
            &Launcher {
                authlab: authlab.clone(),
                cores: cores.server.clone(),
            },
            &folder.join("server.log"),
        )?;
        Ok(Self {
            authlab,
            tool: tool.clone(),
            cores,
            folder,
            server,
        })
    }

    /// Ours: a run like any other, all recording on.
    pub(crate) fn ours(&self, measure: Measure<'_>) -> anyhow::Result<Said> {
        let (rate, timeout) = match measure.asked {
            Asked::Closed => (None, None),
            Asked::Open(rate) => (Some(rate.into()), Some("100ms".into())),
        };
        let tables = Tables {
            name: "beside".into(),
            variant: vec![VariantTable {
                name: "server".into(),
                url: Some(format!("http://{}", self.server.authority).into()),
                ..VariantTable::default()
            }],
            step: vec![StepTable {
                name: "get".into(),
                request: Some(format!("GET {}", measure.path).into()),
                ..StepTable::default()
            }],
            load: vec![LoadTable {
                name: "load".into(),
                users: usize::try_from(measure.connections)?.into(),
                rate,
                timeout,
                journey: Some(vec!["get".into()].into()),
                profile: ProfileTable {
                    blocks: 1.into(),
                    slice: format!("{}s", measure.seconds).into(),
                    warm_up: Some("100ms".into()),
                    ..ProfileTable::default()
                }
                .only(),
                ..LoadTable::default()
            }],
            ..Tables::default()
        };
        let order = Order {
            authlab: self.authlab.clone(),
            runs: self.folder.join("runs"),
            command: Vec::new(),
            tool: self.tool.clone(),
            seed: 0,
            cores: self.cores.clone(),
            calibration: None,
            shard: None,
            awake: false,
            duel: None,
            instructions: None,
            watched: false,
        };
        let mut scenario = Scenario::of("beside", &tables)?;
        for load in &mut scenario.loads {
            load.continuous = true;
        }
        let finished = conduct(&scenario, &order, |_| {})?;
        if let Some(error) = finished.error {
            return Err(error.into());
        }
        let run = &finished.run;
        let at = LoadStep {
            load: "load".to_owned(),
            step: "get".to_owned(),
        };
        let service = run
            .figure("server", &at, "service")
            .context("no request was answered")?;
        Ok(Said {
            per_second: throughput(&run.slices).context("nothing was measured")?,
            p50_ns: service.at(50.0) as f64,
            p99_ns: service.at(99.0) as f64,
        })
    }

    /// wrk: closed only.
    pub(crate) fn wrk(&self, measure: Measure<'_>) -> anyhow::Result<Said> {
        let words = [
            "wrk".to_owned(),
            "-t1".to_owned(),
            "--latency".to_owned(),
            format!("-c{}", measure.connections),
            format!("-d{}s", measure.seconds),
            self.url(measure.path),
        ];
        let output = self.run(&words, "apt-get install wrk")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let after = |label: &str| {
            text.lines()
                .find_map(|line| line.trim().strip_prefix(label))
                .map(str::trim)
        };
        let said = (|| {
            Some(Said {
                per_second: after("Requests/sec:")?.parse().ok()?,
                p50_ns: duration::nanoseconds(after("50%")?)?,
                p99_ns: duration::nanoseconds(after("99%")?)?,
            })
        })();
        said.with_context(|| format!("wrk did not say what was asked: {}", text.trim()))
    }

    /// oha: open, its latencies from when it sent.
    pub(crate) fn oha(&self, measure: Measure<'_>) -> anyhow::Result<Said> {
        let mut words = vec![
            "oha".to_owned(),
            "--no-tui".to_owned(),
            "--output-format".to_owned(),
            "json".to_owned(),
            "-c".to_owned(),
            measure.connections.to_string(),
            "-z".to_owned(),
            format!("{}s", measure.seconds),
        ];
        if let Asked::Open(rate) = measure.asked {
            words.extend(["-q".to_owned(), rate.to_string()]);
        }
        words.push(self.url(measure.path));
        let output = self.run(&words, "cargo install oha --locked")?;
        let said: serde_json::Value =
            serde_json::from_slice(&output.stdout).context("oha's answer is not JSON")?;
        let number = |pointer: &str| said.pointer(pointer).and_then(serde_json::Value::as_f64);
        let figures = (|| {
            Some(Said {
                per_second: number("/summary/requestsPerSec")?,
                p50_ns: number("/latencyPercentiles/p50")? * 1e9,
                p99_ns: number("/latencyPercentiles/p99")? * 1e9,
            })
        })();
        figures.context("oha's answer lacks what was asked")
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.authority)
    }

    fn run(&self, words: &[String], install: &str) -> anyhow::Result<Output> {
        let launcher = Launcher {
            authlab: self.authlab.clone(),
            cores: self.cores.generator.clone(),
        };
        let output = launcher.command(words).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{} failed ({install}): {}", words[0], said.trim());
        }
        Ok(output)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
