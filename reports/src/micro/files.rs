//! Where criterion leaves its files: a folder for each benchmark, in it one for each saved baseline
//! and `new` for the last run.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::MicroError;
use crate::foreign;

/// The last run's name, among baselines.
pub(super) const NEW: &str = "new";
/// What a benchmark is called; every other file is about it.
pub(super) const ABOUT: &str = "benchmark.json";
/// Deeper than criterion nests its folders.
const DEEPEST: usize = 8;

/// What [`ABOUT`] holds.
#[derive(Deserialize)]
pub(super) struct About {
    /// `group/function/value`.
    pub(super) full_id: String,
    /// The same as `--list` writes it: cut short when it is long.
    pub(super) title: String,
}

/// Every folder under criterion's that holds a benchmark's files, of whichever baseline.
pub(super) fn folders(home: &Path) -> Result<Vec<PathBuf>, MicroError> {
    let mut found = Vec::new();
    collect(home, DEEPEST, &mut found)?;
    Ok(found)
}

/// The baseline that a folder is of.
pub(super) fn baseline(folder: &Path) -> Option<&str> {
    folder.file_name()?.to_str()
}

pub(super) fn json<T: DeserializeOwned>(path: &Path) -> Result<T, MicroError> {
    let text =
        foreign::read(path, foreign::MOST_JSON_BYTES).map_err(|error| fault(path, &error))?;
    foreign::json(&text).map_err(|error| fault(path, &error))
}

pub(super) fn fault(path: &Path, cause: &dyn Display) -> MicroError {
    MicroError {
        path: path.to_owned(),
        cause: cause.to_string(),
    }
}

fn collect(folder: &Path, deeper: usize, found: &mut Vec<PathBuf>) -> Result<(), MicroError> {
    for entry in fs::read_dir(folder).map_err(|error| fault(folder, &error))? {
        let path = entry.map_err(|error| fault(folder, &error))?.path();
        if !path.is_dir() {
            continue;
        }
        if path.join(ABOUT).exists() {
            found.push(path);
        } else if deeper > 0 {
            collect(&path, deeper - 1, found)?;
        }
    }
    Ok(())
}
