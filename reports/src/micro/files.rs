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
/// Deeper than criterion nests its folders: three for an id, and those of a baseline's name.
const DEEPEST: usize = 16;

/// What [`ABOUT`] holds.
#[derive(Deserialize)]
pub(super) struct About {
    /// `group/function/value`.
    pub(super) full_id: String,
    /// The same as `--list` writes it: cut short when it is long.
    pub(super) title: String,
    /// The benchmark's folder within criterion's, of which each component is cut short when it is long.
    #[serde(default)]
    directory_name: String,
}

impl About {
    /// What tells the benchmark from every other: its title, which criterion numbers where two have one id (`a/b #2`), or
    /// the id in full where the title is cut short.
    pub(super) fn name(&self) -> &str {
        if self.is_cut() {
            &self.full_id
        } else {
            &self.title
        }
    }

    pub(super) fn is_cut(&self) -> bool {
        let start = cut(&self.title);
        start.is_some_and(|start| start != self.full_id && self.full_id.starts_with(start))
    }
}

/// What a title that criterion cut short keeps of its id.
pub(super) fn cut(title: &str) -> Option<&str> {
    without_number(title).strip_suffix(CUT)
}

/// The title without the number that criterion gives to those that agree with an earlier one.
pub(super) fn without_number(title: &str) -> &str {
    match title.rsplit_once(" #") {
        Some((start, number)) if number.bytes().all(|b| b.is_ascii_digit()) => start,
        _ => title,
    }
}

/// After a title that criterion cut short.
const CUT: &str = "...";

/// Every folder under criterion's that holds a benchmark's files, of whichever baseline.
pub(super) fn folders(home: &Path) -> Result<Vec<PathBuf>, MicroError> {
    let mut found = Vec::new();
    collect(home, DEEPEST, &mut found)?;
    Ok(found)
}

/// The baseline that a folder is of: its path within the benchmark's folder, since criterion makes folders of the
/// slashes in a baseline's name.
pub(super) fn baseline(home: &Path, folder: &Path) -> String {
    let about = json::<About>(&folder.join(ABOUT)).ok();
    let within = about
        .filter(|about| !about.directory_name.is_empty())
        .and_then(|about| folder.strip_prefix(home.join(about.directory_name)).ok());
    // Otherwise the folder was moved, or an older criterion wrote it.
    let name = within.or_else(|| folder.file_name().map(Path::new));
    name.and_then(Path::to_str).unwrap_or_default().to_owned()
}

/// Whether a folder is of the last run.
pub(super) fn is_new(home: &Path, folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name == NEW) && baseline(home, folder) == NEW
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
        // The baseline `feature/x` lies within that of `feature`.
        if deeper > 0 {
            collect(&path, deeper - 1, found)?;
        }
        if path.join(ABOUT).exists() {
            found.push(path);
        }
    }
    Ok(())
}
