//! `authlab completions`: what a shell needs to complete verbs, flags and their values.

use std::process::ExitCode;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use crate::output;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The shell that reads it
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut shown(), "authlab", &mut script);
    output::write(&String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}

/// The command without the verbs that it keeps to itself: clap's scripts would offer them.
fn shown() -> Command {
    let whole = crate::Arguments::command();
    let verbs = whole.get_subcommands().filter(|verb| !verb.is_hide_set());
    Command::new("authlab")
        .version(env!("CARGO_PKG_VERSION"))
        .args(whole.get_arguments().cloned())
        .subcommands(verbs.cloned())
}
