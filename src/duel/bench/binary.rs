//! A criterion benchmark binary: what it can measure, and one slice of it.

use std::cell::Cell;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context, bail};
use authlab_loadtest::server::Launcher;
use authlab_reports::micro::sample::{self, Samples};

/// One side's binary, with a folder of its own for what criterion writes.
pub(super) struct Binary<'a> {
    side: &'static str,
    path: PathBuf,
    launcher: &'a Launcher,
    folder: Folder,
    copies: Folder,
    /// A copy of it runs as well as itself.
    copies_run: Cell<bool>,
}

/// Criterion's own words for a run without plots whose samples are as few as it allows: the spread
/// that counts is that between blocks. Its bootstrap is not read, and made as short as it is sensible.
const SLICE: [&str; 10] = [
    "--bench",
    "--noplot",
    "--warm-up-time",
    "0.05",
    "--measurement-time",
    "0.1",
    "--sample-size",
    "10",
    "--nresamples",
    "1000",
];
/// How `--list` ends a line, since criterion 0.5 and before.
const LISTED: [&str; 2] = [": benchmark", ": bench"];
const NEEDED: &str =
    "a criterion benchmark binary is needed, e.g. target/release/deps/lab-0123456789abcdef";

impl<'a> Binary<'a> {
    /// The file is there and can be run; what it is shows when it is asked.
    pub(super) fn open(
        side: &'static str,
        path: &Path,
        launcher: &'a Launcher,
    ) -> anyhow::Result<Self> {
        let shown = path.display();
        let about = match std::fs::metadata(path) {
            Ok(about) => about,
            Err(error) => bail!("{side}: {shown}: {error}; {NEEDED}"),
        };
        if !about.is_file() || about.permissions().mode() & 0o111 == 0 {
            bail!("{side}: {shown} is no program; {NEEDED}");
        }
        Ok(Self {
            side,
            // A bare name would be looked for in PATH.
            path: std::path::absolute(path).with_context(|| format!("{side}: {shown}"))?,
            launcher,
            folder: Folder::new(side)?,
            copies: Folder::new(&format!("{side}-copy"))?,
            copies_run: Cell::new(false),
        })
    }

    /// The titles of its benchmarks that match, in its order.
    pub(super) fn list(&self, filter: Option<&str>) -> anyhow::Result<Vec<String>> {
        let words: Vec<&str> = ["--bench", "--list"].into_iter().chain(filter).collect();
        let by_copy = |copy: PathBuf| self.run(&copy, &words, Stdio::piped()).ok();
        let output = match self.copy().and_then(by_copy) {
            Some(output) => {
                self.copies_run.set(true);
                output
            }
            // Nowhere to put one, or where nothing may be run; or the binary is none.
            None => self.run(&self.path, &words, Stdio::piped())?,
        };
        let text = String::from_utf8_lossy(&output.stdout);
        let title = |line: &str| {
            let title = LISTED.iter().find_map(|end| line.strip_suffix(end))?;
            Some(title.to_owned())
        };
        Ok(text.lines().filter_map(title).collect())
    }

    /// Measures the benchmarks of these names (titles, or full ids) once, by a fresh copy of the binary: where the pages of a file lie in
    /// memory moves what runs from them (a hit of 105 ns by 4 to 6 % between two copies of one file, for as long as they
    /// stay there), so that each slice has to find them elsewhere.
    pub(super) fn slice(&self, names: &[&str]) -> anyhow::Result<Samples> {
        // What the slice before left would be taken for this one's, and criterion would compare.
        self.folder.empty()?;
        let filter = sample::filter(names);
        let words: Vec<&str> = SLICE.into_iter().chain([filter.as_str()]).collect();
        let copy = self.copies_run.get().then(|| self.copy()).flatten();
        self.run(copy.as_ref().unwrap_or(&self.path), &words, Stdio::null())?;
        let samples = sample::read(self.folder.path())?;
        if let Some(lost) = names.iter().find(|name| samples.get(name).is_none()) {
            bail!("{self}: benchmark {lost} left no sample; {NEEDED}");
        }
        Ok(samples)
    }

    /// A copy of the binary, under its name.
    fn copy(&self) -> Option<PathBuf> {
        self.copies.empty().ok()?;
        let copy = self.copies.path().join(self.path.file_name()?);
        std::fs::copy(&self.path, &copy).ok().map(|_| copy)
    }

    fn run(&self, program: &Path, words: &[&str], stdout: Stdio) -> anyhow::Result<Output> {
        let mut all = vec![program.display().to_string()];
        all.extend(words.iter().map(|word| (*word).to_owned()));
        let output = self
            .launcher
            .command(&all)
            .env("CRITERION_HOME", self.folder.path())
            // cargo-criterion would take the samples for itself.
            .env_remove("CARGO_CRITERION_PORT")
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .output()
            .with_context(|| format!("{self} cannot be started"))?;
        if !output.status.success() {
            bail!(
                "{self}: `{}` ended with {}{}; {NEEDED}",
                words.join(" "),
                output.status,
                said(&String::from_utf8_lossy(&output.stderr))
            );
        }
        Ok(output)
    }
}

impl std::fmt::Display for Binary<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}", self.side, self.path.display())
    }
}

/// What a binary said before it failed: its panic's message, or its last line.
fn said(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().map(str::trim).collect();
    let panicked = lines
        .iter()
        .position(|line| line.starts_with("thread '") && line.contains("panicked at"));
    let line = match panicked {
        Some(place) => lines[place + 1..].iter().find(|line| !line.is_empty()),
        None => lines.iter().rfind(|line| !line.is_empty()),
    };
    line.map_or(String::new(), |line| {
        format!("; it said: {}", line.trim_end_matches([':', '.']))
    })
}

/// A folder that goes when the duel ends.
struct Folder(PathBuf);

impl Folder {
    fn new(side: &str) -> anyhow::Result<Self> {
        let name = format!("authlab-duel-{}-{side}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        folder.empty()?;
        Ok(folder)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn empty(&self) -> anyhow::Result<()> {
        let shown = || format!("{} cannot be emptied", self.0.display());
        if self.0.exists() {
            std::fs::remove_dir_all(&self.0).with_context(shown)?;
        }
        std::fs::create_dir(&self.0).with_context(shown)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panics_message_is_what_was_said() {
        let panic = "Benchmarking a\n\nthread 'main' (7) panicked at src/lib.rs:1:2:\nUnable to parse:\n    (\nnote: run with\n";
        assert_eq!(said(panic), "; it said: Unable to parse");
        assert_eq!(said("one\nlast\n\n"), "; it said: last");
        assert_eq!(said(""), "");
    }
}
