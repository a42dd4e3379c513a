//! Why a server cannot be measured.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

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
    #[error("{url}{path} did not answer 2xx within {within:?}: {last}{said}")]
    NotReady {
        /// Scheme and `host:port`.
        url: String,
        /// The path asked.
        path: String,
        /// How long it had.
        within: Duration,
        /// What the last try met.
        last: String,
        /// Its last line, introduced.
        said: String,
    },
    /// Its port stays closed.
    #[error("`{command}` accepted no connection within {within:?}: {last}{said}")]
    NotAccepting {
        /// The command.
        command: String,
        /// How long it had.
        within: Duration,
        /// What the last try met.
        last: String,
        /// Its last line, introduced.
        said: String,
    },
    /// It is the matter of a server beside the one that is measured.
    #[error("beside `{name}`: {cause}")]
    Beside {
        /// Its name.
        name: String,
        /// What is wrong with it.
        cause: Box<ServerError>,
    },
    /// It was stopped.
    #[error("its server is not running")]
    NotRunning,
    /// It cannot be spoken to as the scenario says, however long one waits.
    #[error("{url}: {cause}")]
    Unusable {
        /// Scheme and `host:port`, or the command.
        url: String,
        /// What it met, and what to do about it.
        cause: String,
    },
}

impl ServerError {
    /// Whether it is wrong how the server was named or is spoken to, and not what it did. A program that ends with 2 says
    /// by convention (getopt, clap, our own server) that its arguments are wrong.
    #[must_use]
    pub fn is_of_its_words(&self) -> bool {
        match self {
            Self::Start { .. } | Self::Unusable { .. } => true,
            Self::Ended { status, .. } => status.code() == Some(2),
            Self::Beside { cause, .. } => cause.is_of_its_words(),
            _ => false,
        }
    }
}
