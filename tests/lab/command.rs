//! The `authlab` binary, run as a person runs it, in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authlab"));
        command
            .args(words)
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn authlab(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// What is said of words that are refused: one line, and exit code 2.
    #[track_caller]
    pub(crate) fn refused(&self, words: &[&str]) -> String {
        self.said_with(2, words)
    }

    /// What is said of a target that failed: one line, and exit code 4.
    #[track_caller]
    pub(crate) fn target_failed(&self, words: &[&str]) -> String {
        self.said_with(4, words)
    }

    #[track_caller]
    fn said_with(&self, code: i32, words: &[&str]) -> String {
        let output = self.authlab(words);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        error_line(&output)
    }

    pub(crate) fn start(&self, words: &[&str]) -> Child {
        self.command(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The one run folder there is.
    pub(crate) fn run(&self) -> PathBuf {
        let runs = std::fs::read_dir(self.path().join("reports/runs")).unwrap();
        let mut runs: Vec<_> = runs.map(|entry| entry.unwrap().path()).collect();
        assert_eq!(runs.len(), 1);
        runs.remove(0)
    }

    pub(crate) fn run_json(&self) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(self.run().join("run.json")).unwrap()).unwrap()
    }

    /// Processes whose command line holds this place's path: what a run would leave behind.
    pub(crate) fn processes(&self) -> Vec<String> {
        let mark = self.path().display().to_string();
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| {
                let words = std::fs::read(entry.ok()?.path().join("cmdline")).ok()?;
                let line = String::from_utf8_lossy(&words).replace('\0', " ");
                line.contains(&mark).then_some(line)
            })
            .collect()
    }

    pub(crate) fn assert_nothing_left(&self) {
        assert!(
            eventually(|| self.processes().is_empty()),
            "{:?}",
            self.processes()
        );
    }
}

/// Looks again until it holds; how long it takes is not what is tested.
pub(crate) fn eventually(holds: impl Fn() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    holds()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The error is the last line, and the only one of its kind.
pub(crate) fn error_line(output: &Output) -> String {
    let text = stderr(output);
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("authlab: "))
        .collect();
    assert_eq!(lines.len(), 1, "{text}");
    lines[0].to_owned()
}
