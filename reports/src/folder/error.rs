//! What can go wrong with a run's files: one line each, naming the file and the cause.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::run::FORMAT_VERSION;

/// What can go wrong with a run's files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// A file or folder could not be written; what was there before still is.
    #[error("cannot write {}: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// The cause, e.g. a full disk.
        source: io::Error,
    },
    /// A file could not be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// There is no run.
    #[error("no run at {}: give a run's folder or its run.json", path.display())]
    NoRun {
        /// What was given.
        path: PathBuf,
    },
    /// The file is not JSON.
    #[error("{} is not JSON: {source}", file.display())]
    NotJson {
        /// The file.
        file: PathBuf,
        /// The cause, with line and column.
        source: serde_json::Error,
    },
    /// The file is JSON, but not a run.
    #[error("{} is not a run that this authlab can read: {source}", file.display())]
    NotARun {
        /// The file.
        file: PathBuf,
        /// The field at fault, with line and column.
        source: serde_json::Error,
    },
    /// The file is a run of numbers that no run has.
    #[error("{} is not a run that this authlab can read: {what}", file.display())]
    Implausible {
        /// The file.
        file: PathBuf,
        /// The numbers, and what is accepted.
        what: String,
    },
    /// A later authlab wrote the file.
    #[error("{} has format {found}, this authlab reads up to {FORMAT_VERSION}: use a newer authlab", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: u32,
    },
    /// A run could not be put into JSON.
    #[error("cannot put the run into {}: {source}", file.display())]
    Json {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: serde_json::Error,
    },
    /// A name cannot be a file's name.
    #[error("`{name}` cannot name a file: use letters, digits, `.`, `+`, `-` and `_`")]
    Name {
        /// The run's id, or the name of a variant, load or step.
        name: String,
    },
    /// Two variants would write one file.
    #[error("two variants would both write {file}: rename one")]
    Clash {
        /// The file's name.
        file: String,
    },
    /// A name cannot stand in a histogram log.
    #[error(
        "`{tag}` cannot be a histogram log's tag: loads, steps and metrics have no spaces or commas"
    )]
    Tag {
        /// `<load>.<step>.<metric>`.
        tag: String,
    },
    /// The run's start is not a time.
    #[error("`{value}` is not an RFC 3339 time: {source}")]
    Started {
        /// As given.
        value: String,
        /// The cause.
        source: jiff::Error,
    },
    /// Two recordings of one metric do not add up.
    #[error("cannot merge the recordings of {tag}: {source}")]
    Merge {
        /// `<load>.<step>.<metric>`.
        tag: String,
        /// The cause.
        source: hdrhistogram::AdditionError,
    },
    /// A histogram log does not hold what its run says.
    #[error("cannot read {}:{line}: {cause}", file.display())]
    Log {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        cause: String,
    },
    /// A picture could not be drawn.
    #[error(transparent)]
    Draw(#[from] crate::chart::DrawError),
}

impl FolderError {
    /// For `map_err`: a failure to write `file`.
    pub(crate) fn write(file: &Path) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        move |source| Self::Write { file, source }
    }
}
