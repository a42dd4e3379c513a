//! A duel repeated from its run: the words are in it, but for what may be a secret.

use std::path::Path;

use anyhow::{Context, bail};
use authlab_reports::folder;
use authlab_reports::withhold::{self, WITHHELD};
use clap::Parser;

use super::Arguments;

#[derive(Parser)]
struct Repeated {
    #[command(flatten)]
    arguments: Arguments,
}

/// The arguments of the duel that `run` holds; where its outputs go is as typed now, and so is what
/// was withheld.
pub(super) fn arguments(run: &Path, typed: Arguments) -> anyhow::Result<Arguments> {
    let run = folder::read(run)?;
    let words = match run.command.as_slice() {
        [authlab, verb, words @ ..] if (authlab.as_str(), verb.as_str()) == ("authlab", "duel") => {
            words
        }
        _ => bail!(
            "run {} is no duel: it was made by `{}`",
            run.id,
            run.command.join(" ")
        ),
    };
    let words = std::iter::once(&run.command[0]).chain(words);
    let mut arguments = Repeated::try_parse_from(words)
        .ok()
        .context("the run's words are not those of this authlab: repeat the duel by its flags")?
        .arguments;
    arguments.requests.fill_withheld(&typed.requests)?;
    fill_withheld("--base", &mut arguments.base, typed.base, withhold::command)?;
    fill_withheld("--head", &mut arguments.head, typed.head, withhold::command)?;
    fill_withheld("--ready", &mut arguments.ready, typed.ready, withhold::url)?;
    arguments.inconclusive = typed.inconclusive;
    arguments.format = typed.format;
    arguments.out = typed.out;
    arguments.runs = typed.runs;
    Ok(arguments)
}

/// Puts what was withheld from a value of the run's words back, from what is typed again. What is typed has to be the same but
/// for that: another command would be another duel.
fn fill_withheld(
    option: &str,
    written: &mut Option<String>,
    typed: Option<String>,
    withheld: impl Fn(&str) -> String,
) -> anyhow::Result<()> {
    let Some(text) = written.as_ref() else {
        return Ok(());
    };
    match typed {
        Some(typed) if withheld(&typed) == *text => {
            *written = Some(typed);
            Ok(())
        }
        Some(typed) => bail!(
            "{option} `{}` is not that of the run, which is `{text}`",
            withheld(&typed)
        ),
        None if text.contains(WITHHELD) => bail!(
            "credentials in {option} `{text}` were not written down: give it again, with {option} '…'"
        ),
        None => Ok(()),
    }
}
