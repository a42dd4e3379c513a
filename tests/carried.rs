//! The binary alone: what it does in a folder that has nothing of the checkout, as one that was installed does.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "lab/command.rs"]
mod command;

use std::io::Write as _;
use std::process::{Command, Stdio};

use command::{Place, error_line, stderr};

#[test]
fn a_scenario_that_is_carried_is_run_by_its_name() {
    let place = Place::new();
    let output = place.authlab(&["run", "http-tax", "--profile", "smoke", "--seed", "7"]);
    // A busy machine makes it invalid; it is run all the same.
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{}",
        stderr(&output)
    );
    let run = place.run_json();
    assert_eq!(run["scenario"]["name"], "http-tax");
    let words = serde_json::json!([
        "authlab",
        "run",
        "http-tax",
        "--profile",
        "smoke",
        "--seed",
        "7"
    ]);
    assert_eq!(run["command"], words);
}

#[test]
fn a_file_of_the_name_comes_first() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("scenarios")).unwrap();
    place.write("scenarios/http-tax.toml", "name = \"edited\"\n");
    let output = place.authlab(&["run", "http-tax"]);
    assert!(
        error_line(&output).contains("scenarios/http-tax.toml:1"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_slip_in_a_name_is_answered_on_one_line_with_the_nearest() {
    let place = Place::new();
    place.write(
        "slips.toml",
        r#"
name = "slips"
question = "?"
variant = [{ name = "one", flags = { bindin = "md5" } }, { name = "two", flags = { binding = "md6" } }]
step = [{ name = "get", request = "GET /" }]
load = [{ name = "users", users = 1, journey = ["get"], profile.quick = { blocks = 1, slice = "1ms" } }]
"#,
    );
    place.write(
        "value.toml",
        r#"
name = "value"
question = "?"
variant = [{ name = "two", flags = { binding = "md6" } }]
step = [{ name = "get", request = "GET /" }]
load = [{ name = "users", users = 1, journey = ["get"], profile.quick = { blocks = 1, slice = "1ms" } }]
"#,
    );
    let published = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/reports/published/thousandfold"
    );
    let compare = |words: &[&'static str]| {
        [
            &["compare", published, "--base", "md5", "--head", "sha256"],
            words,
        ]
        .concat()
    };
    let table: Vec<(Vec<&str>, &str)> = vec![
        (vec!["rnu", "x"], "'run'"),
        (vec!["nul"], "'duel'"),
        (vec!["client", "http://127.0.0.1:1", "itms"], "'items'"),
        (vec!["run", "--profil", "quick", "x"], "'--profile'"),
        (vec!["run", "thousandfuld"], "`thousandfold`"),
        (vec!["run", "scenarios/http-taxi.toml"], "`http-tax`"),
        (vec!["run", "http-tax", "--profile", "smok"], "`smoke`"),
        (vec!["run", "slips.toml"], "'--binding'"),
        (vec!["run", "value.toml"], "'md5'"),
        (
            vec!["duel", "slips.toml", "--base", "one", "--head", "two"],
            "'--binding'",
        ),
        (
            vec!["duel", "slips.toml", "--base", "onee", "--head", "two"],
            "`one`",
        ),
        (
            vec!["duel", "--base", "a", "--head", "b", "--gate", "p51"],
            "`p50`",
        ),
        (
            vec!["duel", "--base", "a", "--head", "b", "--gate", "memry"],
            "`memory`",
        ),
        (
            vec!["serve", "--preset", "bound-token-cahced"],
            "'bound-token-cached'",
        ),
        (vec!["completions", "bsh"], "'bash'"),
        (
            vec!["compare", published, "--base", "md5", "--head", "blake33"],
            "`blake3`",
        ),
        (compare(&["--fail-over", "p5 > 10%"]), "`p50`"),
        (compare(&["--fail-over", "eror > 10%"]), "`errors`"),
    ];
    for (words, meant) in table {
        let output = place.authlab(&words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        let line = error_line(&output);
        assert!(line.contains(meant), "{words:?}: {line}");
        assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
        for hidden in ["null", "child", "prove"] {
            assert!(!line.contains(hidden), "{line}");
        }
    }
    assert!(!place.path().join("reports").exists(), "nothing was begun");
}

#[test]
fn benchmarks_are_of_a_checkout_and_say_so() {
    let place = Place::new();
    let line = error_line(&place.authlab(&["prove", "bench"]));
    assert!(line.contains("a checkout of authlab"), "{line}");
}

/// What the shell answers to words that are typed so far.
fn completed(script: &str, words: &[&str]) -> Vec<String> {
    let last = words.len() - 1;
    let ask = format!(
        "COMP_WORDS=({}); COMP_CWORD={last}; _authlab authlab '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        words[last],
        words[last - 1],
    );
    let mut child = Command::new("bash")
        .args(["--norc", "-s"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(format!("{script}\n{ask}\n").as_bytes())
        .unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_shell_completes_verbs_flags_and_their_values_but_nothing_that_is_hidden() {
    let place = Place::new();
    let output = place.authlab(&["completions", "bash"]);
    let script = String::from_utf8(output.stdout).unwrap();
    let table: [(&[&str], &[&str]); 7] = [
        (&["authlab", "du"], &["duel"]),
        (&["authlab", "cal"], &["calibrate"]),
        (&["authlab", "serve", "--bindi"], &["--binding"]),
        (&["authlab", "completions", "ba"], &["bash"]),
        (
            &["authlab", "run", "thousandfold-"],
            &["thousandfold-central"],
        ),
        (
            &["authlab", "serve", "--binding", "b"],
            &["bcrypt", "blake3"],
        ),
        (
            &["authlab", "serve", "--preset", "bound-token-s"],
            &["bound-token-slow"],
        ),
    ];
    for (words, meant) in table {
        assert_eq!(completed(&script, words), meant, "{words:?}");
    }
    let verbs = completed(&script, &["authlab", "\"\""]);
    assert!(verbs.iter().any(|verb| verb == "run"), "{verbs:?}");
    for hidden in ["null", "child", "prove"] {
        assert!(!verbs.iter().any(|verb| verb == hidden), "{verbs:?}");
    }
}

#[test]
fn each_shell_that_is_here_accepts_its_script() {
    let place = Place::new();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let output = place.authlab(&["completions", shell]);
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("calibrate"), "{shell}");
        place.write(shell, &text);
        let Ok(output) = Command::new(shell)
            .args([check, shell])
            .current_dir(place.path())
            .output()
        else {
            assert_ne!(shell, "bash");
            eprintln!("skipped: no {shell} on this machine");
            continue;
        };
        assert!(output.status.success(), "{shell}: {}", stderr(&output));
    }
}
