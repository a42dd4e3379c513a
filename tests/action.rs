//! What `action.yml` and the GitLab job run: both sides of a repository are built and fought, and the
//! summary, the outcome and the artifacts are where a CI looks for them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod command;

use std::process::{Command, Output};

use command::{Place, stderr};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/duel");

/// Builds by copying, and serves by the binary under test.
const SERVER: &str = "#!/bin/sh\nexec \"$AUTHLAB\" null --listen \"127.0.0.1:$1\"\n";

fn git(place: &Place, words: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@localhost"])
        .args(words)
        .current_dir(place.path().join("repository"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository of two commits; answers with the first.
fn repository(place: &Place) -> String {
    std::fs::create_dir(place.path().join("repository")).unwrap();
    git(place, &["init", "-q"]);
    place.write("repository/server.sh", SERVER);
    git(place, &["add", "."]);
    git(place, &["commit", "-qm", "first"]);
    let first = git(place, &["rev-parse", "HEAD"]);
    git(place, &["commit", "-qm", "second", "--allow-empty"]);
    first
}

fn script(place: &Place, name: &str, words: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new("bash")
        .arg(format!("{SCRIPTS}/{name}"))
        .args(words)
        .envs(environment.iter().copied())
        .env("AUTHLAB", env!("CARGO_BIN_EXE_authlab"))
        .current_dir(place.path().join("repository"))
        .output()
        .unwrap()
}

#[test]
fn a_pull_requests_duel_posts_its_summary_and_keeps_its_run() {
    let place = Place::new();
    let first = repository(&place);
    let build = script(
        &place,
        "build.sh",
        &[&first, "../sides", "cp server.sh built.sh"],
        &[],
    );
    assert!(build.status.success(), "{}", stderr(&build));
    let (sides, out) = (place.path().join("sides"), place.path().join("out"));
    let file = |name: &str| place.path().join(name).display().to_string();
    let output = script(
        &place,
        "run.sh",
        &[sides.to_str().unwrap(), out.to_str().unwrap()],
        &[
            ("COMMAND", "sh {side}/built.sh {port}"),
            (
                "ARGUMENTS",
                "--slice 4ms --warm-up 10ms --inconclusive pass",
            ),
            ("BASE_NAME", "main"),
            ("HEAD_NAME", "feature/x"),
            ("GITHUB_STEP_SUMMARY", &file("summary.md")),
            ("GITHUB_OUTPUT", &file("outputs")),
        ],
    );
    let code = output.status.code().unwrap();
    assert!(matches!(code, 0 | 1), "{}", stderr(&output));
    let read = |name: &str| std::fs::read_to_string(place.path().join(name)).unwrap();
    assert!(
        read("summary.md").contains("feature-x"),
        "{}",
        read("summary.md")
    );
    let outcome = if code == 0 { "ok" } else { "limit-broken" };
    assert_eq!(read("outputs"), format!("outcome={outcome}\n"));
    for name in [
        "out/duel.xml",
        "out/duel.json",
        "out/duel.txt",
        "out/benchmark.json",
    ] {
        assert!(!read(name).is_empty());
    }
    assert_eq!(std::fs::read_dir(out.join("runs")).unwrap().count(), 1);
}

#[test]
fn a_base_that_is_not_given_or_does_not_build_is_told() {
    let place = Place::new();
    let first = repository(&place);
    let none = script(&place, "build.sh", &["", "../sides", "true"], &[]);
    assert_eq!(none.status.code(), Some(2));
    assert!(stderr(&none).contains("no base commit"));
    let fails = script(
        &place,
        "build.sh",
        &[&first, "../sides", "echo broken >&2; false"],
        &[],
    );
    assert!(!fails.status.success() && stderr(&fails).contains("broken"));
}

#[test]
fn the_action_names_only_files_that_are_there() {
    let root = env!("CARGO_MANIFEST_DIR");
    for file in ["action.yml", "deploy/duel/gitlab-ci.yml"] {
        let text = std::fs::read_to_string(format!("{root}/{file}")).unwrap();
        let names: Vec<_> = text
            .split(['"', ' ', '/'])
            .filter(|word| word.rsplit_once('.').is_some_and(|(_, end)| end == "sh"))
            .collect();
        assert!(!names.is_empty(), "{file}");
        for name in names {
            assert!(
                std::path::Path::new(&format!("{SCRIPTS}/{name}")).exists(),
                "{file}: {name}"
            );
        }
    }
}

#[test]
fn what_the_pages_give_the_action_is_what_it_takes() {
    let read = |name: &str| {
        std::fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    };
    let action = read("action.yml");
    let inputs = action.split("inputs:\n").nth(1).unwrap();
    let inputs = inputs.split("outputs:\n").next().unwrap();
    let named = |text: &str, indent: &str| -> Vec<String> {
        let names = text.lines().filter_map(|line| {
            let (name, _) = line.strip_prefix(indent)?.split_once(':')?;
            (!name.starts_with(' ')).then(|| name.to_owned())
        });
        names.collect()
    };
    let accepted = named(inputs, "  ");
    assert!(accepted.len() >= 5, "{accepted:?}");
    // The whole job, and the step alone.
    for (page, indent) in [("docs/ci.md", "          "), ("README.md", "    ")] {
        let page = read(page);
        let job = page.split("```yaml\n").nth(1).unwrap();
        let with = job.split("with:\n").nth(1).unwrap();
        let given = named(with.split("```").next().unwrap(), indent);
        for name in &given {
            assert!(accepted.contains(name), "{name} is none of {accepted:?}");
        }
        for name in &accepted {
            let about = inputs.split(&format!("  {name}:\n")).nth(1).unwrap();
            let needed = about.lines().nth(1) == Some("    required: true");
            assert!(!needed || given.contains(name), "{name} is missing");
        }
    }
}
