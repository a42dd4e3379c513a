//! Settings: layers, files, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

use std::collections::HashMap;
use std::process::Command;

use authlab_server::{Design, Preset, Setup, Warning};
use clap::{Args as _, FromArgMatches as _};

fn parse(arguments: &[&str]) -> Setup {
    let command = Setup::augment_args(clap::Command::new("serve"));
    let matches = command
        .try_get_matches_from(std::iter::once(&"serve").chain(arguments))
        .unwrap();
    Setup::from_arg_matches(&matches).unwrap()
}

fn resolve(arguments: &[&str]) -> Result<Design, String> {
    parse(arguments)
        .resolve()
        .map_err(|error| error.to_string())
}

fn toml(text: &str) -> (tempfile::NamedTempFile, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let path = file.path().display().to_string();
    (file, path)
}

const CHILD: &str = "AUTHLAB_TEST_ARGUMENTS";

/// Runs in a process of its own, because the environment is one of the layers.
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_prints_its_design() {
    let arguments = std::env::var(CHILD).unwrap();
    let design = resolve(&arguments.split_whitespace().collect::<Vec<_>>()).unwrap();
    println!(
        "design: {} {} {}",
        design.binding, design.cache_store, design.server_timing
    );
}

fn design_of_child(arguments: &str, environment: &HashMap<&str, String>) -> String {
    let child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "child_prints_its_design",
            "--nocapture",
            "--ignored",
        ])
        .env(CHILD, arguments)
        .envs(environment)
        .output()
        .unwrap();
    let text = String::from_utf8(child.stdout).unwrap();
    let design = text
        .split("design: ")
        .nth(1)
        .unwrap_or_else(|| panic!("{text}"));
    design.lines().next().unwrap().to_owned()
}

#[test]
fn each_layer_overrides_the_one_below_in_whatever_order_flags_are_typed() {
    let (_file, path) = toml("binding = \"sha256\"\nserver-timing = true\n");
    let (_preset_file, with_preset) = toml("preset = \"bound-token-cached\"\n");
    let table = [
        ("", [].as_slice(), "none quick false"),
        ("--preset bound-token-cached", &[], "md5 moka false"),
        (
            "--preset bound-token-cached --config FILE",
            &[],
            "sha256 moka true",
        ),
        (
            "--config FILE --preset bound-token-cached",
            &[],
            "sha256 moka true",
        ),
        ("--config PRESET", &[], "md5 moka false"),
        ("--config PRESET --binding none", &[], "none moka false"),
        (
            "--preset bound-token-cached --config FILE",
            &[("AUTHLAB_BINDING", "blake3")],
            "blake3 moka true",
        ),
        (
            "--preset bound-token-cached --binding none --config FILE",
            &[("AUTHLAB_BINDING", "blake3")],
            "none moka true",
        ),
        (
            "--binding none --config FILE --preset bound-token-cached",
            &[("AUTHLAB_BINDING", "blake3")],
            "none moka true",
        ),
        (
            "--cache-store quick",
            &[("AUTHLAB_PRESET", "bound-token-cached")],
            "md5 quick false",
        ),
        (
            "--config FILE --server-timing=false",
            &[],
            "sha256 quick false",
        ),
        ("--server-timing", &[], "none quick true"),
        (
            "",
            &[
                ("AUTHLAB_CONFIG", "FILE"),
                ("AUTHLAB_SERVER_TIMING", "false"),
            ],
            "sha256 quick false",
        ),
    ];
    for (arguments, environment, expected) in table {
        let fill = |text: &str| text.replace("FILE", &path).replace("PRESET", &with_preset);
        // `PRESET` inside a variable's name stays.
        let environment = environment
            .iter()
            .map(|(name, value)| (*name, fill(value)))
            .collect();
        assert_eq!(
            design_of_child(&fill(arguments), &environment),
            expected,
            "{arguments} {environment:?}"
        );
    }
}

#[test]
fn the_flags_leave_the_description_of_their_command_alone() {
    let command = Setup::augment_args(
        clap::Command::new("serve")
            .about("theirs")
            .long_about("theirs"),
    );
    assert_eq!(command.get_about().unwrap().to_string(), "theirs");
    assert_eq!(command.get_long_about().unwrap().to_string(), "theirs");
}

#[test]
fn every_flag_has_an_environment_variable_and_a_key_of_its_name() {
    let command = Setup::augment_args(clap::Command::new("serve"));
    let mut keys = Setup::keys();
    for argument in command
        .get_arguments()
        .filter(|argument| argument.get_id() != "list_presets")
    {
        let flag = argument.get_long().unwrap();
        let variable = format!("AUTHLAB_{}", flag.to_uppercase().replace('-', "_"));
        assert_eq!(argument.get_env().unwrap(), variable.as_str());
        assert!(argument.get_help().is_some(), "{flag}");
        let position = keys.iter().position(|key| key == flag);
        assert_eq!(position.is_none(), flag == "config", "{flag}");
        position.map(|position| keys.remove(position));
    }
    assert!(keys.is_empty(), "{keys:?}");
}

#[test]
fn a_wrong_file_is_one_line_with_path_line_and_what_is_accepted() {
    let table = [
        (
            "\nbindng = \"md5\"\n",
            ":2: `bindng` is not a setting",
            "did you mean `binding`?",
        ),
        (
            "binding = \"md6\"\n",
            ":1: ",
            "accepted: none, bcrypt, md5, sha256, blake3",
        ),
        ("preset = \"fast\"\n", ":1: ", "accepted: opaque-cache"),
        (
            "binding = \"md5\"\nbinding = \"md5\"\n",
            ":2: ",
            "duplicate key",
        ),
        (
            "threads = 1\ntoken-ttl = \"30\"\n",
            ":2: ",
            "500ms, 90s, 30m",
        ),
        ("threads = 0\n", ":1: ", "nonzero"),
        ("threads = \n", ":1: ", ""),
        ("[cache]\nstore = \"moka\"\n", ":1: ", "expected"),
        (
            "users = \"sqlite\"\n",
            ":1: ",
            "accepted: memory, file:PATH",
        ),
        (
            "cache-key = \"route\"\n",
            ": cache-key would do nothing",
            "--cache is none",
        ),
        (
            "config = \"x\"\n",
            ":1: `config` is not a setting",
            "accepted: preset",
        ),
    ];
    for (text, place, accepted) in table {
        let (_file, path) = toml(text);
        let line = resolve(&["--config", &path]).unwrap_err();
        assert!(
            line.starts_with(&format!("{path}{place}")) && line.contains(accepted),
            "{text:?}: {line}"
        );
        assert!(!line.contains('\n'), "{line}");
    }
    assert!(
        resolve(&["--config", "/nowhere.toml"])
            .unwrap_err()
            .contains("/nowhere.toml")
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_flag_that_would_do_nothing_is_refused_with_the_reason() {
    let table = [
        (
            ["--cache-key", "route"].as_slice(),
            "--cache-key would do nothing: --cache is none",
        ),
        (
            &["--freshness", "epoch"],
            "--freshness would do nothing: --cache is none",
        ),
        (
            &["--cache", "token", "--cache-key", "route"],
            "--cache-key would do nothing: only --cache decision",
        ),
        (
            &["--cache", "decision", "--cache-ttl", "5s"],
            "--cache-ttl would do nothing: only --freshness ttl",
        ),
        (
            &["--bind-to", "ua"],
            "--bind-to would do nothing: --binding binds to no sender",
        ),
        (
            &["--binding", "dpop", "--bind-to", "ua"],
            "--bind-to would do nothing: --binding binds to no sender",
        ),
        (
            &["--max-sessions", "5"],
            "--max-sessions would do nothing: only --credential session-jwt",
        ),
        (
            &["--max-tokens-per-subject", "5"],
            "--max-tokens-per-subject would do nothing: only --sessions memory holds tokens",
        ),
        (
            &[
                "--credential",
                "opaque",
                "--max-tokens-per-subject",
                "1000001",
            ],
            "--max-tokens-per-subject 1000001 is out of range; accepted: 1 to 1000000",
        ),
        (
            &["--credential", "session", "--clients", "clients.json"],
            "--clients would do nothing: only --credential jwt, opaque and api-key",
        ),
        (
            &["--credential", "opaque", "--audience", "them"],
            "--audience would do nothing: only --credential jwt and session-jwt",
        ),
        (
            &["--credential", "session", "--routes", "routes.toml"],
            "--routes would do nothing: no --trusted-proxy",
        ),
        (
            &["--log-format", "json"],
            "--log-format would do nothing: --log is none",
        ),
        (
            &["--credential", "session-jwt", "--refresh", "rotate"],
            "--refresh would do nothing: only --credential jwt",
        ),
        (
            &["--binding", "dpop", "--cache", "decision"],
            "--cache decision would leave the proofs of --binding dpop unread; accepted: none, token",
        ),
        (
            &["--binding", "dpop", "--credential", "session"],
            "--binding dpop binds what an Authorization header carries",
        ),
        (
            &["--credential", "session-jwt", "--max-sessions", "1001"],
            "--max-sessions 1001 is out of range; accepted: 1 to 1000",
        ),
        (
            &["--password", "md5", "--bcrypt-cost", "5"],
            "--bcrypt-cost would do nothing",
        ),
        (
            &["--password", "md5", "--hash-on", "inline"],
            "--hash-on would do nothing",
        ),
        (
            &["--hash-on", "inline", "--hash-threads", "2"],
            "--hash-threads would do nothing",
        ),
        (
            &["--bcrypt-cost", "3"],
            "--bcrypt-cost 3 is out of range; accepted: 4 to 15",
        ),
        (
            &["--bcrypt-cost", "16"],
            "--bcrypt-cost 16 is out of range; accepted: 4 to 15",
        ),
        (
            &["--token-ttl", "0s"],
            "--token-ttl 0ms is out of range; accepted: 1s to 365d",
        ),
        (
            &["--users-connections", "5"],
            "--users-connections would do nothing: only --users postgres:// has connections",
        ),
        (
            &[
                "--users",
                "postgres://ann@db/a",
                "--users-connections",
                "1001",
            ],
            "--users-connections 1001 is out of range; accepted: 1 to 1000",
        ),
        (
            &["--threads", "100000"],
            "--threads 100000 is out of range; accepted: 1 to 1024",
        ),
    ];
    for (arguments, expected) in table {
        let line = resolve(arguments).unwrap_err();
        assert!(line.starts_with(expected), "{arguments:?}: {line}");
    }
}

#[test]
fn the_least_length_of_a_password_is_refused_where_nobody_sets_one() {
    let table = [
        (
            ["--users", "file:users.json", "--min-password-bytes", "6"].as_slice(),
            "--min-password-bytes would do nothing: --users file is written by hand",
        ),
        (
            &["--min-password-bytes", "0"],
            "--min-password-bytes 0 is out of range; accepted: 1 to 72",
        ),
        (
            &["--min-password-bytes", "73"],
            "--min-password-bytes 73 is out of range; accepted: 1 to 72",
        ),
        (
            &[
                "--verify",
                "introspect",
                "--introspect-url",
                "http://127.0.0.1:9",
                "--min-password-bytes",
                "6",
            ],
            "--min-password-bytes would do nothing: --verify introspect",
        ),
    ];
    for (arguments, expected) in table {
        let line = resolve(arguments).unwrap_err();
        assert!(line.starts_with(expected), "{arguments:?}: {line}");
    }
    assert!(resolve(&["--users", "sqlite:u.db", "--min-password-bytes", "6"]).is_ok());
}

#[test]
fn a_flag_may_make_what_a_preset_or_a_file_says_idle() {
    assert!(resolve(&["--preset", "bound-token-cached", "--cache", "none"]).is_ok());
    let (_file, path) = toml("cache = \"decision\"\ncache-key = \"sender\"\n");
    assert!(resolve(&["--config", &path, "--cache", "none"]).is_ok());
    assert!(resolve(&["--preset", "bound-token-cached", "--policy", "allow-all"]).is_ok());
}

#[test]
#[allow(clippy::too_many_lines, reason = "one table")]
fn each_unsafe_choice_is_warned_of_and_the_default_design_has_none() {
    let table = [
        ([].as_slice(), [].as_slice()),
        (&["--preset", "bound-token-slow"], &[]),
        (&["--preset", "bound-token-fast"], &[Warning::BrokenDigest]),
        (
            &["--preset", "bound-token-cached"],
            &[
                Warning::StolenTokenPasses,
                Warning::RevokedPassesUntilExp,
                Warning::BrokenDigest,
            ],
        ),
        (
            &["--preset", "bound-token-cached", "--cache", "none"],
            &[Warning::BrokenDigest],
        ),
        (
            &["--users", "postgres://ann:hunter2@db.example/accounts"],
            &[Warning::UnverifiedDatabase],
        ),
        (
            &["--users", "postgres://ann@db.example/a?sslmode=require"],
            &[Warning::UnverifiedDatabase],
        ),
        (
            &["--users", "postgres://ann@db.example/a?sslmode=verify-full"],
            &[],
        ),
        (&["--users", "postgres://ann@127.0.0.1/a"], &[]),
        (&["--users", "postgres://ann@%2Frun%2Fpostgresql/a"], &[]),
        (&["--policy", "allow-all"], &[Warning::NothingAuthorized]),
        // What is never consulted gives nothing up; passwords are still stored and guessed.
        (
            &[
                "--preset",
                "bound-token-cached",
                "--policy",
                "allow-all",
                "--password",
                "md5",
            ],
            &[Warning::NothingAuthorized, Warning::FastPasswordHash],
        ),
        (
            &["--cache", "decision", "--freshness", "ttl"],
            &[Warning::RevokedPassesForTtl],
        ),
        (
            &["--cache", "decision", "--cache-key", "article"],
            &[Warning::StolenTokenPasses],
        ),
        (&["--cache", "token", "--freshness", "exp"], &[]),
        (&["--password", "blake3"], &[Warning::FastPasswordHash]),
        (&["--bcrypt-cost", "4"], &[Warning::LowPasswordCost]),
        (
            &["--password", "argon2id", "--password-params", "t=1"],
            &[Warning::LowPasswordCost],
        ),
        (
            &["--password", "argon2id", "--password-params", "m=47104,t=1"],
            &[],
        ),
        (
            &["--password", "scrypt", "--password-params", "ln=16"],
            &[Warning::LowPasswordCost],
        ),
        (
            &["--password", "scrypt", "--password-params", "ln=16,p=2"],
            &[],
        ),
        (
            &["--password", "scrypt", "--password-params", "ln=12,p=16"],
            &[Warning::LowPasswordCost],
        ),
        (
            &["--password", "pbkdf2", "--password-params", "i=599999"],
            &[Warning::LowPasswordCost],
        ),
        (&["--password", "pbkdf2"], &[]),
        (&["--hash-on", "inline"], &[Warning::HashesBlockRequests]),
        (
            &["--sessions", "redis://127.0.0.1", "--cache", "decision"],
            &[Warning::OthersRevocationsUnseen],
        ),
        (
            &[
                "--sessions",
                "redis://127.0.0.1",
                "--cache",
                "decision",
                "--lease",
                "100ms",
            ],
            &[Warning::OthersRevocationsUnseen],
        ),
        (
            &["--sessions", "redis://127.0.0.1", "--cache", "token"],
            &[],
        ),
        (
            &["--sessions", "redis://one.example"],
            &[Warning::PlainTextSessions],
        ),
        (&["--sessions", "rediss://one.example"], &[]),
        (&["--listen", "0.0.0.0:0"], &[Warning::PlainTextNetwork]),
        (&["--listen", "0.0.0.0:0", "--tls", "a,b"], &[]),
    ];
    for (arguments, expected) in table {
        assert_eq!(
            resolve(arguments).unwrap().warnings(),
            expected,
            "{arguments:?}"
        );
    }
}

#[test]
fn limits_of_the_listener_have_a_range_and_are_in_the_pipeline_where_they_were_chosen() {
    let lines = |arguments: &[&str]| resolve(arguments).unwrap().pipeline();
    let usual = lines(&[]);
    assert!(
        usual
            .iter()
            .all(|(axis, _)| !["connections", "shutdown"].contains(axis))
    );
    let chosen = lines(&["--max-connections", "100", "--shutdown-timeout", "0ms"]);
    for line in [("connections", "at most 100"), ("shutdown", "within 0ms")] {
        let line = (line.0, line.1.to_owned());
        assert!(chosen.contains(&line), "{chosen:?}");
    }
    for (flag, value, accepted) in [
        ("--max-connections", "2000000", "1 to 1000000"),
        ("--shutdown-timeout", "2h", "0ms to 1h"),
    ] {
        assert_eq!(
            resolve(&[flag, value]).unwrap_err(),
            format!("{flag} {value} is out of range; accepted: {accepted}")
        );
    }
}

#[test]
fn the_control_claims_no_binding_and_no_cache_whatever_was_typed() {
    let lines = |arguments: &[&str]| resolve(arguments).unwrap().pipeline();
    let preset = ["--preset", "bound-token-cached", "--policy"];
    let axis = |lines: &[(&str, String)], axis| {
        let line = lines.iter().find(|(name, _)| *name == axis);
        line.map(|(_, choice)| choice.clone())
    };
    let enforced = lines(&[&preset[..], &["enforce"]].concat());
    assert!(axis(&enforced, "cache").unwrap().contains("moka"));
    assert!(axis(&enforced, "binding").unwrap().contains("md5"));
    assert!(axis(&enforced, "freshness").is_some());
    let control = lines(&[&preset[..], &["allow-all"]].concat());
    for name in ["binding", "cache"] {
        assert_eq!(
            axis(&control, name).as_deref(),
            Some("none (nothing is authorized)")
        );
    }
    assert_eq!(axis(&control, "freshness"), None);
}

#[test]
fn presets_list_their_flags_and_the_flags_mean_the_preset() {
    let text = Preset::list();
    for preset in Preset::ALL.iter().copied() {
        let flags = text
            .lines()
            .skip_while(|line| *line != preset.label())
            .nth(2)
            .unwrap();
        let flags: Vec<&str> = flags.split_whitespace().collect();
        assert_eq!(
            resolve(&flags).unwrap(),
            resolve(&["--preset", preset.label()]).unwrap(),
            "{preset}"
        );
    }
}
