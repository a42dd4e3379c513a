//! What `action.yml` and the GitLab job run: both sides of a repository are built and fought, and the
//! summary, the outcome and the artifacts are where a CI looks for them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod command;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
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
                "--slice 4ms --warm-up 10ms --within 2s\n--header 'x-quoted: a \"b\" $HOME' --inconclusive pass",
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
    let of_code = |outcome: &str| match outcome {
        "faster" | "no-change" | "inconclusive" => Some(0),
        "slower" => Some(1),
        _ => None,
    };
    let outputs = read("outputs");
    let outcome = outputs.trim().strip_prefix("outcome=").unwrap();
    assert_eq!(of_code(outcome), Some(code), "{outputs}");
    // Nothing of it was expanded, and what was quoted is one word.
    let run = std::fs::read_dir(out.join("runs")).unwrap().next().unwrap();
    let written = std::fs::read_to_string(run.unwrap().path().join("run.json")).unwrap();
    assert!(written.contains("\"x-quoted: "), "{written}");
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

/// A program that stands on the path in place of another, and writes down what it was given.
fn stub(place: &Place, name: &str, script: &str) -> String {
    let folder = place.path().join("stubs");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join(name);
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    format!("{}:{path}", folder.display())
}

#[test]
fn each_end_of_a_duel_has_its_exit_code_annotation_and_output() {
    let place = Place::new();
    repository(&place);
    let ends = "for word; do [ \"$last\" = --out ] && out=$word; last=$word; done
        printf 'exit %s, %s · repeat: x\\n' \"$CODE\" \"$WORD\" >\"$out/duel.txt\"; exit \"$CODE\"";
    stub(&place, "authlab", ends);
    let authlab = place.path().join("stubs/authlab").display().to_string();
    // The duel's code and word, the input: the job's code, the annotation, the output.
    for (code, word, inconclusive, expected, annotation, outcome) in [
        ("1", "slower", "neutral", 1, "::error ", "slower"),
        ("0", "faster", "neutral", 0, "::notice ", "faster"),
        ("0", "no change", "neutral", 0, "::notice ", "no-change"),
        (
            "3",
            "inconclusive",
            "neutral",
            0,
            "::warning ",
            "inconclusive",
        ),
        ("3", "inconclusive", "pass", 0, "", "inconclusive"),
        ("3", "inconclusive", "fail", 1, "::error ", "inconclusive"),
        ("3", "inconclusive", "", 3, "::warning ", "inconclusive"),
        ("3", "not valid", "neutral", 0, "::warning ", "inconclusive"),
        ("0", "not valid", "", 0, "::warning ", "inconclusive"),
        ("2", "", "neutral", 2, "::error ", "failed"),
        ("1", "does not answer", "neutral", 1, "::error ", "failed"),
        ("2", "", "maybe", 2, "", ""),
    ] {
        let outputs = place.path().join("outputs");
        let _ = std::fs::remove_file(&outputs);
        let output = Command::new("bash")
            .arg(format!("{SCRIPTS}/run.sh"))
            .args(["../sides", "../out"])
            .env("AUTHLAB", &authlab)
            .env("CODE", code)
            .env("WORD", word)
            .env("COMMAND", "true")
            .env("INCONCLUSIVE", inconclusive)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_OUTPUT", &outputs)
            .current_dir(place.path().join("repository"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let case = format!("{code} {word} {inconclusive}: {said}");
        assert_eq!(output.status.code(), Some(expected), "{case}");
        let annotated = said.lines().filter(|line| line.starts_with("::")).count();
        assert_eq!(annotated, usize::from(!annotation.is_empty()), "{case}");
        assert!(said.contains(annotation), "{case}");
        let written = std::fs::read_to_string(&outputs).unwrap_or_default();
        let line = match outcome {
            "" => String::new(),
            outcome => format!("outcome={outcome}\n"),
        };
        assert_eq!(written, line, "{case}");
    }
}

#[test]
fn a_first_push_and_a_base_that_is_gone_are_inconclusive_and_not_failures() {
    let place = Place::new();
    repository(&place);
    let gone = "1".repeat(40);
    for base in ["0".repeat(40), gone] {
        let build = script(&place, "build.sh", &[&base, "../sides", "false"], &[]);
        assert_eq!(build.status.code(), Some(0), "{}", stderr(&build));
        assert!(stderr(&build).contains("nothing to compare with"));
        let outputs = place.path().join("outputs").display().to_string();
        let duel = |inconclusive| {
            let environment = [
                ("COMMAND", "true"),
                ("INCONCLUSIVE", inconclusive),
                ("GITHUB_OUTPUT", &outputs),
            ];
            script(&place, "run.sh", &["../sides", "../out"], &environment)
        };
        assert_eq!(duel("neutral").status.code(), Some(0));
        assert_eq!(duel("fail").status.code(), Some(1));
        let written = std::fs::read_to_string(&outputs).unwrap();
        assert!(written.ends_with("outcome=inconclusive\n"), "{written}");
        let summary = std::fs::read_to_string(place.path().join("out/duel.md")).unwrap();
        assert!(summary.contains("nothing to compare with"), "{summary}");
    }
}

#[test]
fn a_quote_that_is_not_closed_is_told() {
    let place = Place::new();
    repository(&place);
    let environment = [("COMMAND", "true"), ("ARGUMENTS", "-H 'x-key: s3cret")];
    let output = script(&place, "run.sh", &["../sides", "../out"], &environment);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output) + &String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("cannot be split into words") && !said.contains("s3cret"),
        "{said}"
    );
}

#[test]
fn both_sides_have_their_submodules() {
    let place = Place::new();
    let first = repository(&place);
    std::fs::create_dir(place.path().join("library")).unwrap();
    let library = place.path().join("library").display().to_string();
    git(&place, &["init", "-q", &library]);
    place.write("library/code.txt", "code");
    git(&place, &["-C", &library, "add", "."]);
    git(&place, &["-C", &library, "commit", "-qm", "library"]);
    let allowed = ["-c", "protocol.file.allow=always"];
    let add = ["submodule", "--quiet", "add", &library, "vendored"];
    git(&place, &[&allowed[..], &add].concat());
    git(&place, &["commit", "-qm", "a submodule"]);
    // The base has none yet.
    let build = "[ ! -e .gitmodules ] || cat vendored/code.txt >built";
    let environment = [
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "protocol.file.allow"),
        ("GIT_CONFIG_VALUE_0", "always"),
    ];
    let output = script(
        &place,
        "build.sh",
        &[&first, "../sides", build],
        &environment,
    );
    assert!(output.status.success(), "{}", stderr(&output));
    let vendored = std::fs::read_to_string(place.path().join("sides/head/built"));
    assert_eq!(vendored.unwrap(), "code");
    assert!(!place.path().join("sides/base/built").exists());
}

#[test]
fn authlab_comes_from_the_cache_from_a_release_with_its_checksum_or_is_built_lean() {
    let place = Place::new();
    repository(&place);
    std::fs::create_dir(place.path().join("binary")).unwrap();
    place.write("binary/authlab", "#!/bin/sh\necho released\n");
    let executable = Permissions::from_mode(0o755);
    std::fs::set_permissions(place.path().join("binary/authlab"), executable).unwrap();
    let releases = place.path().join("releases");
    let version = releases.join("v1.2.3").display().to_string();
    let binary = place.path().join("binary/authlab").display().to_string();
    let root = env!("CARGO_MANIFEST_DIR");
    let archived = Command::new("bash")
        .args([&format!("{root}/deploy/release.sh"), &binary, &version])
        .status();
    assert!(archived.unwrap().success());
    let path = stub(&place, "cargo", "echo cargo \"$@\"");
    let from = format!("file://{}", releases.display());
    let install = |name: &str, reference: &str| {
        let environment = [
            ("RELEASES", from.as_str()),
            ("REF", reference),
            ("PATH", path.as_str()),
        ];
        let folder = place.path().join(name).display().to_string();
        let output = script(&place, "install.sh", &["sources", &folder], &environment);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), said, stderr(&output))
    };
    let (code, said, error) = install("one", "v1.2.3");
    assert_eq!(
        (code, said.contains("release v1.2.3")),
        (Some(0), true),
        "{said}{error}"
    );
    assert!(place.path().join("one/bin/authlab").exists());
    let (code, said, _) = install("one", "v1.2.3");
    assert_eq!((code, said.contains("cache")), (Some(0), true), "{said}");
    // A branch, and a release that has no archive.
    for reference in ["main", "v9"] {
        let (code, said, _) = install(&format!("built-{reference}"), reference);
        assert_eq!(code, Some(0));
        assert!(
            said.contains("cargo install") && said.contains("--no-default-features"),
            "{said}"
        );
    }
    let archive = std::fs::read_dir(&version)
        .unwrap()
        .map(|file| file.unwrap().path());
    for file in archive.filter(|file| file.extension().is_some_and(|end| end == "gz")) {
        std::fs::write(file, "other").unwrap();
    }
    let (code, _, error) = install("two", "v1.2.3");
    assert_eq!(
        (code, error.contains("checksum")),
        (Some(2), true),
        "{error}"
    );
    assert!(!place.path().join("two/bin/authlab").exists());
}

#[test]
fn a_pull_request_has_one_comment_that_is_written_anew() {
    let place = Place::new();
    repository(&place);
    std::fs::create_dir(place.path().join("out")).unwrap();
    place.write("out/duel.md", "**no change**\n");
    let log = place.path().join("asked");
    let script_of = "echo \"$@\" >>\"$LOG\"; case \"$*\" in *--paginate*) printf %s \"$EARLIER\" ;; *) exit \"$REFUSED\" ;; esac";
    let path = stub(&place, "gh", script_of);
    let asked = |earlier: &str, refused: &str| {
        let _ = std::fs::remove_file(&log);
        let environment = [
            ("PATH", path.as_str()),
            ("LOG", log.to_str().unwrap()),
            ("EARLIER", earlier),
            ("REFUSED", refused),
            ("REPOSITORY", "o/r"),
            ("PULL_REQUEST", "7"),
            ("NAME", "nginx"),
        ];
        let output = script(&place, "comment.sh", &["../out"], &environment);
        assert!(output.status.success(), "{}", stderr(&output));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (std::fs::read_to_string(&log).unwrap(), said)
    };
    let (first, _) = asked("", "0");
    assert!(
        first.contains("--method POST repos/o/r/issues/7/comments"),
        "{first}"
    );
    let (second, _) = asked("41", "0");
    assert!(
        second.contains("--method PATCH repos/o/r/issues/comments/41"),
        "{second}"
    );
    let body = std::fs::read_to_string(place.path().join("out/comment.md")).unwrap();
    assert_eq!(body, "<!-- authlab duel nginx -->\n**no change**\n");
    let (_, said) = asked("", "1");
    assert!(said.contains("pull-requests: write"), "{said}");
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

/// What `run.sh` makes of `arguments`: the run's steps.
fn steps_with(place: &Place, arguments: &str) -> Vec<String> {
    let environment = [
        ("COMMAND", "sh {side}/built.sh {port}"),
        ("GET", "/a"),
        ("ARGUMENTS", arguments),
        ("INCONCLUSIVE", "pass"),
    ];
    let output = script(place, "run.sh", &["../sides", "../out"], &environment);
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        stderr(&output)
    );
    let mut runs = std::fs::read_dir(place.path().join("out/runs")).unwrap();
    let run = std::fs::read(runs.next().unwrap().unwrap().path().join("run.json")).unwrap();
    let run: serde_json::Value = serde_json::from_slice(&run).unwrap();
    let steps = run["scenario"]["loads"][0]["steps"]
        .as_array()
        .unwrap()
        .clone();
    steps
        .iter()
        .map(|step| step.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_second_path_and_a_path_that_says_ready_are_arguments() {
    let place = Place::new();
    let first = repository(&place);
    let build = script(
        &place,
        "build.sh",
        &[&first, "../sides", "cp server.sh built.sh"],
        &[],
    );
    assert!(build.status.success(), "{}", stderr(&build));
    let short = "--slice 4ms --warm-up 10ms --within 2s";
    let steps = steps_with(&place, &format!("--get /b --ready /healthz {short}"));
    assert_eq!(steps, ["get-a", "get-b"]);
}

#[test]
fn a_shallow_clone_is_enough_unless_the_build_reads_the_history() {
    let place = Place::new();
    let first = repository(&place);
    let whole = format!("file://{}", place.path().join("repository").display());
    git(
        &place,
        &["clone", "-q", "--depth", "1", &whole, "../shallow"],
    );
    let output = Command::new("bash")
        .arg(format!("{SCRIPTS}/build.sh"))
        .args([&first, "../sides", "cp server.sh built.sh"])
        .current_dir(place.path().join("shallow"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    for side in ["base", "head"] {
        assert!(place.path().join(format!("sides/{side}/built.sh")).exists());
    }
}

/// The lines of the GitLab job: its variables, unless they are set, and its script.
fn gitlab_job() -> String {
    let file = format!("{SCRIPTS}/gitlab-ci.yml");
    let text = std::fs::read_to_string(file).unwrap();
    let section = |name: &str| {
        let after = text.split(&format!("  {name}:\n")).nth(1).unwrap();
        let lines = after.lines().take_while(|line| line.starts_with("    "));
        lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let mut job = vec!["set -e".to_owned()];
    for line in section("variables") {
        let (name, value) = line.split_once(": ").unwrap();
        let value = value.split(" #").next().unwrap().trim_matches('"');
        job.push(format!(
            "[ -n \"${{{name}+x}}\" ] || export {name}=\"{value}\""
        ));
    }
    let script = section("script");
    assert!(script.len() >= 3, "{script:?}");
    job.extend(
        script
            .iter()
            .map(|line| line.strip_prefix("- ").unwrap().to_owned()),
    );
    job.join("\n")
}

#[test]
fn the_gitlab_job_runs_as_it_is_written() {
    let place = Place::new();
    let first = repository(&place);
    // authlab's own repository, with its scripts, and a cache that has the binary.
    let tool = place.path().join("tool");
    std::fs::create_dir_all(tool.join("deploy")).unwrap();
    let copied = Command::new("cp")
        .args(["-r", SCRIPTS])
        .arg(tool.join("deploy"))
        .status();
    assert!(copied.unwrap().success());
    let tool = tool.display().to_string();
    git(&place, &["init", "-q", "-b", "main", &tool]);
    git(&place, &["-C", &tool, "add", "."]);
    git(&place, &["-C", &tool, "commit", "-qm", "authlab"]);
    let checkout = place.path().join("repository");
    std::fs::create_dir_all(checkout.join(".authlab/bin")).unwrap();
    let binary = env!("CARGO_BIN_EXE_authlab");
    std::os::unix::fs::symlink(binary, checkout.join(".authlab/bin/authlab")).unwrap();
    let job = |base: &str| {
        let output = Command::new("bash")
            .args(["-c", &gitlab_job()])
            .env("CI_PROJECT_DIR", &checkout)
            .env("CI_MERGE_REQUEST_DIFF_BASE_SHA", base)
            .env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")
            .env("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "feature/x")
            .env("AUTHLAB_REPOSITORY", format!("file://{tool}"))
            .env("BUILD", "cp server.sh built.sh")
            .env("COMMAND", "sh {side}/built.sh {port}")
            .env("ARGUMENTS", "--slice 4ms --warm-up 10ms --within 2s")
            .current_dir(&checkout)
            .output()
            .unwrap();
        std::fs::remove_dir_all(checkout.join("authlab")).unwrap();
        output
    };
    let output = job(&first);
    // 3 is a warning there.
    assert!(
        matches!(output.status.code(), Some(0 | 1 | 3)),
        "{}",
        stderr(&output)
    );
    for name in ["duel.xml", "duel.md", "duel.txt"] {
        assert!(checkout.join("duel").join(name).exists(), "{name}");
    }
    let told = std::fs::read_to_string(checkout.join("duel/duel.md")).unwrap();
    assert!(told.contains("feature-x"), "{told}");
    let gone = job(&"1".repeat(40));
    assert_eq!(gone.status.code(), Some(3), "{}", stderr(&gone));
}
