//! What `run.json` holds of a duel: the terms that were agreed on, and the instructions that were counted.

use serde::{Deserialize, Serialize};

/// What is judged, by what, and how often it is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The variant that is compared with.
    pub base: String,
    /// The variant that is judged.
    pub head: String,
    /// The load that is judged.
    pub load: String,
    /// The metrics asked for, as they are written.
    pub gates: Vec<String>,
    /// Blocks after which it is looked at.
    pub looks: Vec<usize>,
}

/// What the passes counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instructions {
    /// What counted: `perf`, or `cachegrind`, which counts another code path on processors whose
    /// instructions it does not know.
    pub counter: String,
    /// Instructions a request of the base, a value a pass.
    pub base: Vec<f64>,
    /// Those of the head.
    pub head: Vec<f64>,
}
