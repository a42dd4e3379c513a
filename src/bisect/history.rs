//! The commits between two revisions, as git tells them.

use std::process::Command;

use anyhow::{Context, bail};
use serde::Serialize;

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Commit {
    pub(super) id: String,
    pub(super) subject: String,
    /// Its files: commits with the same are the same server.
    #[serde(skip)]
    pub(super) tree: String,
}

impl Commit {
    /// As people write it.
    pub(super) fn short(&self) -> &str {
        self.id.get(..10).unwrap_or(&self.id)
    }
}

/// What a git command says.
///
/// # Errors
/// The last line that it says of a failure.
pub(super) fn git(words: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("git")
        .args(words)
        .output()
        .context("cannot run git")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().rfind(|line| !line.trim().is_empty());
        bail!("git {}: {}", words[0], said.unwrap_or("failed"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The commit of a revision.
pub(super) fn commit(option: &str, revision: &str) -> anyhow::Result<Commit> {
    git(&["rev-parse", "--git-dir"]).context("the current folder is in no git repository")?;
    let peeled = format!("{revision}^{{commit}}");
    let id = git(&[
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &peeled,
    ]);
    let id = id.map_err(|_| anyhow::anyhow!("{option} {revision}: no such commit here"))?;
    let listed = listed(&["--max-count=1", id.trim()])?;
    listed.into_iter().next().context("git told no commit")
}

/// The commits after the good one, the oldest first, along first parents: what a merge brought is one commit.
pub(super) fn between(good: &Commit, bad: &Commit) -> anyhow::Result<Vec<Commit>> {
    if good.id == bad.id {
        bail!("--good and --bad are the same commit, {}", good.short());
    }
    if git(&["merge-base", "--is-ancestor", &good.id, &bad.id]).is_err() {
        bail!(
            "--good {} is no ancestor of --bad {} (in a shallow clone git does not know: `git fetch --unshallow`)",
            good.short(),
            bad.short()
        );
    }
    let range = format!("{}..{}", good.id, bad.id);
    listed(&["--first-parent", "--reverse", &range])
}

fn listed(words: &[&str]) -> anyhow::Result<Vec<Commit>> {
    let told = git(&[
        &["log", "--no-show-signature", "--format=%H%x09%T%x09%s"],
        words,
        &["--"],
    ]
    .concat())?;
    let commits = told.lines().filter_map(|line| {
        let mut parts = line.splitn(3, '\t').map(str::to_owned);
        Some(Commit {
            id: parts.next()?,
            tree: parts.next()?,
            subject: parts.next()?,
        })
    });
    Ok(commits.collect())
}
