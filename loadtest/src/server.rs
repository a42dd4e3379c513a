//! A server under test: started, waited for, watched, stopped.

mod besides;
mod error;
mod launcher;
mod log;
mod readiness;
mod supervised;

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::connection::Endpoint;
use crate::scenario::Target;
use crate::usage;
use authlab_reports::withhold::{self, Secrets};

use self::besides::Besides;
pub(crate) use self::besides::Spent;
pub use self::error::ServerError;
pub use self::launcher::Launcher;
use self::log::Log;
pub use self::supervised::Supervised;

/// The first word of a command that means this very binary, wherever it is.
const THIS_TOOL: &str = "authlab";

/// A server that answers.
pub struct Server {
    /// Counts up with each start.
    pub(crate) number: u64,
    /// `host:port` that it listens on.
    pub authority: String,
    /// How it is connected to.
    pub(crate) endpoint: Arc<Endpoint>,
    /// How it was started, credentials withheld, or its address.
    pub(crate) shown: String,
    /// The credentials that it was started with.
    secrets: Secrets,
    process: Option<Process>,
    /// Those that were started before it, for it.
    besides: Besides,
}

struct Process {
    supervised: Supervised,
    log: Log,
}

impl Server {
    /// Starts the target, writing what it prints to `log`, and waits until it is ready.
    ///
    /// # Errors
    /// It does not start, ends, or does not answer in time.
    pub fn start(
        number: u64,
        target: &Target,
        extra: &BTreeMap<String, String>,
        launcher: &Launcher,
        log: &Path,
    ) -> Result<Self, ServerError> {
        let (words, env, ready, within, host, protocol) = match target {
            Target::Url { origin, protocol } => {
                let endpoint = Endpoint::of_url(origin, protocol)
                    .map_err(|cause| unusable(&origin.to_string(), &cause))?;
                let shown = origin.to_string();
                let server = Self::new(number, endpoint, shown, Secrets::default(), None);
                server.wait_until_connectable()?;
                return Ok(server);
            }
            Target::Authlab { flags, protocol } => {
                let mut flags = flags.clone();
                flags.extend(extra.clone());
                let target = launcher.reference(&flags, protocol);
                return Self::start(number, &target, &BTreeMap::new(), launcher, log);
            }
            Target::Command {
                words,
                env,
                ready,
                ready_within,
                host,
                protocol,
            } => {
                let host = host.as_deref();
                (words, env, ready, *ready_within, host, protocol)
            }
        };
        // Withheld before the port is known: `PORT={port}` holds nothing.
        let shown = withhold::words(words).join(" ");
        let secrets = Secrets::of(words).with_values(env.values());
        let port = free_port().map_err(|cause| ServerError::Start {
            command: shown.clone(),
            cause,
        })?;
        let with_port = |word: &String| word.replace("{port}", &port.to_string());
        let mut words: Vec<String> = words.iter().map(with_port).collect();
        if let Some(program) = words.first_mut().filter(|program| *program == THIS_TOOL) {
            *program = launcher.authlab.display().to_string();
        }
        let shown = with_port(&shown);
        let endpoint =
            Endpoint::of_command(port, host, protocol).map_err(|cause| unusable(&shown, &cause))?;
        let started = Log::create(log).and_then(|(log, output)| {
            let mut command = launcher.command(&words);
            command
                .envs(env.iter().map(|(key, value)| (key, with_port(value))))
                .stdin(Stdio::null())
                .stdout(output.try_clone()?)
                .stderr(output);
            let supervised = Supervised::spawn(&mut command)?;
            Ok(Process { supervised, log })
        });
        let process = started.map_err(|cause| ServerError::Start {
            command: shown.clone(),
            cause,
        })?;
        let mut server = Self::new(number, endpoint, shown, secrets, Some(process));
        server.wait_until_ready(ready, within)?;
        Ok(server)
    }

    fn new(
        number: u64,
        endpoint: Endpoint,
        shown: String,
        secrets: Secrets,
        process: Option<Process>,
    ) -> Self {
        Self {
            number,
            authority: endpoint.address.clone(),
            endpoint: Arc::new(endpoint),
            shown,
            secrets,
            process,
            besides: Besides::default(),
        }
    }

    /// Whether it still runs, and what is beside it, where the lab started it.
    pub(crate) fn check(&mut self) -> Result<(), ServerError> {
        // Their end may be why it ended.
        self.besides.check()?;
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        match process.supervised.ended() {
            Some(status) => Err(ServerError::Ended {
                command: self.shown.clone(),
                status,
                said: self.said(),
            }),
            None => Ok(()),
        }
    }

    /// CPU time and run-queue delay of its processes so far, and of those beside it; none for one
    /// not started here.
    pub(crate) fn spent(&self) -> Option<Spent> {
        let own = usage::below(self.process.as_ref()?.supervised.root());
        Some(self.besides.spent(own))
    }

    /// Forgets how much memory its processes held until now, and those beside it.
    pub(crate) fn forget_peak(&self) {
        if let Some(process) = &self.process {
            usage::forget_peak(process.supervised.root());
        }
        self.besides.each().for_each(Self::forget_peak);
    }

    /// The most memory that its processes held since then, and those beside it, bytes; none for one
    /// not started here.
    pub(crate) fn peak_bytes(&self) -> Option<u64> {
        let own = usage::peak_bytes(self.process.as_ref()?.supervised.root())?;
        let beside: Option<u64> = self.besides.each().map(Self::peak_bytes).sum();
        Some(own + beside?)
    }

    /// Keeps its log, and those beside it, within bounds; cheap where there is nothing to do.
    pub(crate) fn bound_logs(&mut self) {
        if let Some(process) = &mut self.process {
            process.log.bound();
        }
        self.besides.each_mut().for_each(Self::bound_logs);
    }

    /// What it warned of at its start, a line each, without the credentials that it was started with.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let Some(process) = &self.process else {
            return Vec::new();
        };
        let warning = |line: &str| Some(self.secrets.conceal(line.strip_prefix("warning: ")?));
        process
            .log
            .beginning()
            .lines()
            .filter_map(warning)
            .collect()
    }

    /// Its last line, for an error message, without the credentials that it was started with.
    fn said(&self) -> String {
        let log = self.process.as_ref().map(|process| &process.log);
        let text = log.map(Log::end).unwrap_or_default();
        match text.lines().rfind(|line| !line.trim().is_empty()) {
            Some(line) => {
                let line: String = line.trim().chars().take(LONGEST_SAID).collect();
                format!("; it said: {}", self.secrets.conceal(&line))
            }
            None => String::new(),
        }
    }

    /// Asks it to end, and waits so long: whoever counts what it does writes when it ends. A counter
    /// that `leads`, from which the server's processes descend, is not asked itself: it ends after them.
    pub(crate) fn end(mut self, leads: bool, within: Duration) {
        let Some(process) = &mut self.process else {
            return;
        };
        if leads {
            for server in usage::led(process.supervised.root()) {
                let _ = kill(Pid::from_raw(server), Signal::SIGTERM);
            }
        } else {
            process.supervised.ask();
        }
        process.supervised.wait(within);
    }
}

/// After SIGTERM; then SIGKILL. The reference server gives requests under way 5 s.
const STOP_WITHIN: Duration = Duration::from_secs(6);

impl Drop for Server {
    /// Ends all its processes: politely, then not.
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            process.supervised.ask();
            process.supervised.wait(STOP_WITHIN);
        }
        if let Some(process) = self.process.take() {
            let mut log = process.log;
            drop(process.supervised);
            log.finish();
        }
    }
}

/// Of a longer line only the beginning is repeated, characters.
const LONGEST_SAID: usize = 500;

fn unusable(url: &str, cause: &impl ToString) -> ServerError {
    ServerError::Unusable {
        url: url.to_owned(),
        cause: cause.to_string(),
    }
}

/// A port that is free on both loopback addresses: the command may listen on the one or the other, and a stranger on
/// the second would be taken for it.
///
/// The command listens on it a little later. The system gives the ports of its own range to whatever connects meanwhile,
/// which a load does often, so a port below that range is taken.
fn free_port() -> io::Result<u16> {
    let below = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse::<u16>().ok())
        .filter(|first| *first > LEAST_PORT + MOST_PORTS_TRIED);
    let random = RandomState::new();
    for tried in 0..MOST_PORTS_TRIED {
        let port = below.map_or(0, |first| {
            let above = random.hash_one(tried) % u64::from(first - LEAST_PORT);
            LEAST_PORT + u16::try_from(above).unwrap_or(0)
        });
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let port = match bound {
            Ok(listener) => listener.local_addr()?.port(),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => continue,
            Err(error) => return Err(error),
        };
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            // Without IPv6 there is one.
            Ok(_) | Err(_) => return Ok(port),
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// Below it are services with names of their own, and the ports that browsers refuse to connect to.
const LEAST_PORT: u16 = 16_384;

/// So many ports in use do not occur by chance.
const MOST_PORTS_TRIED: u16 = 100;
