//! Builds of commits, each in a folder of its own, remembered by the files of the commit and the command that built them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, bail};
use authlab_loadtest::interrupt;
use authlab_loadtest::server::{Launcher, Supervised};

use super::history::{Commit, git};

/// More are not kept: those that were not used for the longest time are removed.
const MOST_BUILDS: usize = 16;
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The folder of builds.
pub(super) struct Builds {
    folder: PathBuf,
    command: String,
    /// Of the command.
    key: String,
    /// Why a tree does not build: it is tried once.
    failed: BTreeMap<String, String>,
}

/// A build, or why there is none.
pub(super) type Built = Result<Side, String>;

/// The folder of a build.
#[derive(Debug, Clone)]
pub(super) struct Side {
    pub(super) folder: PathBuf,
    /// How long it took; none where it was there.
    pub(super) seconds: Option<f64>,
}

impl Builds {
    pub(super) fn open(folder: &Path, command: &str) -> anyhow::Result<Self> {
        let cannot = || format!("cannot make {}", folder.display());
        fs::create_dir_all(folder).with_context(cannot)?;
        let folder = folder.canonicalize().with_context(cannot)?;
        let text = folder.to_str().unwrap_or_default();
        if shlex::try_quote(text)
            .ok()
            .is_none_or(|quoted| quoted != text)
        {
            bail!(
                "--builds {}: a command line would have to quote this path: choose one of letters, digits, `/`, `-`, `_` and `.`",
                folder.display()
            );
        }
        Ok(Self {
            key: key(command),
            command: command.to_owned(),
            folder,
            failed: BTreeMap::new(),
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The build of a commit, made where it is not there. Those of `in_use` are not removed for it.
    pub(super) fn of(&mut self, commit: &Commit, in_use: &[&Commit]) -> anyhow::Result<Built> {
        let name = self.name(commit);
        let folder = self.folder.join(&name);
        let built = self.folder.join(format!("{name}.built"));
        if let Ok(marker) = File::options().append(true).open(&built) {
            // The last use, by which builds are removed.
            let _ = marker.set_modified(SystemTime::now());
            return Ok(Ok(Side {
                folder,
                seconds: None,
            }));
        }
        if let Some(why) = self.failed.get(&commit.tree) {
            return Ok(Err(why.clone()));
        }
        let began = Instant::now();
        check_out(commit, &folder)?;
        let log = self.folder.join(format!("{name}.log"));
        let ended = self.build(&folder, &log)?;
        // From here on these are plain files, and the repository does not know of them.
        let _ = fs::remove_file(folder.join(".git"));
        git(&["worktree", "prune"])?;
        if let Err(why) = ended {
            let _ = fs::remove_dir_all(&folder);
            self.failed.insert(commit.tree.clone(), why.clone());
            return Ok(Err(why));
        }
        fs::write(&built, &commit.id)
            .with_context(|| format!("cannot write {}", built.display()))?;
        self.remove_oldest(commit, in_use);
        Ok(Ok(Side {
            folder,
            seconds: Some(began.elapsed().as_secs_f64()),
        }))
    }

    fn name(&self, commit: &Commit) -> String {
        let tree = commit.tree.get(..16).unwrap_or(&commit.tree);
        format!("{tree}-{}", self.key)
    }

    /// The command of the build, in a shell on all cores. It ends with this tool, with all that it started.
    fn build(&self, folder: &Path, log: &Path) -> anyhow::Result<Result<(), String>> {
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let words = ["sh", "-e", "-c", &self.command].map(str::to_owned);
        let mut command = Launcher::anywhere()?.command(&words);
        command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        // What git sets for its hooks and aliases names another repository than the checkout's.
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(name);
        }
        let mut build = Supervised::spawn(&mut command).context("cannot start the build")?;
        loop {
            if interrupt::requested() {
                return Ok(Err("interrupted".to_owned()));
            }
            match build.ended() {
                Some(status) if status.success() => return Ok(Ok(())),
                Some(status) => {
                    return Ok(Err(format!(
                        "does not build ({status}): see {}",
                        log.display()
                    )));
                }
                None => std::thread::sleep(LOOK_EVERY),
            }
        }
    }

    fn remove_oldest(&self, just_built: &Commit, in_use: &[&Commit]) {
        let kept: Vec<String> = in_use
            .iter()
            .copied()
            .chain([just_built])
            .map(|commit| self.name(commit))
            .collect();
        let mut others: Vec<(SystemTime, String)> = self
            .all()
            .into_iter()
            .filter(|(_, name)| !kept.contains(name))
            .collect();
        others.sort();
        let too_many = (others.len() + kept.len()).saturating_sub(MOST_BUILDS);
        for (_, name) in others.into_iter().take(too_many) {
            // Without its marker it is no build any more, whatever is left of it.
            let _ = fs::remove_file(self.folder.join(format!("{name}.built")));
            let _ = fs::remove_dir_all(self.folder.join(&name));
            let _ = fs::remove_file(self.folder.join(format!("{name}.log")));
        }
    }

    /// The builds that are kept, of this command and of others, and when they were used.
    fn all(&self) -> Vec<(SystemTime, String)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let builds = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let name = name.strip_suffix(".built")?.to_owned();
            Some((entry.metadata().ok()?.modified().ok()?, name))
        });
        builds.collect()
    }

    pub(super) fn count(&self) -> usize {
        self.all().len()
    }
}

/// A checkout of its own: the user's is not touched, and hooks are not run.
fn check_out(commit: &Commit, folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        // A build that was interrupted.
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
        git(&["worktree", "prune"])?;
    }
    let place = folder.display().to_string();
    let quiet = [
        "-c",
        "core.hooksPath=/dev/null",
        "worktree",
        "add",
        "--quiet",
    ];
    git(&[&quiet[..], &["--force", "--detach", &place, &commit.id]].concat())
        .with_context(|| format!("cannot check out {}", commit.short()))?;
    if folder.join(".gitmodules").exists() {
        git(&[
            "-C",
            &place,
            "submodule",
            "--quiet",
            "update",
            "--init",
            "--recursive",
        ])
        .with_context(|| format!("cannot check out the submodules of {}", commit.short()))?;
    }
    Ok(())
}

/// FNV-1a: the same for every build of this tool.
fn key(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")[..8].to_owned()
}
