//! What a script sees of a judgement: its exit code.

use serde::{Deserialize, Serialize};

/// The end of a command that judges. Its exit codes are those of every verb that measures: 0 measured, perhaps with
/// warnings · 1 a limit was broken, or the verdict is slower · 2 bad input · 3 no verdict. A target that failed, 4, is the
/// run's end and no judgement.
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
