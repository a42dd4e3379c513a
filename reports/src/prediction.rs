//! What a model said of a scenario's variants before they were run, and how far it was from what was measured.
//!
//! The command makes a [`Prediction`]; this crate keeps its format, compares it with a run ([`Compared`]) and writes both.

mod compared;
mod picture;
mod shown;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use self::compared::{AIM_CAPACITY, AIM_P99, BELOW, Compared, Error, Line};
pub use self::picture::picture;
pub use self::shown::{compared, document, section};
use crate::foreign;
use crate::run::{Machine, Tool};

/// The version of this format.
pub const FORMAT_VERSION: u32 = 1;

/// The file next to a run's `run.json`.
pub const FILE_NAME: &str = "prediction.json";

/// What was predicted of a scenario. Times are nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prediction {
    /// [`FORMAT_VERSION`] of the writer.
    pub format: u32,
    /// The scenario's name.
    pub scenario: String,
    /// Its profile, which says how long an open model's rate lasts.
    pub profile: String,
    /// When it was made, RFC 3339, UTC.
    pub taken: String,
    /// The tool that made it.
    pub tool: Tool,
    /// Where it was made.
    pub machine: Machine,
    /// The seed of its random choices.
    pub seed: u64,
    /// What disturbed the reference run, as that run says; none where nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disturbed: Option<String>,
    /// What was predicted, by variant and load in the scenario's order.
    pub loads: Vec<Predicted>,
    /// What was not predicted.
    pub left_out: Vec<LeftOut>,
}

/// What was predicted of a variant under a load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predicted {
    /// The variant's name.
    pub variant: String,
    /// The load's name.
    pub load: String,
    /// Share of the server's cores that the load keeps busy; 1 where it is more than they can do.
    pub utilization: f64,
    /// CPU time of the server for each request of the load.
    pub cpu_ns: f64,
    /// Requests a second that the server's cores can serve: cores divided by that time.
    pub capacity_per_s: f64,
    /// Latency of each timed step: response time with an open model, else service time.
    pub steps: Vec<PredictedStep>,
}

/// The latency of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictedStep {
    /// The step's name.
    pub step: String,
    /// Its median.
    pub p50_ns: f64,
    /// Its 99th percentile.
    pub p99_ns: f64,
}

/// A variant, or one of its loads, that is not predicted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The variant's name.
    pub variant: String,
    /// The load's name; none where it is the whole variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<String>,
    /// Why, a sentence without its full stop.
    pub because: String,
}

/// A prediction that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {cause}")]
pub struct ReadError {
    path: String,
    cause: String,
}

impl Prediction {
    /// What was predicted of a variant under a load.
    #[must_use]
    pub fn of(&self, variant: &str, load: &str) -> Option<&Predicted> {
        let mut loads = self.loads.iter();
        loads.find(|one| one.variant == variant && one.load == load)
    }

    /// As it is kept in a file.
    ///
    /// # Errors
    /// A figure is no number.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// The prediction in a run's folder; none where there is no file.
    ///
    /// # Errors
    /// The file cannot be read, or is of a newer version.
    pub fn read(folder: &Path) -> Result<Option<Self>, ReadError> {
        let path = folder.join(FILE_NAME);
        let refused = |cause: String| ReadError {
            path: path.display().to_string(),
            cause,
        };
        let text = match foreign::read(&path, foreign::MOST_JSON_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refused(error.to_string())),
        };
        let read: Self = foreign::json(&text).map_err(|error| refused(error.to_string()))?;
        if read.format > FORMAT_VERSION {
            return Err(refused(format!(
                "its format is {}, and this authlab reads {FORMAT_VERSION}",
                read.format
            )));
        }
        Ok(Some(read))
    }
}
