//! Reading a run.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::FolderError;
use crate::run::{FORMAT_VERSION, Run};

pub(crate) const RUN_FILE: &str = "run.json";

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
    let text = fs::read_to_string(&file).map_err(|source| unreadable(path, &file, source))?;
    let version: Version =
        serde_json::from_str(&text).map_err(|source| unparsable(&file, source))?;
    if version.format > FORMAT_VERSION {
        return Err(FolderError::Newer {
            file,
            found: version.format,
        });
    }
    serde_json::from_str(&text).map_err(|source| unparsable(&file, source))
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
