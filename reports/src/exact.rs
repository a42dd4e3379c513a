//! The exact channel: instructions and allocations of whole requests, which hardly vary, against a
//! baseline that is committed with the source.
//!
//! - [`reading`]: what callgrind, through gungraun, and the counting allocator said.
//! - [`comparison`]: the counts against a baseline, judged.

pub mod comparison;
pub mod reading;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{foreign, quantity};

/// The format of [`Counts`] on disk.
pub const FORMAT_VERSION: u32 = 1;

/// What a reader must know of every count.
pub const NOTES: [&str; 3] = [
    "instructions of the one thread that makes the requests, in user space; valgrind hides what it does not know of a processor (3.19: SHA-NI and AVX-512), so that another code path is counted than runs",
    "built by the profile `exact`: release without link-time optimization, one codegen unit a crate; slow hashes at their least cost, in place",
    "allocations of Rust code; what C code (aws-lc) allocates for itself is not seen",
];

/// What was counted, and with what: a baseline, or what is judged against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// [`FORMAT_VERSION`].
    pub format: u32,
    /// [`NOTES`], for whoever opens the file.
    pub notes: Vec<String>,
    /// What the counts depend on beside the source.
    pub toolchain: Toolchain,
    /// What was counted.
    pub cases: Vec<Case>,
}

/// What builds, counts, and is linked in from elsewhere. Each is told in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toolchain {
    /// `rustc --version`.
    pub rustc: String,
    /// `valgrind --version`.
    pub valgrind: String,
    /// The compiler of the C parts: `cc --version`, its first line.
    pub cc: String,
    /// The C library, whose memory functions are counted too.
    pub libc: String,
    /// The processor as far as valgrind lets a program see it: its architecture, and whether it has
    /// AVX2, for which libc and the hashes have code of their own.
    pub processor: String,
}

impl Toolchain {
    /// What differs from a baseline's, in words; where anything does, counts are described and not judged.
    #[must_use]
    pub fn differences(&self, base: &Self) -> Vec<String> {
        let parts = [
            ("rustc", &self.rustc, &base.rustc),
            ("valgrind", &self.valgrind, &base.valgrind),
            ("cc", &self.cc, &base.cc),
            ("libc", &self.libc, &base.libc),
            ("the processor", &self.processor, &base.processor),
        ];
        let different = parts.iter().filter(|(_, now, base)| now != base);
        different
            .map(|(what, now, base)| format!("{what} is `{now}`, the baseline's `{base}`"))
            .collect()
    }
}

/// A request of a design, counted so many times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// `path/design`, as in the micro-benchmarks.
    pub name: String,
    /// Requests counted together.
    pub requests: u64,
    /// Instructions of all of them.
    pub instructions: u64,
    /// Allocations of all of them.
    pub allocations: u64,
    /// Bytes that were asked for in those.
    pub bytes: u64,
}

/// What cannot be compared, on one line.
#[derive(Debug, thiserror::Error)]
pub enum ExactError {
    /// A baseline cannot be written.
    #[error("{}: {cause}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's word for it.
        cause: io::Error,
    },
    /// It cannot be read, or is none of ours.
    #[error("{}: {cause}; `make exact-accept` writes one", path.display())]
    Baseline {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// What a counter said is not what was expected.
    #[error("{counter}: {cause}")]
    Said {
        /// Who said it.
        counter: &'static str,
        /// What is wrong with it.
        cause: String,
    },
    /// The baseline has what was not counted.
    #[error(
        "not counted, but in the baseline: {}; `make exact-accept` if that is meant", names.join(", ")
    )]
    NotCounted {
        /// The cases.
        names: Vec<String>,
    },
    /// What was counted has no baseline.
    #[error("counted, but not in the baseline: {}; `make exact-accept` adds it", names.join(", "))]
    NoBaseline {
        /// The cases.
        names: Vec<String>,
    },
}

impl Counts {
    /// What was counted with a toolchain.
    #[must_use]
    pub fn new(toolchain: Toolchain, cases: Vec<Case>) -> Self {
        Self {
            format: FORMAT_VERSION,
            notes: NOTES.map(str::to_owned).to_vec(),
            toolchain,
            cases,
        }
    }

    /// Reads a baseline.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn read(path: &Path) -> Result<Self, ExactError> {
        foreign::read_text(path, foreign::MOST_JSON_BYTES)
            .map_err(|error| error.to_string())
            .and_then(|text| Self::parse(&text))
            .map_err(|cause| ExactError::Baseline {
                path: path.to_owned(),
                cause,
            })
    }

    /// Makes it the baseline.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ExactError> {
        let written = serde_json::to_string_pretty(self)
            .map_err(io::Error::other)
            .and_then(|text| std::fs::write(path, text + "\n"));
        written.map_err(|cause| ExactError::Write {
            path: path.to_owned(),
            cause,
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let counts: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if counts.format != FORMAT_VERSION {
            return Err(format!(
                "format {} is not read here; accepted: {FORMAT_VERSION}",
                counts.format
            ));
        }
        check(&counts.cases)?;
        Ok(counts)
    }
}

impl Case {
    fn a_request(&self, total: u64) -> f64 {
        total as f64 / self.requests as f64
    }
}

/// Every case under a name of its own, and counted: nothing at all would be equal to anything.
fn check(cases: &[Case]) -> Result<(), String> {
    if cases.is_empty() {
        return Err("nothing is counted in it".to_owned());
    }
    let mut names = BTreeSet::new();
    for case in cases {
        let name = &case.name;
        if case.requests == 0 || case.instructions == 0 {
            return Err(format!(
                "`{name}`: {} instructions of {} requests",
                quantity::grouped(case.instructions),
                case.requests
            ));
        }
        if !names.insert(name) {
            return Err(format!("`{name}` is there twice"));
        }
    }
    Ok(())
}
