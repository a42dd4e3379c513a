//! Reading a run.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::FolderError;
use crate::foreign;
use crate::run::{FORMAT_VERSION, Run};

pub(crate) const RUN_FILE: &str = "run.json";

/// More processes than this at one load are a mistake.
pub const MOST_SHARDS: u32 = 1_000;
/// More users than this were never under way together.
pub const MOST_USERS: usize = 10_000_000;
/// More blocks than this take longer than anybody waits.
pub const MOST_BLOCKS: usize = 1_000_000;

/// More figures than this no slice has: a histogram of each is held at once.
const MOST_FIGURES: usize = 2_000;

/// Reads a run from its folder or its `run.json`.
///
/// # Errors
/// When there is none, it is not JSON, it is not a run, or a newer authlab wrote it.
pub fn read(path: &Path) -> Result<Run, FolderError> {
    let file = if path.is_dir() {
        path.join(RUN_FILE)
    } else {
        path.to_owned()
    };
    let text = foreign::read(&file, foreign::MOST_JSON_BYTES)
        .map_err(|source| unreadable(path, &file, source))?;
    let version: Version =
        serde_json::from_slice(&text).map_err(|source| unparsable(&file, source))?;
    if version.format > FORMAT_VERSION {
        return Err(FolderError::Newer {
            file,
            found: version.format,
        });
    }
    let run: Run = foreign::json(&text).map_err(|source| unparsable(&file, source))?;
    match implausible(&run) {
        Some(what) => Err(FolderError::Implausible { file, what }),
        None => Ok(run),
    }
}

/// What no run of this tool says of itself.
fn implausible(run: &Run) -> Option<String> {
    if let Some(shard) = &run.shard
        && (shard.of > MOST_SHARDS || shard.number >= shard.of)
    {
        let (number, of) = (shard.number, shard.of);
        return Some(format!(
            "shard {number} of {of}, where a load has at most {MOST_SHARDS}, counted from 0"
        ));
    }
    if let Some(slice) = run
        .slices
        .iter()
        .find(|slice| slice.figures.len() > MOST_FIGURES)
    {
        return Some(format!(
            "a slice of `{}` has {} figures, of at most {MOST_FIGURES}",
            slice.load,
            slice.figures.len()
        ));
    }
    let load = run
        .scenario
        .loads
        .iter()
        .find(|load| load.blocks > MOST_BLOCKS || load.users > MOST_USERS)?;
    Some(format!(
        "load `{}` has {} users and {} blocks, of at most {MOST_USERS} and {MOST_BLOCKS}",
        load.name, load.users, load.blocks
    ))
}

/// Read first: a newer format would fail at some field that says nothing of the reason.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

fn unreadable(path: &Path, file: &Path, source: io::Error) -> FolderError {
    match source.kind() {
        io::ErrorKind::NotFound => FolderError::NoRun {
            path: path.to_owned(),
        },
        _ => FolderError::Read {
            file: file.to_owned(),
            source,
        },
    }
}

fn unparsable(file: &Path, source: serde_json::Error) -> FolderError {
    let file: PathBuf = file.to_owned();
    if source.is_data() {
        FolderError::NotARun { file, source }
    } else {
        FolderError::NotJson { file, source }
    }
}
