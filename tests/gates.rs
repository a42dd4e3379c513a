//! `scenarios/gates` and `scenarios/many-servers`: those of the gates that are installed here let through what they should and nothing
//! else, servers that share sessions take each other's tokens, and what is not installed is left out.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod command;

use std::process::Command;

use command::{Place, error_line, stderr};
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
    let found = Command::new("nginx").arg("-v").output().is_ok();
    assert!(
        found || std::env::var_os("CI").is_none(),
        "nginx is missing"
    );
    if !found {
        println!("nginx is missing: not tested");
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
    let run = ran("scenarios/many-servers/many-servers.toml");
    assert!(variants(&run).contains(&"sticky"), "{run}");
    for name in variants(&run) {
        for load in ["steady", "revokes"] {
            for slice in slices(&run, name, load) {
                assert!(slice["ok"].as_u64().unwrap() > 0, "{name}: {slice}");
                assert_eq!(slice["failed"], json!({}), "{name}: {slice}");
            }
        }
    }
}
