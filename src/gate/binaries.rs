//! The same source built with another layout of its code: what layout alone makes of a duel.

use std::path::PathBuf;

use super::Bench;
use super::live::fight_all;
use super::report::Live;
use super::servers::reference_of;

/// Each binary against the first.
pub(super) fn fight(bench: &Bench, layouts: &[PathBuf]) -> anyhow::Result<Live> {
    let Some((first, others)) = layouts.split_first() else {
        anyhow::bail!("--layouts needs a binary");
    };
    let first = first.display().to_string();
    let pairs = others.iter().map(|binary| {
        let head = reference_of(&binary.display().to_string(), "head");
        (
            "layout".to_owned(),
            vec![reference_of(&first, "base"), head],
        )
    });
    fight_all(bench, 0.0, pairs)
}
