//! A repository whose commits change how long a server works: nothing, 2 % up and down again, and once by more.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, bail};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// CPU time of a request before any change, microseconds.
const WORK_US: f64 = 1_000.0;
/// What a small change adds, or takes away again.
const SMALL: f64 = 0.02;

/// Copies what a commit says.
pub(super) const BUILD: &str = "cp work built";
pub(super) const SERVE: &str = "sh {side}/serve.sh {side}/built {port}";

/// It is removed when this is dropped.
pub(super) struct Repository {
    folder: PathBuf,
    pub(super) good: String,
    pub(super) bad: String,
    /// The subject of the commit that made it slower.
    pub(super) culprit: String,
}

impl Repository {
    pub(super) fn make(authlab: &Path, commits: u16, cost: u8, seed: u64) -> anyhow::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("authlab-bisect-{}-{number}", std::process::id());
        let mut made = Self {
            folder: std::env::temp_dir().join(name),
            good: String::new(),
            bad: String::new(),
            culprit: String::new(),
        };
        std::fs::create_dir_all(made.checkout()).context("cannot make a repository")?;
        made.git(&["init", "-q"])?;
        let script = format!(
            "exec '{}' null --listen 127.0.0.1:$2 --work \"$(cat \"$1\")\"\n",
            authlab.display()
        );
        made.write("serve.sh", &script)?;
        let mut random = StdRng::seed_from_u64(seed);
        let changes = changes(&mut random, commits, f64::from(cost) / 100.0);
        let mut factor = 1.0;
        for (number, change) in changes.into_iter().enumerate() {
            factor += change.by();
            made.write("work", &format!("{:.3}us\n", WORK_US * factor))?;
            made.write("notes", &format!("{number}\n"))?;
            let subject = format!("{number}: {}", change.words());
            made.git(&["add", "."])?;
            made.git(&["commit", "-qm", &subject])?;
            made.bad = made.git(&["rev-parse", "HEAD"])?;
            if number == 0 {
                made.good.clone_from(&made.bad);
            }
            if matches!(change, Change::Slowdown(_)) {
                made.culprit = subject;
            }
        }
        Ok(made)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn checkout(&self) -> PathBuf {
        self.folder.join("checkout")
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let file = self.checkout().join(name);
        std::fs::write(&file, text).with_context(|| file.display().to_string())
    }

    fn git(&self, words: &[&str]) -> anyhow::Result<String> {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=authlab",
                "-c",
                "user.email=authlab@localhost",
            ])
            .args([
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(words)
            .current_dir(self.checkout())
            .output()
            .context("cannot run git")?;
        if !output.status.success() {
            bail!(
                "git {}: {}",
                words[0],
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What a commit changes of the time for which the server works, as a share of the first commit's.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    Nothing,
    Small(f64),
    Slowdown(f64),
}

impl Change {
    fn by(self) -> f64 {
        match self {
            Self::Nothing => 0.0,
            Self::Small(by) | Self::Slowdown(by) => by,
        }
    }

    fn words(self) -> String {
        match self {
            Self::Nothing => "nothing".to_owned(),
            Self::Small(by) | Self::Slowdown(by) => format!("{:+.0} %", by * 100.0),
        }
    }
}

/// One slowdown at a random place after the first commit; a third of the others are small changes, which never add up to
/// more than one of them.
fn changes(random: &mut StdRng, commits: u16, cost: f64) -> Vec<Change> {
    let culprit = random.random_range(1..commits);
    let mut level = 0.0;
    let change = |number| {
        if number == culprit {
            return Change::Slowdown(cost);
        }
        if number == 0 || random.random_bool(2.0 / 3.0) {
            return Change::Nothing;
        }
        let sign = if level == 0.0 {
            [-1.0, 1.0][usize::from(random.random_bool(0.5))]
        } else {
            -level
        };
        level += sign;
        Change::Small(sign * SMALL)
    };
    (0..commits).map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_commit_makes_it_slower_and_the_others_never_add_up() {
        let mut places = Vec::new();
        for seed in 0..200 {
            let changes = changes(&mut StdRng::seed_from_u64(seed), 64, 0.1);
            assert_eq!((changes.len(), changes[0]), (64, Change::Nothing));
            let is_slowdown = |change: &Change| *change == Change::Slowdown(0.1);
            assert_eq!(
                changes.iter().filter(|change| is_slowdown(change)).count(),
                1
            );
            places.extend(changes.iter().position(is_slowdown));
            let mut level: f64 = 0.0;
            for change in changes.iter().filter(|change| !is_slowdown(change)) {
                level += change.by();
                assert!(level.abs() < SMALL + 1e-9, "{seed}: {level}");
            }
            assert!(
                changes
                    .iter()
                    .any(|change| matches!(change, Change::Small(_)))
            );
        }
        assert!(places.contains(&1) && places.contains(&63), "{places:?}");
    }
}
