//! The settings of a TOML file. What is wrong in it is named with its file, line and accepted names.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::Setup;
use crate::axis::accepted_names;
use crate::files;
use crate::members::without_values;

/// What is wrong with a settings file.
#[derive(Debug, thiserror::Error)]
pub enum SetupFileError {
    /// It could not be read.
    #[error("{path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// A line of it is wrong.
    #[error("{path}:{line}: {problem}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

pub(super) fn read(path: &Path) -> Result<Setup, SetupFileError> {
    let text = match files::read_text(path) {
        Ok(text) => text,
        Err(error) => {
            return Err(SetupFileError::Unreadable {
                path: path.to_owned(),
                error,
            });
        }
    };
    let line = |at: usize, problem: String| SetupFileError::Line {
        path: path.to_owned(),
        line: 1 + text
            .as_bytes()
            .iter()
            .take(at)
            .filter(|byte| **byte == b'\n')
            .count(),
        problem,
    };
    let refuse = |error: &toml::de::Error| {
        line(
            error.span().map_or(0, |span| span.start),
            without_values(error.message()).replace('\n', "; "),
        )
    };

    let table = DeTable::parse(&text).map_err(|error| refuse(&error))?;
    let accepted = Setup::keys();
    let accepted: Vec<&str> = accepted.iter().map(String::as_str).collect();
    for key in table.get_ref().keys() {
        let name = key.get_ref().as_ref();
        if !accepted.contains(&name) {
            let problem = format!(
                "`{name}` is not a setting; {}",
                accepted_names(name, &accepted)
            );
            return Err(line(key.span().start, problem));
        }
    }
    toml::from_str(&text).map_err(|error| refuse(&error))
}
