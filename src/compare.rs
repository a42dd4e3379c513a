//! `authlab compare`: two variants of a run, or two runs, with limits that a script can act on; or two
//! of criterion's baselines.

mod baselines;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use authlab_reports::compare::{self, Limit};
use authlab_reports::folder;

use crate::format::Format;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// One run with --base and --head, or two runs, the baseline first
    #[arg(required_unless_present = "criterion", num_args = 1..=2)]
    runs: Vec<PathBuf>,
    /// Variant that is the baseline
    #[arg(long)]
    base: Option<String>,
    /// Variant that is the candidate
    #[arg(long)]
    head: Option<String>,
    /// Exit 1 when the candidate exceeds this limit, e.g. 'p50 > 20%' or 'p99 > 50ms, errors > 0.1%'
    #[arg(long, value_name = "LIMIT")]
    fail_over: Vec<String>,
    #[command(flatten)]
    baselines: baselines::Wanted,
    /// Format of the output
    #[arg(long, default_value = "text", value_parser = Format::of_reports())]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if let Some(both) = arguments.baselines.read(!arguments.fail_over.is_empty())? {
        arguments.format.print(&both.document(), both.json())?;
        return Ok(ExitCode::from(both.exit_code));
    }
    let mut limits = Vec::new();
    for text in &arguments.fail_over {
        limits.extend(Limit::parse_all(text)?);
    }
    let comparison = match (arguments.runs.as_slice(), &arguments.base, &arguments.head) {
        ([run], Some(base), Some(head)) => {
            compare::within(&folder::read(run)?, base, head, &limits)?
        }
        ([base, head], None, None) => {
            compare::between(&folder::read(base)?, &folder::read(head)?, &limits)
        }
        ([_], ..) => {
            bail!("one run is compared within: name two of its variants with --base and --head")
        }
        _ => bail!("two runs are compared whole: leave out --base and --head"),
    };
    let format = arguments.format;
    format.print(&comparison.document(), comparison.json())?;
    Ok(ExitCode::from(comparison.exit_code))
}
