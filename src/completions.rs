//! `authlab completions`: what a shell needs to complete verbs, flags and their values, and the manual page.

use std::process::ExitCode;

use anyhow::Context;
use clap::builder::PossibleValue;
use clap::{Command, CommandFactory as _, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::output;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A shell, or `man` for the manual page
    #[arg(value_name = "SHELL|man")]
    of: Form,
}

/// What is printed.
#[derive(Clone, Copy)]
enum Form {
    Script(Shell),
    Manual,
}

impl ValueEnum for Form {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Script(Shell::Bash),
            Self::Script(Shell::Elvish),
            Self::Script(Shell::Fish),
            Self::Script(Shell::PowerShell),
            Self::Script(Shell::Zsh),
            Self::Manual,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Script(shell) => shell.to_possible_value(),
            Self::Manual => Some(PossibleValue::new("man")),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    match arguments.of {
        Form::Script(shell) => clap_complete::generate(shell, &mut shown(), "authlab", &mut text),
        Form::Manual => manual(&mut text).context("cannot make the manual page")?,
    }
    output::write(&String::from_utf8_lossy(&text));
    Ok(ExitCode::SUCCESS)
}

/// The command without its hidden verbs, which clap's scripts would offer.
fn shown() -> Command {
    let whole = crate::Arguments::command();
    let verbs = whole.get_subcommands().filter(|verb| !verb.is_hide_set());
    let about = whole.get_about().cloned().unwrap_or_default();
    let after = whole.get_after_help().cloned().unwrap_or_default();
    Command::new("authlab")
        .version(env!("CARGO_PKG_VERSION"))
        .about(about)
        .after_help(after)
        .args(whole.get_arguments().cloned())
        .subcommands(verbs.cloned())
}

/// One page: the command, then a section for each verb.
fn manual(page: &mut Vec<u8>) -> std::io::Result<()> {
    let mut command = shown().disable_help_subcommand(true);
    command.build();
    let man = Man::new(command.clone());
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    for verb in command.get_subcommands() {
        let name = verb.get_name().to_uppercase();
        page.extend_from_slice(format!(".SH \"AUTHLAB {name}\"\n").as_bytes());
        let man = Man::new(verb.clone());
        let mut section = Vec::new();
        man.render_description_section(&mut section)?;
        man.render_synopsis_section(&mut section)?;
        man.render_options_section(&mut section)?;
        man.render_extra_section(&mut section)?;
        // A verb's sections are parts of its own section.
        let section = String::from_utf8_lossy(&section).replace(".SH ", ".SS ");
        page.extend_from_slice(section.as_bytes());
    }
    man.render_extra_section(page)?;
    man.render_version_section(page)
}
