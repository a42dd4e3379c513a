//! A server under test: started, waited for, watched, stopped.

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::scenario::Target;
use crate::{interrupt, probe, usage};

/// How servers are started.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The `authlab` binary: its `child` verb pins a server and lets it die with us; its `serve`
    /// verb is the reference server.
    pub authlab: PathBuf,
    /// Cores for the servers.
    pub cores: Vec<usize>,
}

impl Launcher {
    /// A command that runs pinned, in a process group of its own, and dies with us. What our
    /// caller set for the reference server (`AUTHLAB_*`) does not reach it: two designs differ by
    /// what the scenario says and nothing else.
    #[must_use]
    pub fn command(&self, words: &[String]) -> Command {
        let cores: Vec<_> = self.cores.iter().map(usize::to_string).collect();
        let mut command = Command::new(&self.authlab);
        command
            .args(["child", "--parent", &std::process::id().to_string()])
            .args(["--cores", &cores.join(","), "--"])
            .args(words)
            .process_group(0);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AUTHLAB_") {
                command.env_remove(name);
            }
        }
        command
    }
}

/// A server that answers.
pub struct Server {
    /// Counts up with each start.
    pub(crate) number: u64,
    /// `host:port`.
    pub authority: String,
    /// How it was started, or its address.
    pub(crate) shown: String,
    process: Option<Process>,
}

struct Process {
    child: Child,
    group: Pid,
    log: PathBuf,
}

/// A server that cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The command does not start.
    #[error("`{command}` does not start: {cause}")]
    Start {
        /// The command.
        command: String,
        /// The system's word for it.
        cause: io::Error,
    },
    /// It ended before it was ready, or while it was measured.
    #[error("`{command}` ended with {status}{said}")]
    Ended {
        /// The command.
        command: String,
        /// Its exit status.
        status: ExitStatus,
        /// Its last line, introduced.
        said: String,
    },
    /// It does not answer.
    #[error("http://{authority}{path} did not answer 2xx within {within:?}: {last}{said}")]
    NotReady {
        /// `host:port`.
        authority: String,
        /// The path asked.
        path: String,
        /// How long it had.
        within: Duration,
        /// What the last try met.
        last: String,
        /// Its last line, introduced.
        said: String,
    },
}

/// Path and patience for the reference server.
const READY_PATH: &str = "/healthz";
const READY_WITHIN: Duration = Duration::from_secs(10);
const READY_EVERY: Duration = Duration::from_millis(10);
/// After SIGTERM; then SIGKILL. The reference server gives requests under way 5 s.
const STOP_WITHIN: Duration = Duration::from_secs(6);

impl Server {
    /// Starts the target, writing what it prints to `log`, and waits until it is ready.
    ///
    /// # Errors
    /// It does not start, ends, or does not answer in time.
    pub fn start(
        number: u64,
        target: &Target,
        extra: &std::collections::BTreeMap<String, String>,
        launcher: &Launcher,
        log: &Path,
    ) -> Result<Self, ServerError> {
        let (words, env, ready, within) = match target {
            Target::Url(authority) => {
                let server = Self {
                    number,
                    authority: authority.clone(),
                    shown: format!("http://{authority}"),
                    process: None,
                };
                server.wait_until_connectable()?;
                return Ok(server);
            }
            Target::Authlab(flags) => {
                let mut flags = flags.clone();
                flags.extend(extra.clone());
                let words = serve_words(&launcher.authlab, &flags);
                (words, None, READY_PATH, READY_WITHIN)
            }
            Target::Command {
                words,
                env,
                ready,
                ready_within,
            } => (words.clone(), Some(env), ready.as_str(), *ready_within),
        };
        let port = free_port().map_err(|cause| ServerError::Start {
            command: words.join(" "),
            cause,
        })?;
        let with_port = |word: &String| word.replace("{port}", &port.to_string());
        let words: Vec<String> = words.iter().map(with_port).collect();
        let shown = words.join(" ");
        let started = (|| {
            let output = File::create(log)?;
            launcher
                .command(&words)
                .envs(
                    env.into_iter()
                        .flatten()
                        .map(|(key, value)| (key, with_port(value))),
                )
                .stdin(Stdio::null())
                .stdout(output.try_clone()?)
                .stderr(output)
                .spawn()
        })();
        let child = started.map_err(|cause| ServerError::Start {
            command: shown.clone(),
            cause,
        })?;
        let group = Pid::from_raw(child.id().cast_signed());
        interrupt::started(group);
        let mut server = Self {
            number,
            authority: format!("127.0.0.1:{port}"),
            shown,
            process: Some(Process {
                child,
                group,
                log: log.to_owned(),
            }),
        };
        server.wait_until_ready(ready, within)?;
        Ok(server)
    }

    fn wait_until_ready(&mut self, path: &str, within: Duration) -> Result<(), ServerError> {
        let end = Instant::now() + within;
        loop {
            let last = match probe::get(&self.authority, path) {
                Ok(status) if (200..300).contains(&status) => return Ok(()),
                Ok(status) => format!("status {status}"),
                Err(error) => error.to_string(),
            };
            self.check()?;
            if Instant::now() >= end || interrupt::requested() {
                return Err(ServerError::NotReady {
                    authority: self.authority.clone(),
                    path: path.to_owned(),
                    within,
                    last,
                    said: self.said(),
                });
            }
            std::thread::sleep(READY_EVERY);
        }
    }

    fn wait_until_connectable(&self) -> Result<(), ServerError> {
        use std::net::ToSocketAddrs;
        let tried = (|| {
            let address: SocketAddr = self
                .authority
                .to_socket_addrs()?
                .next()
                .ok_or_else(|| io::Error::other("no address"))?;
            TcpStream::connect_timeout(&address, Duration::from_secs(2))
        })();
        tried.map(drop).map_err(|error| ServerError::NotReady {
            authority: self.authority.clone(),
            path: "/".to_owned(),
            within: Duration::from_secs(2),
            last: error.to_string(),
            said: String::new(),
        })
    }

    /// Whether it still runs, where the lab started it.
    pub(crate) fn check(&mut self) -> Result<(), ServerError> {
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        match process.child.try_wait() {
            Ok(Some(status)) => Err(ServerError::Ended {
                command: self.shown.clone(),
                status,
                said: self.said(),
            }),
            _ => Ok(()),
        }
    }

    /// CPU time and run-queue delay of its processes so far; none for one not started here.
    pub(crate) fn usage(&self) -> Option<usage::Usage> {
        self.process
            .as_ref()
            .map(|process| usage::of_tree(process.group))
    }

    /// What it warned of at its start, a line each.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let Some(process) = &self.process else {
            return Vec::new();
        };
        std::fs::read_to_string(&process.log)
            .unwrap_or_default()
            .lines()
            .filter_map(|line| line.strip_prefix("warning: ").map(str::to_owned))
            .collect()
    }

    /// Its last line, for an error message.
    fn said(&self) -> String {
        let log = self.process.as_ref().map(|process| &process.log);
        let text = log
            .and_then(|log| std::fs::read(log).ok())
            .unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        match text.lines().rfind(|line| !line.trim().is_empty()) {
            Some(line) => format!("; it said: {}", line.trim()),
            None => String::new(),
        }
    }
}

impl Drop for Server {
    /// Ends its whole process group: politely, then not.
    fn drop(&mut self) {
        let Some(process) = &mut self.process else {
            return;
        };
        let _ = killpg(process.group, Signal::SIGTERM);
        let end = Instant::now() + STOP_WITHIN;
        while matches!(process.child.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = killpg(process.group, Signal::SIGKILL);
        let _ = process.child.wait();
        interrupt::ended(process.group);
    }
}

/// The reference server's command line; `true` is a switch, `false` leaves it out.
fn serve_words(authlab: &Path, flags: &std::collections::BTreeMap<String, String>) -> Vec<String> {
    let mut words = vec![
        authlab.display().to_string(),
        "serve".to_owned(),
        "--listen".to_owned(),
        "127.0.0.1:{port}".to_owned(),
    ];
    for (flag, value) in flags {
        match value.as_str() {
            "true" => words.push(format!("--{flag}")),
            "false" => {}
            _ => words.extend([format!("--{flag}"), value.clone()]),
        }
    }
    words
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
