//! What a script sees of a judgement: its exit code.

use serde::{Deserialize, Serialize};

/// The end of a command that judges. Everywhere in authlab: 0 ok · 1 slower, or a limit broken ·
/// 2 bad input · 3 inconclusive or invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing to object to.
    Ok,
    /// Slower, or a limit broken.
    LimitBroken,
    /// Something asked for is not there, on either side: never a pass.
    BadInput,
    /// The figures cannot carry a judgement: an invalid, partial or empty run, or too few samples.
    Inconclusive,
}

impl Outcome {
    /// The process's exit code.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::LimitBroken => 1,
            Self::BadInput => 2,
            Self::Inconclusive => 3,
        }
    }
}
