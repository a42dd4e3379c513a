//! `authlab compare --criterion`: two baselines that criterion saved, described.

use std::path::PathBuf;

use anyhow::bail;
use authlab_reports::micro::baselines::{self, Baselines};

// Flattened into the verb's arguments. Not a doc comment: clap would make it the verb's own.
#[derive(clap::Args)]
pub(super) struct Wanted {
    /// Two baselines of criterion (`--save-baseline NAME`) instead of runs; described without a verdict
    #[arg(
        long,
        num_args = 2,
        value_names = ["BASE", "NEW"],
        conflicts_with_all = ["runs", "base", "head"]
    )]
    criterion: Option<Vec<String>>,
    /// Criterion's folder
    #[arg(
        long,
        value_name = "FOLDER",
        default_value = "target/criterion",
        requires = "criterion",
        conflicts_with = "runs"
    )]
    criterion_home: PathBuf,
}

impl Wanted {
    /// The baselines, where they were asked for.
    pub(super) fn read(&self, limited: bool) -> anyhow::Result<Option<Baselines>> {
        let Some([base, new]) = self.criterion.as_deref() else {
            return Ok(None);
        };
        if limited {
            bail!(
                "--fail-over judges nothing here: two saved baselines are separate runs; `authlab duel --bench` runs \
                 both binaries in alternation and judges them"
            );
        }
        if !self.criterion_home.is_dir() {
            bail!(
                "{}: no folder of criterion's: `cargo bench -- --save-baseline NAME` makes one, --criterion-home says where",
                self.criterion_home.display()
            );
        }
        Ok(Some(baselines::read(&self.criterion_home, base, new)?))
    }
}
