//! The shards of one load, added up: as if one process had made it.
//!
//! Histograms are added count by count, so that nothing is lost: a merged percentile is that of all
//! samples, not a mean of percentiles. What is not a count (the machine, its load) is that of the
//! first shard.

mod family;
mod slice;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::{
    folder::{self, FolderError, Recordings, RunFolder},
    run::{Run, Status, Validity, Verdict},
};

/// A merged run, as written.
#[derive(Debug)]
pub struct Merged {
    /// The run.
    pub run: Run,
    /// Its folder.
    pub path: PathBuf,
}

/// Why runs cannot be added up.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A run cannot be read, or the sum not written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A run that was not made with `--shard`.
    #[error("{} is no shard: only what `--shard` made can be added up", .0.display())]
    NotAShard(PathBuf),
    /// Two runs of different loads.
    #[error("{} and {} differ in {what}: only shards of one load are added up", first.display(), other.display())]
    Different {
        /// One of them.
        first: PathBuf,
        /// The other.
        other: PathBuf,
        /// In what.
        what: &'static str,
    },
    /// A shard is given twice.
    #[error("{} and {} are both shard {number}", first.display(), other.display())]
    Twice {
        /// One of them.
        first: PathBuf,
        /// The other.
        other: PathBuf,
        /// Their number.
        number: u32,
    },
    /// A shard is not given.
    #[error(
        "shard {numbers} of {of} (from 0) is missing; with --partial the others are added up without it"
    )]
    Missing {
        /// Their numbers, as a list.
        numbers: String,
        /// How many there should be.
        of: u32,
    },
    /// A shard did not reach its end.
    #[error("{} is partial ({because}); with --partial the slices that all shards have are added up", path.display())]
    CutShort {
        /// The shard.
        path: PathBuf,
        /// Why.
        because: String,
    },
}

/// A shard as read.
struct Part {
    path: PathBuf,
    run: Run,
    number: u32,
    of: u32,
    start_at: String,
    started: Timestamp,
}

/// Adds up the shards at `paths` (run folders, or their `run.json`), writes the sum into a new run
/// folder in `parent` and renders it. `command` repeats it; `partial` accepts that shards, or their
/// last slices, are missing.
///
/// # Errors
/// The runs are not the shards of one load, each once, or files cannot be read or written.
pub fn merge(
    paths: &[PathBuf],
    parent: &Path,
    command: Vec<String>,
    partial: bool,
) -> Result<Merged, MergeError> {
    let mut parts = paths
        .iter()
        .map(|path| Part::read(path))
        .collect::<Result<Vec<_>, _>>()?;
    parts.sort_by_key(|part| part.number);
    let missing = family::check(&parts, partial)?;
    let mut recordings = parts
        .iter()
        .map(|part| Recordings::open(&part.path, &part.run))
        .collect::<Result<Vec<_>, _>>()?;
    let mut run = blank(&parts, command);
    let mut folder = RunFolder::create_numbered(parent, &mut run)?;
    if let Err(error) = add(&parts, &mut recordings, &mut run, &mut folder) {
        // Half a sum is of no use to anybody.
        let _ = std::fs::remove_dir_all(folder.path());
        return Err(error);
    }
    run.status = if missing.is_empty() {
        Status::Complete
    } else {
        Status::Partial(missing.join("; "))
    };
    folder.finish(&mut run)?;
    Ok(Merged {
        run,
        path: folder.path().to_owned(),
    })
}

/// Adds up the slices that all parts have.
fn add(
    parts: &[Part],
    recordings: &mut [Recordings],
    run: &mut Run,
    folder: &mut RunFolder,
) -> Result<(), MergeError> {
    let slices = parts.iter().map(|part| part.run.slices.len()).min();
    for place in 0..slices.unwrap_or(0) {
        let (slice, recorded) = slice::added(parts, recordings, place)?;
        folder.append(run, slice, recorded)?;
    }
    Ok(())
}

impl Part {
    fn read(path: &Path) -> Result<Self, MergeError> {
        let run = folder::read(path)?;
        let Some(shard) = run.shard.clone() else {
            return Err(MergeError::NotAShard(path.to_owned()));
        };
        let started = run.started.parse().map_err(|source| FolderError::Started {
            value: run.started.clone(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            run,
            number: shard.number,
            of: shard.of,
            start_at: shard.start_at,
            started,
        })
    }

    /// How it is called in what people read.
    fn shown(&self) -> String {
        format!("shard {}", self.number)
    }
}

/// When the first of the shards began to run.
fn started(parts: &[Part]) -> Timestamp {
    let first = parts.iter().map(|part| part.started).min();
    first.unwrap_or_default()
}

/// The sum before its first slice.
fn blank(parts: &[Part], command: Vec<String>) -> Run {
    let started = started(parts);
    let first = &parts[0].run;
    let end = |part: &Part| {
        let after = part.started.duration_since(started).as_secs_f64();
        after + part.run.elapsed_s
    };
    Run {
        id: format!(
            "{}-{}-merged",
            Timestamp::now().strftime("%Y%m%dT%H%M%SZ"),
            first.scenario.name
        ),
        status: Status::Partial("its shards were still being added up".to_owned()),
        command,
        started: started.to_string(),
        elapsed_s: parts.iter().map(end).fold(0.0, f64::max),
        validity: judged(parts),
        slices: Vec::new(),
        merged: Vec::new(),
        calibration: None,
        shard: None,
        awake: false,
        silent: family::silent(parts).cloned(),
        merged_from: parts.iter().map(|part| part.run.id.clone()).collect(),
        ..first.clone()
    }
}

/// Verdicts, the gravest first.
const BY_GRAVITY: [Verdict; 5] = [
    Verdict::Empty,
    Verdict::ServerLimited,
    Verdict::Disturbed,
    Verdict::ClientLimited,
    Verdict::Valid,
];

/// The gravest verdict of them, with the reasons of each.
fn judged(parts: &[Part]) -> Validity {
    let given = |verdict: &Verdict| {
        parts
            .iter()
            .any(|part| part.run.validity.verdict == *verdict)
    };
    let verdict = BY_GRAVITY.into_iter().find(given).unwrap_or(Verdict::Empty);
    let reasons = parts.iter().flat_map(|part| {
        let own = part.run.validity.verdict;
        let said = if own == verdict {
            part.shown()
        } else {
            format!("{} ({})", part.shown(), own.label())
        };
        let reasons = part.run.validity.reasons.iter();
        reasons.map(move |reason| format!("{said}: {reason}"))
    });
    Validity {
        verdict,
        reasons: reasons.collect(),
    }
}
