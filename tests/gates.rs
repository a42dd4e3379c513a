//! The scenarios with a folder of their own: gates that are installed here let through what they should and nothing else, servers that
//! share sessions take each other's tokens, tokens of each signature pass, and what is not installed is left out.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod command;

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use command::{Place, error_line, eventually, stderr};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// A scenario of two variants, the second of which needs this.
fn scenario(baseline: &str, needed: &str) -> String {
    let authlab = env!("CARGO_BIN_EXE_authlab");
    format!(
        r#"
name = "two"
question = "?"
baseline = "{baseline}"
[[variant]]
name = "here"
command = ["{authlab}", "null", "--listen", "127.0.0.1:{{port}}"]
requires = ["sh", "{authlab}"]
[[variant]]
name = "perhaps"
command = ["{authlab}", "null", "--listen", "127.0.0.1:{{port}}"]
requires = ["{needed}"]
[[step]]
name = "get"
request = "GET /"
[[load]]
name = "one"
users = 1
journey = ["get"]
profile.quick = {{ blocks = 1, slice = "50ms" }}
"#
    )
}

/// `run.json` of the only run there.
fn told(place: &Place) -> Value {
    let runs = place.path().join("reports/runs");
    let is_run = |path: &std::path::PathBuf| path.join("run.json").is_file();
    let mut folders = std::fs::read_dir(runs).unwrap();
    let folder = folders.find_map(|entry| Some(entry.unwrap().path()).filter(is_run));
    let text = std::fs::read(folder.unwrap().join("run.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn variants(run: &Value) -> Vec<&str> {
    let variants = run["variants"].as_array().unwrap();
    variants
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect()
}

#[test]
fn a_variant_that_needs_what_is_not_here_is_left_out_and_the_baseline_cannot_be() {
    for needed in ["no-such-program", "no/such/file"] {
        let place = Place::new();
        place.write("two.toml", &scenario("here", needed));
        let output = place.authlab(&["run", "two.toml"]);
        let said = stderr(&output);
        assert!(matches!(output.status.code(), Some(0 | 3)), "{said}");
        let note = format!("variant `perhaps` is left out: {needed} is not on this machine");
        assert!(said.contains(&note), "{said}");
        assert_eq!(variants(&told(&place)), ["here"]);
        place.write("two.toml", &scenario("perhaps", needed));
        let output = place.authlab(&["run", "two.toml"]);
        assert_eq!(output.status.code(), Some(2));
        let line = error_line(&output);
        assert!(line.contains(needed) && line.contains("perhaps"), "{line}");
    }
    let place = Place::new();
    place.write("two.toml", &scenario("perhaps", "sh"));
    let output = place.authlab(&["run", "two.toml"]);
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{}",
        stderr(&output)
    );
    assert_eq!(variants(&told(&place)), ["here", "perhaps"]);
}

/// Both scenarios compare with what stands behind nginx; in CI it is there.
fn lacks_nginx() -> bool {
    lacks("nginx", "-v")
}

/// Whether a program is missing, which says its version when it is told this.
fn lacks(program: &str, version: &str) -> bool {
    let found = Command::new(program).arg(version).output().is_ok();
    assert!(
        found || std::env::var_os("CI").is_none(),
        "{program} is missing"
    );
    if !found {
        println!("{program} is missing: not tested");
    }
    !found
}

/// What a scenario of the repository came to, in its smallest profile.
fn ran(scenario: &str) -> Value {
    let place = Place::new();
    let output = Command::new(env!("CARGO_BIN_EXE_authlab"))
        .args(["run", scenario, "--profile", "smoke", "--runs"])
        .arg(place.path().join("reports/runs"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = stderr(&output);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{said}");
    told(&place)
}

fn slices<'a>(run: &'a Value, variant: &str, load: &str) -> Vec<&'a Value> {
    let slices = run["slices"].as_array().unwrap().iter();
    slices
        .filter(|slice| slice["variant"] == variant && slice["load"] == load)
        .collect()
}

#[test]
fn the_gates_that_are_here_pass_what_they_should_and_nothing_else() {
    if lacks_nginx() {
        return;
    }
    let run = ran("scenarios/gates/gates.toml");
    assert!(variants(&run).contains(&"in-service"), "{run}");
    for name in variants(&run) {
        for slice in slices(&run, name, "steady") {
            assert!(slice["ok"].as_u64().unwrap() > 0, "{name}: {slice}");
            assert_eq!(slice["failed"], json!({}), "{name}: {slice}");
        }
        for slice in slices(&run, name, "uninvited") {
            for attack in ["without-token", "forged"] {
                let counts = &slice["attacks"][attack];
                // The one that authorizes nothing is there to be compared with.
                let passing = if name == "open" {
                    &counts["tried"]
                } else {
                    &json!(0)
                };
                assert_eq!(counts["passed"], *passing, "{name}: {attack}");
            }
        }
    }
}

#[test]
fn three_servers_take_each_others_tokens() {
    if lacks_nginx() {
        return;
    }
    takes_all_tokens("scenarios/many-servers/many-servers.toml", "sticky");
}

#[test]
fn a_server_takes_the_tokens_of_another_over_the_same_redis() {
    if lacks("redis-server", "--version") {
        return;
    }
    takes_all_tokens("scenarios/many-servers/many-servers-cost.toml", "tiered");
}

fn takes_all_tokens(scenario: &str, has: &str) {
    let run = ran(scenario);
    assert!(variants(&run).contains(&has), "{run}");
    for name in variants(&run) {
        for load in ["steady", "revokes"] {
            for slice in slices(&run, name, load) {
                assert!(slice["ok"].as_u64().unwrap() > 0, "{name}: {slice}");
                assert_eq!(slice["failed"], json!({}), "{name}: {slice}");
            }
        }
    }
}

#[test]
fn over_tls_tokens_pass_whatever_signs_and_binds_them() {
    if lacks_nginx() {
        return;
    }
    let made = Command::new("sh")
        .arg("scenarios/tls/certificate.sh")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(made.unwrap().success());
    for (scenario, expected) in [
        (
            "post-quantum",
            &[
                "ml-dsa-87",
                "ml-dsa-87-cached-http2",
                "ml-dsa-87-dpop",
                "ml-dsa-87-nginx",
            ][..],
        ),
        ("bound", &["bearer", "dpop-cached", "mtls", "mtls-cached"]),
    ] {
        let run = ran(&format!("scenarios/tls/{scenario}.toml"));
        for name in expected {
            assert!(variants(&run).contains(name), "{name}");
        }
        for name in variants(&run) {
            for slice in slices(&run, name, "one-user") {
                assert!(slice["ok"].as_u64().unwrap() > 0, "{name}: {slice}");
                assert_eq!(slice["failed"], json!({}), "{name}: {slice}");
            }
        }
    }
}

#[test]
fn requests_pass_whatever_number_of_policies_is_looked_at() {
    let run = ran("scenarios/policy-cost/policy-cost.toml");
    let names = variants(&run);
    assert_eq!(names.len(), 8, "{names:?}");
    for name in names {
        for slice in slices(&run, name, "capacity") {
            assert!(slice["ok"].as_u64().unwrap() > 0, "{name}: {slice}");
            assert_eq!(slice["failed"], json!({}), "{name}: {slice}");
        }
    }
}

/// The same design in two languages answers alike; at the least cost of bcrypt, since the design and not its speed is looked at.
#[test]
fn the_article_in_python_binds_and_caches_as_ours_does() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    if !root.join("scenarios/language/.venv/bin/python").exists() {
        assert!(
            std::env::var_os("CI").is_none(),
            "scenarios/language/install.sh was not run"
        );
        println!("scenarios/language/install.sh was not run: not tested");
        return;
    }
    let scenario = std::fs::read_to_string(root.join("scenarios/language/language.toml")).unwrap();
    let cheap = scenario
        .replace(r#""bcrypt", "none"]"#, r#""bcrypt", "none", "4"]"#)
        .replace("bcrypt-cost = 12", "bcrypt-cost = 4");
    let place = Place::new();
    place.write("language.toml", &cheap);
    let run = ran(&place.path().join("language.toml").display().to_string());
    assert_eq!(variants(&run).len(), 6);
    for name in variants(&run) {
        for slice in slices(&run, name, "one-user") {
            assert!(slice["ok"].as_u64().unwrap() > 0, "{name}: {slice}");
        }
        for slice in slices(&run, name, "stolen") {
            let theft = &slice["attacks"]["theft"];
            let passing = if name.ends_with("-cached") {
                &theft["tried"]
            } else {
                &json!(0)
            };
            assert_eq!(theft["passed"], *passing, "{name}: {slice}");
            assert!(theft["tried"].as_u64().unwrap() > 0, "{name}: {slice}");
            assert_eq!(slice["failed"], json!({}), "{name}: {slice}");
        }
    }
}

/// A server of ours or a gate, which ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Asked first: gate.sh ends what it started.
        let pid = Pid::from_child(&self.0);
        let _ = kill_process(pid, Signal::TERM);
        let _ = self.0.wait();
    }
}

/// A reference server with these flags, and its address.
fn served(flags: &[&str]) -> (Running, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_authlab"))
        .args(["serve", "--listen", "127.0.0.1:0", "--password", "sha256"])
        .args(flags)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut ready).unwrap();
    let address = ready.trim().rsplit('/').next().unwrap().to_owned();
    (Running(child), address)
}

/// What `deploy/gates` offers to paste does what it says, by the tool that is made to find out.
#[test]
fn the_gates_that_are_ready_to_paste_keep_their_contract() {
    let routes = [
        "--trusted-proxy",
        "127.0.0.1",
        "--routes",
        "scenarios/gates/routes.toml",
    ];
    for (gate, program, within) in [
        ("nginx", "nginx", "0s"),
        ("nginx-cached", "nginx", "2s"),
        ("caddy", "caddy", "0s"),
    ] {
        let found = Command::new(program).arg("version").output().is_ok();
        if !found {
            // Not every distribution has Caddy.
            let may_lack = program == "caddy" || std::env::var_os("CI").is_none();
            assert!(may_lack, "{program} is missing");
            println!("{program} is missing: not tested");
            continue;
        }
        let (_central, central) = served(&routes);
        let (_behind, behind) = served(&["--policy", "allow-all"]);
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let running = Command::new("sh")
            .args([
                "scenarios/gates/gate.sh",
                gate,
                &port.to_string(),
                &central,
                &behind,
            ])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let _gate = Running(running.unwrap());
        let answers = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        assert!(eventually(answers), "{gate}");
        let place = Place::new();
        let contract = include_str!("../deploy/gates/contract.toml")
            .replace("127.0.0.1:8081", &format!("127.0.0.1:{port}"))
            .replace("127.0.0.1:8080", &central)
            .replace("within = \"0s\"", &format!("within = \"{within}\""));
        place.write("contract.toml", &contract);
        let words = [
            "check",
            "contract.toml",
            "--for",
            "10s",
            "--requests",
            "1500",
            "--rate",
            "500",
        ];
        let output = place.authlab(&words);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{gate}: {said}{}",
            stderr(&output)
        );
    }
}
