//! Colours are for people at a terminal: never in a pipe, a file or a format of programs, and as the environment asks.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::process::{Command, Stdio};

const AUTHLAB: &str = env!("CARGO_BIN_EXE_authlab");
/// Variables that decide on colours.
const DECIDE: [&str; 5] = ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM", "CI"];
/// Variables of the environment.
type Variables = [(&'static str, &'static str)];
const ESCAPE: char = '\u{1b}';

/// `authlab report RUN --format …` of a published run.
fn words(format: &str) -> [String; 4] {
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/published/thousandfold");
    ["report", run.to_str().unwrap(), "--format", format].map(str::to_owned)
}

fn said(command: &mut Command, variables: &Variables) -> Option<String> {
    for variable in DECIDE {
        command.env_remove(variable);
    }
    command
        .env("SHELL", "/bin/sh")
        .envs(variables.iter().copied());
    let started = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    Some(String::from_utf8(started.ok()?.stdout).unwrap())
}

/// What standard output is on a terminal of its own; none where there is no `script`.
fn on_terminal(format: &str, variables: &Variables) -> Option<String> {
    let command = format!(
        "stty cols 80 rows 24; {AUTHLAB} {}",
        words(format).join(" ")
    );
    let words = ["--quiet", "--return", "--command", &command, "/dev/null"];
    said(Command::new("script").args(words), variables)
}

#[test]
fn a_terminal_has_colours_unless_the_environment_says_otherwise() {
    let xterm = ("TERM", "xterm");
    let table: [(&Variables, &str, bool); 6] = [
        (&[xterm], "text", true),
        (&[xterm, ("NO_COLOR", "1")], "text", false),
        (&[("TERM", "dumb")], "text", false),
        (&[xterm], "markdown", false),
        (&[xterm], "json", false),
        (&[xterm, ("CLICOLOR_FORCE", "1")], "markdown", false),
    ];
    for (variables, format, is_coloured) in table {
        let Some(text) = on_terminal(format, variables) else {
            assert!(std::env::var_os("CI").is_none(), "script is missing");
            eprintln!("skipped: no script (util-linux) on this machine");
            return;
        };
        assert!(text.contains("bcrypt-12"), "{variables:?}: {text}");
        assert_eq!(
            text.contains(ESCAPE),
            is_coloured,
            "{variables:?} {format}: {text:?}"
        );
    }
}

#[test]
fn a_pipe_has_none_unless_they_are_forced() {
    let piped = |format: &str, variables: &Variables| {
        said(Command::new(AUTHLAB).args(words(format)), variables).unwrap()
    };
    let plain = piped("text", &[("TERM", "xterm")]);
    assert!(
        plain.contains("× faster") && !plain.contains(ESCAPE),
        "{plain:?}"
    );
    let forced = piped("text", &[("TERM", "xterm"), ("CLICOLOR_FORCE", "1")]);
    assert!(forced.contains("\u{1b}[32m"), "{forced:?}");
    for format in ["json", "csv", "markdown"] {
        let text = piped(format, &[("CLICOLOR_FORCE", "1")]);
        assert!(!text.is_empty() && !text.contains(ESCAPE), "{format}");
    }
}
