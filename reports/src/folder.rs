//! A run on disk, written as it goes, and read again.
//!
//! Everything but `.hlog` is written beside its place and renamed into it, so that a reader, and
//! whoever comes after a full disk or a `SIGKILL`, finds the last whole version. `.hlog` files
//! only grow, by whole lines; a line that could not be written whole is cut off again.
//!
//! `run.json` is rewritten after each slice, unless rewriting it would take more than a twentieth
//! of the time: of a run killed outright, at most that last moment is missing from `run.json`
//! (and is still in the `.hlog`). A slice that goes on for long is in `run.json` before its end, as
//! far as it has come. Files are not flushed to the disk itself: this protects from a
//! process that dies, not from a power cut.

mod error;
mod hgrm;
mod hlog;
mod read;
mod recordings;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, DirBuilder},
    io::ErrorKind,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use self::hlog::Logs;
pub(crate) use self::hlog::tag;
pub use self::{
    error::FolderError,
    hgrm::distribution,
    read::{MOST_BLOCKS, MOST_SHARDS, MOST_USERS, read},
    recordings::Recordings,
};
use crate::{
    finding, page, percentiles, plain, render,
    run::{Figure, Run, Slice},
};

/// Metrics whose distribution is kept for charts: latency as served, and as a user waited for it.
const CURVED_METRICS: [&str; 2] = ["service", "response"];
/// `run.json` is rewritten when this many times its last cost has passed since.
const REWRITE_AT_MOST_ONE_IN: u32 = 20;

/// Of a run's folder.
const MODE: u32 = 0o700;

/// One step's recording in one slice.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The step's name.
    pub step: String,
    /// `response`, `service`, `first-byte`, `timer`, `queued`, `failed`, `stale`, or `stage-<name>`.
    pub metric: String,
    /// Nanoseconds, 3 significant digits.
    pub histogram: Histogram<u64>,
}

/// The folder of a run that is being written.
pub struct RunFolder {
    path: PathBuf,
    started: jiff::Timestamp,
    logs: BTreeMap<String, Logs>,
    merged: BTreeMap<Key, Histogram<u64>>,
    rewritten: Instant,
    rewriting_took: Duration,
}

/// What is merged: variant, load, step, metric.
type Key = (String, String, String, String);

/// Ids hold seconds: so many runs may begin in one.
const MOST_OF_ONE_SECOND: u32 = 100;

impl RunFolder {
    /// The same as [`Self::create`] where runs of one name begin within one second: the id of a
    /// later one gets a number.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_numbered(parent: &Path, run: &mut Run) -> Result<Self, FolderError> {
        let id = run.id.clone();
        for number in 2..MOST_OF_ONE_SECOND {
            match Self::create(parent, run) {
                Err(FolderError::Write { source, .. })
                    if source.kind() == ErrorKind::AlreadyExists =>
                {
                    run.id = format!("{id}-{number}");
                }
                done => return done,
            }
        }
        Self::create(parent, run)
    }

    /// Makes `<parent>/<run.id>/` and writes its `run.json`.
    ///
    /// # Errors
    /// When the folder is there already or cannot be written, or a name or time in `run` cannot
    /// stand in a file.
    pub fn create(parent: &Path, run: &Run) -> Result<Self, FolderError> {
        let loads = &run.scenario.loads;
        let variants = run.variants.iter().map(|variant| &variant.name);
        let steps = loads
            .iter()
            .flat_map(|load| std::iter::once(&load.name).chain(&load.steps));
        for name in std::iter::once(&run.id).chain(variants).chain(steps) {
            check_name(name)?;
        }
        check_logs(run)?;
        let started = run.started.parse().map_err(|source| FolderError::Started {
            value: run.started.clone(),
            source,
        })?;
        fs::create_dir_all(parent).map_err(FolderError::write(parent))?;
        let path = parent.join(&run.id);
        // What ran, and what it said, is its owner's to publish.
        DirBuilder::new()
            .mode(MODE)
            .create(&path)
            .map_err(FolderError::write(&path))?;
        let mut folder = Self {
            path,
            started,
            logs: BTreeMap::new(),
            merged: BTreeMap::new(),
            rewritten: Instant::now(),
            rewriting_took: Duration::ZERO,
        };
        folder.rewrite(run)?;
        Ok(folder)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a slice: its recordings to the variant's logs, its figures to the slice, the slice to
    /// `run.slices`, what it changes to `run.merged` (curves come with [`Self::finish`]), and all
    /// of it to `run.json`.
    ///
    /// # Errors
    /// When a file cannot be written; the slice is then in `run` all the same, and the files hold
    /// what they held before.
    pub fn append(
        &mut self,
        run: &mut Run,
        mut slice: Slice,
        recorded: Vec<Recorded>,
    ) -> Result<(), FolderError> {
        slice.figures = figures(&slice, &recorded);
        let logged = self.log(&slice, &recorded);
        // What was recorded while the generator was stopped is in the logs, and in no figure of the run.
        let counted = recorded.into_iter().filter(|_| !slice.was_paused());
        for part in counted {
            self.merge(run, &slice, part)?;
        }
        run.slices.push(slice);
        logged?;
        if self.rewritten.elapsed() >= self.rewriting_took * REWRITE_AT_MOST_ONE_IN {
            self.rewrite(run)?;
        }
        Ok(())
    }

    /// The run with a slice that is still under way; nothing is kept of it.
    #[must_use]
    pub fn with(&self, run: &Run, mut slice: Slice, recorded: &[Recorded]) -> Run {
        let mut run = run.clone();
        slice.figures = figures(&slice, recorded);
        let counted = recorded.iter().filter(|_| !slice.was_paused());
        for part in counted {
            let (step, metric) = (part.step.clone(), part.metric.clone());
            let key = (slice.variant.clone(), slice.load.clone(), step, metric);
            let mut sum = part.histogram.clone();
            if let Some(before) = self.merged.get(&key) {
                sum.auto(true);
                // What cannot be added is not in a run that is about to be written again.
                let _ = sum.add(before);
            }
            let mut figure = merged_figure(&key, &sum);
            describe(&mut figure, &sum);
            put(&mut run, figure);
        }
        run.slices.push(slice);
        run
    }

    /// Writes `run.json` as it is.
    ///
    /// # Errors
    /// When it cannot be written; the version before is then still there.
    pub fn write(&mut self, run: &Run) -> Result<(), FolderError> {
        self.rewrite(run)
    }

    /// Ends the run: curves into `run.merged`, then `run.json`, the `.hgrm` files and what people
    /// read. `run.json` comes first, so that a disk that fills up costs the renderings, which
    /// [`render`] can make again.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(&mut self, run: &mut Run) -> Result<(), FolderError> {
        for figure in &mut run.merged {
            if let Some(merged) = self.merged.get(&key(figure)) {
                describe(figure, merged);
            }
        }
        self.rewrite(run)?;
        write_distributions(&self.path, run, &self.merged)?;
        write_renderings(&self.path, run)
    }

    fn log(&mut self, slice: &Slice, recorded: &[Recorded]) -> Result<(), FolderError> {
        let log = match self.logs.entry(slice.variant.clone()) {
            std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => {
                check_name(&slice.variant)?;
                free.insert(Logs::create(&self.path, &slice.variant, self.started)?)
            }
        };
        log.append(slice, recorded)
    }

    fn merge(&mut self, run: &mut Run, slice: &Slice, part: Recorded) -> Result<(), FolderError> {
        let key = (
            slice.variant.clone(),
            slice.load.clone(),
            part.step,
            part.metric,
        );
        let merged = match self.merged.entry(key.clone()) {
            std::collections::btree_map::Entry::Occupied(there) => {
                let merged = there.into_mut();
                merged.auto(true);
                merged
                    .add(&part.histogram)
                    .map_err(|source| FolderError::Merge {
                        tag: hlog::tag(&key.1, &key.2, &key.3),
                        source,
                    })?;
                merged
            }
            std::collections::btree_map::Entry::Vacant(free) => free.insert(part.histogram),
        };
        put(run, merged_figure(&key, merged));
        Ok(())
    }

    fn rewrite(&mut self, run: &Run) -> Result<(), FolderError> {
        let began = Instant::now();
        write_json(&self.path, run)?;
        self.rewritten = Instant::now();
        self.rewriting_took = began.elapsed();
        Ok(())
    }
}

/// Renders `summary.md`, `index.html` and `ladder.svg` again, from `run.json` alone, and the `.hgrm`
/// files from the logs where they are there. `path` is the run's folder or its `run.json`; answers
/// with the folder.
///
/// # Errors
/// When the run or its logs cannot be read, or a file cannot be written.
pub fn render(path: &Path) -> Result<PathBuf, FolderError> {
    let run = read(path)?;
    let folder = match path.parent() {
        _ if path.is_dir() => path,
        // The parent of a bare `run.json` is the empty path, which names no folder.
        None => Path::new("."),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    write_renderings(folder, &run)?;
    match Recordings::open(folder, &run) {
        Ok(recordings) => write_distributions(folder, &run, &merged(&run, recordings)?)?,
        // A run may be passed on without its logs.
        Err(FolderError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(folder.to_owned())
}

/// All that was recorded of the latency that stands first, added up over slices.
fn merged(
    run: &Run,
    mut recordings: Recordings,
) -> Result<BTreeMap<Key, Histogram<u64>>, FolderError> {
    let mut merged: BTreeMap<Key, Histogram<u64>> = BTreeMap::new();
    for slice in &run.slices {
        let first = run.latency_of(&slice.load).metric();
        for part in recordings.of(slice)? {
            if part.metric != first {
                continue;
            }
            let load = slice.load.clone();
            let tag = hlog::tag(&load, &part.step, &part.metric);
            let key = (slice.variant.clone(), load, part.step, part.metric);
            match merged.entry(key) {
                std::collections::btree_map::Entry::Vacant(free) => {
                    free.insert(part.histogram);
                }
                std::collections::btree_map::Entry::Occupied(there) => {
                    let there = there.into_mut();
                    there.auto(true);
                    there
                        .add(&part.histogram)
                        .map_err(|source| FolderError::Merge { tag, source })?;
                }
            }
        }
    }
    Ok(merged)
}

/// `.hgrm` files, of the latency that stands first.
fn write_distributions(
    folder: &Path,
    run: &Run,
    merged: &BTreeMap<Key, Histogram<u64>>,
) -> Result<(), FolderError> {
    for ((variant, load, step, metric), merged) in merged {
        if metric == run.latency_of(load).metric() && !merged.is_empty() {
            let file = folder.join(format!("{variant}.{load}.{step}.hgrm"));
            replace(&file, hgrm::distribution(merged).as_bytes())?;
        }
    }
    Ok(())
}

fn write_renderings(folder: &Path, run: &Run) -> Result<(), FolderError> {
    let summary = render::markdown(&finding::document(run));
    replace(&folder.join("summary.md"), summary.as_bytes())?;
    replace(&folder.join("index.html"), page::render(run)?.as_bytes())?;
    match page::picture(run)? {
        Some(picture) => {
            let picture = plain::text(&picture);
            replace(&folder.join("ladder.svg"), picture.as_bytes())
        }
        None => Ok(()),
    }
}

fn write_json(folder: &Path, run: &Run) -> Result<(), FolderError> {
    let file = folder.join(read::RUN_FILE);
    let mut json = serde_json::to_vec(run).map_err(|source| FolderError::Json {
        file: file.clone(),
        source,
    })?;
    json.push(b'\n');
    replace(&file, &json)
}

/// Of each recording of a slice.
fn figures(slice: &Slice, recorded: &[Recorded]) -> Vec<Figure> {
    let figure = |part: &Recorded| {
        percentiles::figure(
            &slice.variant,
            &slice.load,
            &part.step,
            &part.metric,
            &part.histogram,
        )
    };
    recorded.iter().map(figure).collect()
}

fn merged_figure((variant, load, step, metric): &Key, merged: &Histogram<u64>) -> Figure {
    percentiles::figure(variant, load, step, metric, merged)
}

/// Adds the distribution, where charts show it.
fn describe(figure: &mut Figure, merged: &Histogram<u64>) {
    if CURVED_METRICS.contains(&figure.metric.as_str()) {
        figure.curve = percentiles::curve(merged);
        figure.buckets = percentiles::buckets(merged);
    }
}

/// In place of the one of the same key.
fn put(run: &mut Run, figure: Figure) {
    let of = key(&figure);
    match run.merged.iter_mut().find(|there| key(there) == of) {
        Some(there) => *there = figure,
        None => run.merged.push(figure),
    }
}

fn key(figure: &Figure) -> Key {
    (
        figure.variant.clone(),
        figure.load.clone(),
        figure.step.clone(),
        figure.metric.clone(),
    )
}

/// A name becomes a file's name: it may not lead out of the folder.
fn check_name(name: &str) -> Result<(), FolderError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".+-_".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        return Err(FolderError::Name {
            name: name.to_owned(),
        });
    }
    Ok(())
}

/// Two variants may not write one file: `x.all` and `x` would.
fn check_logs(run: &Run) -> Result<(), FolderError> {
    let mut taken = BTreeSet::new();
    for name in run.variants.iter().flat_map(|v| hlog::names(&v.name)) {
        if let Some(file) = taken.replace(name) {
            return Err(FolderError::Clash { file });
        }
    }
    Ok(())
}

/// Writes beside `file`, then renames into place.
pub(crate) fn replace(file: &Path, content: &[u8]) -> Result<(), FolderError> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = file.with_file_name(format!(".{name}.new"));
    fs::write(&beside, content)
        .and_then(|()| fs::rename(&beside, file))
        .map_err(|source| {
            // Best effort: on a full disk the part written is in everyone's way.
            let _ = fs::remove_file(&beside);
            FolderError::Write {
                file: file.to_owned(),
                source,
            }
        })
}
