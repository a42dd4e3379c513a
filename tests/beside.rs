//! Servers beside a variant's own: started before it, told of, sent to, counted as its own, and ended with it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod command;

use std::net::TcpStream;
use std::process::Command;

use command::{Place, error_line, eventually, stderr};
use serde_json::Value;

const LOAD: &str = r#"
[[step]]
name = "sign-in"
at = "central"
request = "POST /token"
json = { username = "john", password = "password123" }
save = { token = "json:/access_token" }
[[step]]
name = "items"
request = "GET /items/"
bearer = "{token}"
[[load]]
name = "one-user"
users = 2
journey = ["sign-in", "items*3"]
"#;

/// A scenario whose variant knows nobody: only the server beside it signs John in.
fn scenario(place: &Place, beside: &str, variant: &str, profile: &str) {
    place.write(
        "users.json",
        r#"{"john": {"password": "password123", "roles": ["admin"]}}"#,
    );
    place.write("nobody.json", "{}");
    let text = format!(
        "name = \"s\"\nquestion = \"?\"\n[[beside]]\nname = \"central\"\n{beside}\n\
         [[variant]]\nname = \"v\"\nbeside = [\"central\"]\n{variant}\n{LOAD}\nprofile.quick = {{ {profile} }}\n"
    );
    place.write("s.toml", &text);
}

/// The reference server, by a file of this place: its command line marks the process.
fn flags(place: &Place, users: &str, more: &str) -> String {
    let users = place.path().join(users);
    format!(
        "flags = {{ password = \"sha256\", threads = 1, users = \"file:{}\"{more} }}",
        users.display()
    )
}

const SHORT: &str = r#"blocks = 2, slice = "40ms", warm_up = "20ms", restart_blocks = 1"#;
const LONG: &str = r#"blocks = 200, slice = "200ms", warm_up = "20ms""#;

fn slices(run: &Value) -> &[Value] {
    run["slices"].as_array().unwrap()
}

#[test]
fn a_step_is_sent_to_the_server_beside_whose_address_the_variant_is_told_and_whose_cpu_is_its_own()
{
    let place = Place::new();
    let script = place.path().join("front.sh");
    let words = format!(
        "echo $2 $3 >> told\nexec {} serve --listen 127.0.0.1:$1 --policy allow-all --password sha256 --users file:{}\n",
        env!("CARGO_BIN_EXE_authlab"),
        place.path().join("nobody.json").display()
    );
    place.write(
        "front.sh",
        &words.replace("told", &place.path().join("told").display().to_string()),
    );
    let variant = format!(
        "command = [\"sh\", \"-c\", \"exec sh {} $1 $2 $CENTRAL\", \"sh\", \"{{port}}\", \"{{central}}\"]\n\
         env = {{ CENTRAL = \"http://{{central}}\" }}\nready = \"/healthz\"",
        script.display()
    );
    scenario(&place, &flags(&place, "users.json", ""), &variant, SHORT);
    let output = place.authlab(&["run", "s.toml"]);
    let run = place.run_json();
    assert_eq!(run["status"]["is"], "complete", "{}", stderr(&output));
    for slice in slices(&run) {
        assert_eq!(slice["failed"], serde_json::json!({}), "{slice}");
        let (all, beside) = (&slice["cpu_ns"], &slice["beside_cpu_ns"]["central"]);
        let (all, beside) = (all.as_u64().unwrap(), beside.as_u64().unwrap());
        // Both served: neither is all of it.
        assert!(0 < beside && beside < all, "{slice}");
        let steps: Vec<_> = slice["figures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| &f["step"])
            .collect();
        assert!(steps.iter().any(|step| *step == "sign-in"), "{steps:?}");
    }
    let beside = &run["variants"][0]["beside"][0];
    assert_eq!(beside["name"], "central");
    let target = beside["target"].as_str().unwrap();
    assert!(
        target.starts_with("authlab serve --listen 127.0.0.1:"),
        "{target}"
    );
    let given_up = run["variants"][0]["gives_up"].to_string();
    assert!(given_up.contains("central: "), "{given_up}");
    let told = std::fs::read_to_string(place.path().join("told")).unwrap();
    let told: Vec<&str> = told.lines().collect();
    let address = target.split(' ').nth(3).unwrap();
    assert_eq!(told[0], format!("{address} http://{address}"));
    assert_eq!(told.len(), 2, "both start again together: {told:?}");
    assert_ne!(told[0], told[1], "a restarted server has another beside it");
    assert!(place.run().join("v.beside-central.log").exists());
    place.assert_nothing_left();
}

#[test]
fn a_server_beside_that_does_not_start_is_one_line_with_its_name_and_its_last_words() {
    let place = Place::new();
    let waits = "[\"sh\", \"-c\", \"echo still waking up; sleep 60\", \"{port}\"]\nready_within = \"300ms\"";
    // (its command, words of the line, the exit code: bad input, or a target that failed)
    let table = [
        (
            "[\"/nonexistent/redis\", \"{port}\"]",
            ["/nonexistent/redis", "No such file"],
            2,
        ),
        (
            waits,
            [
                "accepted no connection within 300ms",
                "it said: still waking up",
            ],
            4,
        ),
    ];
    for (command, words, code) in table {
        let variant = flags(&place, "users.json", "");
        scenario(&place, &format!("command = {command}"), &variant, SHORT);
        let line = match code {
            2 => place.refused(&["run", "s.toml"]),
            _ => place.target_failed(&["run", "s.toml"]),
        };
        assert!(line.contains("variant `v`: beside `central`: `"), "{line}");
        for word in words {
            assert!(line.contains(word), "{line}");
        }
        place.assert_nothing_left();
    }
}

#[test]
fn a_server_beside_that_dies_in_the_middle_ends_the_run_and_is_named() {
    let place = Place::new();
    let users = place.path().join("users.json");
    place.write(
        "dies.sh",
        &format!(
            "{} serve --listen 127.0.0.1:$1 --password sha256 --users file:{} & server=$!\nsleep 1.5\nkill -9 $server\nexit 7\n",
            env!("CARGO_BIN_EXE_authlab"),
            users.display()
        ),
    );
    let script = place.path().join("dies.sh");
    let beside = format!("command = [\"sh\", \"{}\", \"{{port}}\"]", script.display());
    let variant = flags(&place, "nobody.json", ", policy = \"allow-all\"");
    scenario(&place, &beside, &variant, LONG);
    let line = place.target_failed(&["run", "s.toml"]);
    assert!(
        line.contains("beside `central`") && line.contains("exit status: 7"),
        "{line}"
    );
    let run = place.run_json();
    assert_eq!(run["status"]["is"], "partial");
    assert!(slices(&run).len() > 1);
    place.assert_nothing_left();
}

#[test]
fn a_duel_has_beside_its_sides_what_the_scenario_says_and_refuses_sides_without() {
    let place = Place::new();
    let variant = flags(&place, "nobody.json", ", policy = \"allow-all\"");
    scenario(
        &place,
        &flags(&place, "users.json", ""),
        &variant,
        r#"blocks = 1, slice = "30ms""#,
    );
    let duel = |base: &str, more: &[&str]| {
        let sides = ["duel", "s.toml", "--base", base, "--head", "v"];
        let short = [
            "--slice",
            "20ms",
            "--warm-up",
            "20ms",
            "--restart-blocks",
            "0",
            "--within",
            "2s",
        ];
        place.authlab(&[&sides, &short[..], more].concat())
    };
    let output = duel("v", &["--seed", "1"]);
    assert!(
        matches!(output.status.code(), Some(0 | 1 | 3)),
        "{}",
        stderr(&output)
    );
    let run = place.run_json();
    for side in run["variants"].as_array().unwrap() {
        assert_eq!(side["beside"][0]["name"], "central");
    }
    assert!(
        slices(&run)
            .iter()
            .all(|slice| slice["failed"] == serde_json::json!({}))
    );
    let report = std::fs::read_to_string(place.run().join("duel.md")).unwrap();
    assert!(
        report.contains("beside v, central: authlab serve"),
        "{report}"
    );
    // (a base, further words, words of the line)
    let table: [(&str, &[&str], &str); 3] = [
        (
            "http://127.0.0.1:9",
            &[],
            "which variant `base` has not beside it",
        ),
        (
            "serve {port} {central}",
            &[],
            "uses {central}, which only the scenario's variants have",
        ),
        (
            "v",
            &["--instructions"],
            "whose instructions would not be counted",
        ),
    ];
    for (base, more, words) in table {
        let output = duel(base, more);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(
            error_line(&output).contains(words),
            "{}",
            error_line(&output)
        );
    }
    place.assert_nothing_left();
}

/// Begins and ends are written down; a shell is the process that is asked to end.
const LIFE: &str = r#"echo "begins $1" >> LOG
trap 'echo "ends $1" >> LOG' TERM
AUTHLAB serve --listen 127.0.0.1:$2 --policy allow-all --password sha256 &
wait
wait
"#;

#[test]
fn what_is_beside_a_server_is_started_before_it_and_ended_after_it_the_last_first() {
    let place = Place::new();
    let (script, log) = (place.path().join("life.sh"), place.path().join("log"));
    let life = LIFE
        .replace("LOG", &log.display().to_string())
        .replace("AUTHLAB", env!("CARGO_BIN_EXE_authlab"));
    place.write("life.sh", &life);
    let command = |name: &str| {
        format!(
            "name = \"{name}\"\ncommand = [\"sh\", \"{}\", \"{name}\", \"{{port}}\"]\n",
            script.display()
        )
    };
    let text = format!(
        "name = \"s\"\nquestion = \"?\"\n[[beside]]\n{}[[beside]]\n{}\
         [[variant]]\n{}ready = \"/healthz\"\nbeside = [\"b\", \"a\"]\n\
         [[step]]\nname = \"items\"\nrequest = \"GET /items/\"\n\
         [[load]]\nname = \"one\"\nusers = 1\njourney = [\"items\"]\nprofile.quick = {{ {SHORT} }}\n",
        command("a"),
        command("b"),
        command("v"),
    );
    place.write("s.toml", &text);
    let output = place.authlab(&["run", "s.toml"]);
    assert_eq!(
        place.run_json()["status"]["is"],
        "complete",
        "{}",
        stderr(&output)
    );
    let once = [
        "begins b", "begins a", "begins v", "ends v", "ends a", "ends b",
    ];
    let lives = std::fs::read_to_string(log).unwrap();
    assert_eq!(lives.lines().collect::<Vec<_>>(), [once, once].concat());
    place.assert_nothing_left();
}

const COOKIES: &str = r#"name = "s"
question = "?"
[[beside]]
name = "other"
flags = { preset = "cookie-session", password = "sha256" }
[[variant]]
name = "v"
beside = ["other"]
flags = { preset = "cookie-session", password = "sha256" }
[[step]]
name = "login"
request = "POST /login"
basic = ["john", "password123"]
[[step]]
name = "login-there"
at = "other"
request = "POST /login"
basic = ["john", "password123"]
[[step]]
name = "here"
request = "GET /protected"
[[step]]
name = "there"
at = "other"
request = "GET /protected"
[[load]]
name = "one-user"
users = 1
prepare = ["login", "login-there"]
journey = ["here", "there"]
profile.quick = { blocks = 1, slice = "40ms", warm_up = "20ms" }
"#;

/// Cookies know no ports (RFC 6265 §8.5), and both servers are at one address: they stand for two hosts.
#[test]
fn a_session_cookie_of_the_server_beside_is_not_that_of_the_variants_own() {
    let place = Place::new();
    place.write("s.toml", COOKIES);
    let output = place.authlab(&["run", "s.toml"]);
    let run = place.run_json();
    assert_eq!(run["status"]["is"], "complete", "{}", stderr(&output));
    for slice in slices(&run) {
        assert_eq!(slice["failed"], serde_json::json!({}), "{slice}");
        assert!(slice["ok"].as_u64().unwrap() > 1, "{slice}");
    }
}

const DEVICES: &str = r#"name = "s"
question = "?"
[flags]
preset = "device-sessions"
secret-file = "SECRET"
issuer = "https://auth.example"
[[beside]]
name = "redis"
command = ["redis-server", "--port", "{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "/"]
[[beside]]
name = "central"
flags = { preset = "device-sessions", secret-file = "SECRET", issuer = "https://auth.example", sessions = "redis://{redis}", bcrypt-cost = 4 }
[[variant]]
name = "v"
beside = ["redis", "central"]
flags = { sessions = "redis://{redis}" }
[[step]]
name = "login"
at = "central"
request = "POST /login"
json = { username = "user123", password = "password123" }
save = { token = "json:/access_token" }
[[step]]
name = "items"
request = "GET /items/"
bearer = "{token}"
expect = [200]
[[load]]
name = "one-user"
users = 1
flags = { bcrypt-cost = 4 }
prepare = ["login"]
journey = ["items"]
profile.quick = { blocks = 1, slice = "50ms", warm_up = "20ms" }
"#;

/// Whoever signs in at the central server is known to the other by the Redis beside both.
#[test]
fn sessions_are_shared_through_a_redis_that_ends_with_the_run() {
    if Command::new("redis-server").arg("-v").output().is_err() {
        assert!(
            std::env::var_os("CI").is_none(),
            "redis-server is needed in CI"
        );
        eprintln!("NOT TESTED: a Redis beside a variant: apt-get install redis-server");
        return;
    }
    let place = Place::new();
    place.write("secret", "a secret of at least thirty-two bytes");
    let secret = place.path().join("secret").display().to_string();
    place.write("s.toml", &DEVICES.replace("SECRET", &secret));
    let output = place.authlab(&["run", "s.toml"]);
    let run = place.run_json();
    assert_eq!(run["status"]["is"], "complete", "{}", stderr(&output));
    for slice in slices(&run) {
        assert!(
            slice["ok"].as_u64().unwrap() > 0 && slice["failed"] == serde_json::json!({}),
            "{slice}"
        );
        assert!(
            slice["beside_cpu_ns"]["redis"].as_u64().unwrap() > 0,
            "{slice}"
        );
    }
    let redis = run["variants"][0]["beside"][0]["target"].as_str().unwrap();
    let port: u16 = redis.split(' ').nth(2).unwrap().parse().unwrap();
    let ended = || TcpStream::connect(("127.0.0.1", port)).is_err();
    assert!(eventually(ended), "{redis}");
}
