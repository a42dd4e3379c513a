//! What a verb was asked to print arrives, or the verb says that it did not: standard output and standard error that are
//! full, closed, or no longer read.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "a run that is not interrupted needs less")]
mod command;

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use command::{Place, stderr};

const SCENARIO: &str = r#"
name = "s"
question = "?"
[flags]
policy = "allow-all"
password = "sha256"
[[variant]]
name = "open"
flags = {}
[[step]]
name = "items"
request = "GET /items/"
[[load]]
name = "one-user"
users = 1
journey = ["items"]
profile.quick = { blocks = 2, slice = "30ms", warm_up = "20ms" }
"#;

/// Where a stream goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    /// Each write fails with ENOSPC.
    Full,
    /// The reader has gone: EPIPE.
    Gone,
    /// Closed by the shell: the runtime of Rust puts /dev/null in its place.
    Closed,
}

const OUTPUTS: [(Option<To>, Option<To>); 6] = [
    (Some(To::Full), None),
    (Some(To::Gone), None),
    (Some(To::Closed), None),
    (None, Some(To::Full)),
    (None, Some(To::Gone)),
    (None, Some(To::Closed)),
];

fn full() -> Stdio {
    File::options()
        .write(true)
        .open("/dev/full")
        .unwrap()
        .into()
}

fn gone() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// Runs a verb in the place, with its streams going there. What goes nowhere special is kept.
fn run(
    place: &Place,
    words: &[&str],
    input: &str,
    stdout: Option<To>,
    stderr: Option<To>,
) -> Output {
    let mut command = Command::new("sh");
    let closes = |to, how| if to == Some(To::Closed) { how } else { "" };
    let script = format!(
        "exec \"$0\" \"$@\" {} {}",
        closes(stdout, ">&-"),
        closes(stderr, "2>&-")
    );
    command
        .args(["-c", &script, env!("CARGO_BIN_EXE_authlab")])
        .args(words)
        .current_dir(place.path())
        .env("AUTHLAB_CLIENT_PASSWORD", "password456")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    match stdout {
        Some(To::Full) => command.stdout(full()),
        Some(To::Gone) => command.stdout(gone()),
        Some(To::Closed) | None => &mut command,
    };
    match stderr {
        Some(To::Full) => command.stderr(full()),
        Some(To::Gone) => command.stderr(gone()),
        Some(To::Closed) | None => &mut command,
    };
    let mut child = command.spawn().unwrap();
    // A verb that reads nothing may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// A server for the client and for loads; it ends with the test.
struct Server(Child, String);

impl Server {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_authlab"))
            .args(["serve", "--listen", "127.0.0.1:0", "--password", "sha256"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("authlab listening on ").unwrap();
        Self(child, url.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn each_verb_says_when_its_output_was_lost_and_none_depends_on_standard_error() {
    let place = Place::new();
    place.write("s.toml", SCENARIO);
    let server = Server::start();
    let url = &*server.1;
    let healthz = format!("{url}/healthz");
    let made = place.authlab(&["run", "s.toml"]);
    let folder = place.run();
    let folder = folder.to_str().unwrap();
    assert!(folder.contains("runs"), "{}", stderr(&made));
    let login = place
        .command(&["client", url, "login", "--user", "jane"])
        .env("AUTHLAB_CLIENT_PASSWORD", "password456")
        .output()
        .unwrap();
    let token = String::from_utf8(login.stdout).unwrap();
    let token = token.trim();

    let measured = &["-d", "60ms", "--warm-up", "1ms", "--timeout", "5s"][..];
    let with = |words: &[&'static str]| [&["load", &*healthz], words, measured].concat();
    let (load, load_json) = (with(&[]), with(&["--json"]));
    let (any, done): (&[i32], &[i32]) = (&[0, 1, 3], &[0]);
    // The verb, its input, its exit codes, and whether it takes long: then only the first output is tried.
    let verbs: [(&[&str], &str, &[i32], bool); 21] = [
        (&["--help"], "", done, false),
        (&["--version"], "", done, false),
        (&["serve", "--help"], "", done, false),
        (&["serve", "--list-presets"], "", done, false),
        (&["completions", "bash"], "", done, false),
        (&["report", folder], "", done, false),
        (&["compare", folder, folder], "", any, false),
        (
            &["compare", folder, folder, "--format", "markdown"],
            "",
            any,
            false,
        ),
        (
            &["compare", folder, folder, "--format", "json"],
            "",
            any,
            false,
        ),
        (&["client", url, "login", "--user", "jane"], "", done, false),
        (
            &["client", url, "login", "--user", "jane", "--json"],
            "",
            done,
            false,
        ),
        (&["client", url, "items", "--token", token], "", done, false),
        (
            &["client", url, "items", "--token", token, "--json"],
            "",
            done,
            false,
        ),
        (
            &["client", url, "items", "--token", "x", "--json"],
            "",
            &[1],
            false,
        ),
        (
            &["client", url, "account", "--token", token],
            "",
            done,
            false,
        ),
        (&["client", url], "jane\npassword456\nquit\n", done, false),
        (&load, "", any, true),
        (&load_json, "", any, true),
        (&["run", "s.toml"], "", any, true),
        (&["run", "s.toml", "--json"], "", any, true),
        (&["calibrate", "--smoke"], "", any, true),
    ];
    for (words, input, codes, takes_long) in verbs {
        for (stdout, stderr) in &OUTPUTS[..if takes_long { 1 } else { OUTPUTS.len() }] {
            let output = run(&place, words, input, *stdout, *stderr);
            let what = format!("{words:?} > {stdout:?} 2> {stderr:?}: {output:?}");
            let code = output.status.code().unwrap_or_else(|| panic!("{what}"));
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!errors.contains("panicked"), "{what}");
            // The dialogue's question stands before it.
            let lost = errors
                .matches("authlab: cannot write to standard output: No space left")
                .count();
            if *stdout == Some(To::Full) {
                assert_eq!((code, lost), (2, 1), "{what}");
            } else {
                assert!(codes.contains(&code), "{what}");
                assert_eq!(lost, 0, "{what}");
            }
            if stdout.is_none() {
                assert!(!output.stdout.is_empty(), "{what}");
            }
        }
    }
}

#[test]
fn a_pipe_that_is_not_blocking_gets_all_of_it() {
    let place = Place::new();
    let words = ["completions", "zsh"];
    let all = place.authlab(&words).stdout;
    let (mut reader, writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    // The verb meets a pipe that is full.
    let mut before = 0;
    while let Ok(written) = rustix::io::write(&writer, &[b'x'; 4096]) {
        before += written;
    }
    let mut child = place.command(&words).stdout(writer).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let mut read = Vec::new();
    reader.read_to_end(&mut read).unwrap();
    assert!(child.wait().unwrap().success());
    let read = &read[before..];
    assert!(read == all, "{} of {} bytes", read.len(), all.len());
}

/// `println!` and its kind are denied by a lint; this is for what a lint does not see.
#[test]
fn standard_output_is_written_in_one_place_of_each_crate() {
    fn search(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                search(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                if text.contains("stdout()") || text.contains("/dev/stdout") {
                    found.push(path.display().to_string());
                }
            }
        }
    }
    let mut found = Vec::new();
    for folder in [
        "src",
        "server/src",
        "loadtest/src",
        "reports/src",
        "workshop/src",
    ] {
        search(Path::new(folder), &mut found);
    }
    found.sort();
    assert_eq!(
        found,
        [
            "loadtest/src/output.rs",
            "server/src/log.rs",
            "server/src/serve.rs"
        ]
    );
}
