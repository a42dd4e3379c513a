//! A run says by itself what spoiled it: a neighbour on either core, a server offered too much, a
//! network that loses packets. Ignored by `make test`, since the clean run needs a quiet machine:
//! `make ground-truth`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod command;

use std::process::{Child, Command, Stdio};

use command::Place;
use serde_json::Value;

const ITEMS: &str = r#"
[[step]]
name = "items"
request = "GET /items/"
"#;

const LOGIN: &str = r#"
[[step]]
name = "login"
request = "POST /token"
json = { username = "john", password = "password123" }
"#;

/// A scenario of one step under one load, against the reference server.
fn scenario(flags: &str, step: &str, name: &str, load: &str) -> String {
    format!(
        "name = \"s\"\nquestion = \"?\"\n[[variant]]\nname = \"v\"\nflags = {{ {flags}, threads = 1 }}\n\
         {step}[[load]]\nname = \"load\"\njourney = [\"{name}\"]\n{load}\n\
         profile.quick = {{ blocks = 1, slice = \"2s\", warm_up = \"300ms\" }}\n"
    )
}

const OPEN: &str = "policy = \"allow-all\", password = \"sha256\"";
const PACED: &str = "users = 64\nrate = 2000";

struct Told {
    verdict: String,
    reasons: String,
    run: Value,
}

/// Runs it with `before` in front of the command.
fn told(before: &[&str], scenario: &str) -> Told {
    let place = Place::new();
    place.write("s.toml", scenario);
    let authlab = env!("CARGO_BIN_EXE_authlab");
    let mut words: Vec<&str> = before.to_vec();
    words.extend([authlab, "run", "s.toml", "--quiet"]);
    let output = Command::new(words[0])
        .args(&words[1..])
        .current_dir(place.path())
        .output()
        .unwrap();
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let run = place.run_json();
    let reasons = run["validity"]["reasons"].as_array().unwrap();
    let reasons: Vec<_> = reasons
        .iter()
        .map(|reason| reason.as_str().unwrap())
        .collect();
    let told = Told {
        verdict: run["validity"]["verdict"].as_str().unwrap().to_owned(),
        reasons: reasons.join("; "),
        run: run.clone(),
    };
    println!("{}: {}", told.verdict, told.reasons);
    told
}

/// A loop on one core, ended when dropped, and with this process.
struct Neighbour(Child);

impl Neighbour {
    fn on(core: &Value) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_authlab"))
            .args(["child", "--parent", &std::process::id().to_string()])
            .args(["--cores", &core[0].to_string(), "--"])
            .args(["sh", "-c", "while :; do :; done"])
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const TRIES: usize = 4;

#[test]
#[ignore = "needs a quiet machine: make ground-truth"]
fn each_kind_of_spoiled_run_has_its_verdict_and_its_reason() {
    let clean = scenario(OPEN, ITEMS, "items", PACED);
    // The host may take time from any of them: it has as many tries as it takes to be quiet once.
    let first = (0..TRIES)
        .map(|_| told(&[], &clean))
        .find(|told| told.verdict == "valid");
    let first = first.expect("the machine is not quiet: no clean run was valid");
    let machine = &first.run["machine"];

    let busy = {
        let _neighbour = Neighbour::on(&machine["generator_cores"]);
        told(&[], &clean)
    };
    assert_eq!(busy.verdict, "disturbed");
    assert!(
        busy.reasons
            .contains("the load generator waited for a core")
    );

    let busy = {
        let _neighbour = Neighbour::on(&machine["server_cores"]);
        told(&[], &clean)
    };
    assert_eq!(busy.verdict, "disturbed");
    assert!(
        busy.reasons
            .contains("another process ran on the servers' cores")
    );

    let bcrypt = "binding = \"none\", password = \"bcrypt\", bcrypt-cost = 8";
    let capacity = told(&[], &scenario(bcrypt, LOGIN, "login", "users = 4"));
    let slices = capacity.run["slices"].as_array().unwrap();
    let sum = |key: &str| {
        slices
            .iter()
            .map(|slice| slice[key].as_f64().unwrap())
            .sum::<f64>()
    };
    let twice = 2.0 * sum("ok") / (sum("length_ns") / 1e9);
    println!("offered {twice:.0}/s, twice what it serves");
    let load = format!("users = 16\nrate = {twice:?}\ntimeout = \"1s\"");
    let overloaded = told(&[], &scenario(bcrypt, LOGIN, "login", &load));
    assert_eq!(overloaded.verdict, "server-limited");
    assert!(overloaded.reasons.contains("were busy with the server"));

    let flood = "users = 64\nrate = 1000000\ntimeout = \"1s\"";
    let flooded = told(&[], &scenario(OPEN, ITEMS, "items", flood));
    println!(
        "offered 1000000/s, more than the generator sends: {}",
        flooded.verdict
    );
}

/// A network namespace whose loopback drops one packet of twenty; none where the machine has no
/// way to make one.
const LOSSY: &str = "ip link set lo up && nft add table ip t && \
    nft 'add chain ip t c { type filter hook output priority 0 ; }' && \
    nft add rule ip t c numgen random mod 100 lt 5 drop";

#[test]
#[ignore = "needs a quiet machine: make ground-truth"]
fn a_network_that_loses_packets_is_told() {
    let possible = Command::new("unshare")
        .args(["--net", "sh", "-c", LOSSY])
        .status();
    if !possible.is_ok_and(|status| status.success()) {
        println!("not tried: it takes root, unshare, ip and nft with numgen");
        return;
    }
    let with_loss = format!("{LOSSY} && exec \"$@\"");
    let paced = scenario(OPEN, ITEMS, "items", "users = 256\nrate = 200");
    let lossy = told(&["unshare", "--net", "sh", "-c", &with_loss, "sh"], &paced);
    assert!(lossy.reasons.contains("the network lost packets"));
    assert_ne!(lossy.verdict, "client-limited");
}
