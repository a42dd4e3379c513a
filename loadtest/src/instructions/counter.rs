//! What counts: the processor's own counter through `perf`, or valgrind's cachegrind where there is none, as on most
//! virtual machines.
//!
//! Cachegrind without its caches counts what callgrind counts, in half the time: nobody asks here which function it was.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::InstructionsError;

/// What counts a server's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// `perf stat` of this event.
    Perf {
        /// As perf names it.
        event: &'static str,
    },
    /// Valgrind. It hides what it does not know of a processor (3.19: SHA-NI, AVX-512): code of
    /// another path may be counted than runs without it.
    Cachegrind,
}

/// Instructions in user space: the kernel's are not the server's code.
const INSTRUCTIONS: Counter = Counter::Perf {
    event: "instructions:u",
};
const PERF_FILE: &str = "perf.txt";
const CACHEGRIND_FILE: &str = "cachegrind.";

impl Counter {
    /// The best that this machine has.
    ///
    /// # Errors
    /// It has none; the error says what to install.
    pub fn find() -> Result<Self, InstructionsError> {
        let perf = match INSTRUCTIONS.tried() {
            Ok(()) => return Ok(INSTRUCTIONS),
            Err(perf) => perf,
        };
        let valgrind = Command::new("valgrind")
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match valgrind {
            Ok(status) if status.success() => Ok(Self::Cachegrind),
            _ => Err(InstructionsError::NoCounter { perf }),
        }
    }

    /// As reports name it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Perf { .. } => "perf",
            Self::Cachegrind => "cachegrind",
        }
    }

    /// What comes before the server's own words.
    pub(super) fn words(self, folder: &Path) -> Vec<String> {
        let folder = folder.display();
        match self {
            Self::Perf { event } => vec![
                "perf".to_owned(),
                "stat".to_owned(),
                "--field-separator=,".to_owned(),
                format!("--event={event}"),
                format!("--output={folder}/{PERF_FILE}"),
                "--".to_owned(),
            ],
            // A file a process: a server may be a script that starts another, or have workers.
            Self::Cachegrind => vec![
                "valgrind".to_owned(),
                "--quiet".to_owned(),
                "--tool=cachegrind".to_owned(),
                "--cache-sim=no".to_owned(),
                "--trace-children=yes".to_owned(),
                format!("--cachegrind-out-file={folder}/{CACHEGRIND_FILE}%p"),
                "--".to_owned(),
            ],
        }
    }

    /// Whether it is a process of its own that the server's descend from. It is then spared when they
    /// are asked to end: perf writes once they have, and would not at a signal of its own.
    pub(super) fn leads(self) -> bool {
        matches!(self, Self::Perf { .. })
    }

    /// What it counted of all processes.
    pub(super) fn total(self, folder: &Path) -> Result<f64, String> {
        let mut total = None;
        let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_ours = match self {
                Self::Perf { .. } => name == PERF_FILE,
                Self::Cachegrind => name.starts_with(CACHEGRIND_FILE),
            };
            if !is_ours {
                continue;
            }
            let text = fs::read_to_string(entry.path()).map_err(|error| error.to_string())?;
            let counted = match self {
                Self::Perf { .. } => of_perf(&text),
                Self::Cachegrind => of_cachegrind(&text),
            };
            let first = text
                .lines()
                .find(|line| !line.is_empty() && !line.starts_with('#'));
            let counted = counted.ok_or_else(|| {
                format!(
                    "none in {name}, which begins: {}",
                    first.unwrap_or("and ends")
                )
            })?;
            *total.get_or_insert(0.0) += counted;
        }
        total.ok_or_else(|| "the server did not end when it was asked to, or was killed".to_owned())
    }

    /// Whether perf counts its event here.
    fn tried(self) -> Result<(), &'static str> {
        let Self::Perf { event } = self else {
            return Ok(());
        };
        let output = Command::new("perf")
            .args([
                "stat",
                "--field-separator=,",
                "--event",
                event,
                "--",
                "true",
            ])
            .stdin(Stdio::null())
            .output()
            .map_err(|_| "is missing")?;
        // It writes among the errors where it is given no file.
        let said = String::from_utf8_lossy(&output.stderr);
        let counted = of_perf(&said).is_some_and(|counted| counted > 0.0);
        counted.then_some(()).ok_or("does not count them here")
    }
}

/// `123456,,instructions:u,…`, a line for each kind of core; `<not supported>` is no number.
fn of_perf(text: &str) -> Option<f64> {
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && line.contains(','));
    let counts: Vec<f64> = lines
        .filter_map(|line| line.split(',').next()?.parse().ok())
        .collect();
    (!counts.is_empty()).then(|| counts.iter().sum())
}

/// `summary: 123456`, the sum of its one event.
fn of_cachegrind(text: &str) -> Option<f64> {
    let summary = text.lines().find_map(|line| line.strip_prefix("summary:"));
    summary?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counters_own_words_are_read_and_what_is_no_count_is_none() {
        let perf = "# started on Tue\n\n123456,,instructions:u,603376,100.00,,\n";
        assert_eq!(of_perf(perf), Some(123_456.0));
        let cores = "5,,cpu_core/instructions:u/,1,90.00,,\n7,,cpu_atom/instructions:u/,1,10.00,,";
        assert_eq!(of_perf(cores), Some(12.0));
        assert_eq!(of_perf("<not supported>,,instructions:u,0,100.00,,"), None);
        assert_eq!(
            of_cachegrind("events: Ir\nsummary: 4846142\n"),
            Some(4_846_142.0)
        );
        assert_eq!(of_cachegrind("events: Ir\n"), None);
    }

    #[test]
    fn counts_of_all_processes_are_added_up_and_none_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let total = || Counter::Cachegrind.total(folder.path());
        assert!(total().unwrap_err().contains("did not end"));
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("server.log", "summary: 1\n");
        write("cachegrind.10", "summary: 100\n");
        write("cachegrind.11", "summary: 23\n");
        assert_eq!(total(), Ok(123.0));
        write("cachegrind.12", "desc: cut short\n");
        assert_eq!(
            total().unwrap_err(),
            "none in cachegrind.12, which begins: desc: cut short"
        );
    }
}
