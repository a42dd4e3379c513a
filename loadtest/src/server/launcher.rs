//! How a server's command is put together and started.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::descriptors;
use crate::protocol::Protocol;
use crate::scenario::{Ready, Target};

/// How servers are started.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The `authlab` binary: its `child` verb pins a server and ends it, with all its descendants,
    /// when this tool ends; its `serve` verb is the reference server.
    pub authlab: PathBuf,
    /// Cores for the servers.
    pub cores: Vec<usize>,
}

impl Launcher {
    /// For programs that are no servers, on all cores.
    ///
    /// # Errors
    /// The system does not say which binary this is.
    pub fn anywhere() -> io::Result<Self> {
        Ok(Self {
            authlab: std::env::current_exe()?,
            cores: Vec::new(),
        })
    }

    /// A command that runs pinned, in a process group of its own. Its process is a
    /// [`supervisor`](crate::supervisor), which cannot end what it started when it is killed itself:
    /// what is not waited for at once is started as [`Supervised`](super::Supervised). What our
    /// caller set for the reference server (`AUTHLAB_*`) does not reach it: two designs differ by
    /// what the scenario says and nothing else.
    #[must_use]
    pub fn command(&self, words: &[String]) -> Command {
        let mut command = Command::new(&self.authlab);
        command.args(["child", "--parent", &std::process::id().to_string()]);
        for core in &self.cores {
            command.args(["--cores", &core.to_string()]);
        }
        if let Some(found) = descriptors::found() {
            command.args(["--descriptors", &found.to_string()]);
        }
        command.arg("--").args(words).process_group(0);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AUTHLAB_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// The reference server with these flags, as the command that starts it.
    pub(crate) fn reference(
        &self,
        flags: &BTreeMap<String, String>,
        protocol: &Protocol,
    ) -> Target {
        Target::Command {
            words: serve_words(&self.authlab, flags),
            env: BTreeMap::new(),
            ready: Ready::Path(READY_PATH.to_owned()),
            ready_within: READY_WITHIN,
            // As its tokens name their issuer.
            host: protocol.tls.as_ref().map(|_| "127.0.0.1".to_owned()),
            protocol: protocol.clone(),
        }
    }
}

/// Path and patience for the reference server.
const READY_PATH: &str = "/healthz";
const READY_WITHIN: Duration = Duration::from_secs(10);

/// The reference server's command line; `true` is a switch, `false` leaves it out.
fn serve_words(authlab: &Path, flags: &BTreeMap<String, String>) -> Vec<String> {
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
