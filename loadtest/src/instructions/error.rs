//! Why instructions cannot be counted.

use std::io;

use crate::server::ServerError;

/// Instructions that cannot be counted, on one line.
#[derive(Debug, thiserror::Error)]
pub enum InstructionsError {
    /// Nothing on this machine counts them.
    #[error(
        "nothing counts instructions here: perf {perf}, and valgrind is missing: apt-get install valgrind"
    )]
    NoCounter {
        /// What is the matter with perf.
        perf: &'static str,
    },
    /// Somebody else starts the server.
    #[error("variant `{variant}` is a URL: only a server that the lab starts can be counted")]
    NotStarted {
        /// The variant.
        variant: String,
    },
    /// Part of the work is done by servers that are not counted.
    #[error(
        "variant `{variant}` has servers beside its own, whose instructions would not be counted: leave --instructions out"
    )]
    Beside {
        /// The variant.
        variant: String,
    },
    /// The load has no requests of its own.
    #[error("load `{load}` replays a log: its requests have times, not a number to be counted by")]
    Trace {
        /// The load.
        load: String,
    },
    /// A server does not start under the counter.
    #[error("variant `{variant}`: {cause}")]
    Server {
        /// The variant.
        variant: String,
        /// What is wrong with its server.
        cause: Box<ServerError>,
    },
    /// A request was not answered, or not as the scenario expects.
    #[error("variant `{variant}`, counted: {cause}")]
    Requests {
        /// The variant.
        variant: String,
        /// What it met.
        cause: String,
    },
    /// The counter's figure is not there, or is none.
    #[error("variant `{variant}`: {counter} gave no count: {cause}")]
    NoCount {
        /// The variant.
        variant: String,
        /// The counter.
        counter: &'static str,
        /// What is wrong with it.
        cause: String,
    },
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// There is nowhere to write counts to.
    #[error("a folder for counts cannot be made: {0}")]
    Folder(#[from] io::Error),
}
