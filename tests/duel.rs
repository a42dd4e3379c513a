//! `authlab duel`: what is started, what is written, what is refused, and what a script sees. Verdicts
//! are left to `make calibrate-gate`: tests pass on a loaded machine.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod command;

use std::process::Output;

use command::{Place, error_line, stderr};
use serde_json::Value;

const SHORT: [&str; 8] = [
    "--slice",
    "4ms",
    "--warm-up",
    "10ms",
    "--restart-blocks",
    "0",
    "--within",
    "2s",
];

/// A server that does nothing, from the binary under test.
fn null(more: &str) -> String {
    let authlab = env!("CARGO_BIN_EXE_authlab");
    format!("{authlab} null --listen 127.0.0.1:{{port}} {more}")
}

fn duel(place: &Place, words: &[&str]) -> Output {
    place.authlab(&[&["duel"], words, &SHORT].concat())
}

/// The JSON form, and that the exit code is what it says.
fn told(output: &Output) -> Value {
    let told: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(output)));
    assert_eq!(told["exit_code"], output.status.code().unwrap());
    told
}

#[test]
fn a_duel_says_what_to_expect_leaves_every_form_and_can_be_repeated() {
    let place = Place::new();
    let words = [
        "--base",
        &null(""),
        "--head",
        &null(""),
        "--base-name",
        "main",
        "--head-name",
        "feature/x",
    ];
    let more = [
        "--get",
        "/a",
        "-H",
        "x-secret: s3cret",
        "--name",
        "orders",
        "--out",
        "out",
        "--format",
        "json",
    ];
    let output = duel(&place, &[&words[..], &more].concat());
    let told = told(&output);
    assert_eq!(told["head"]["name"], "feature-x");
    assert_eq!(told["scenario"], "orders");
    let said = stderr(&output);
    assert!(
        said.contains("duel orders: main → feature-x; a verdict takes about "),
        "{said}"
    );
    assert!(said.contains("`authlab calibrate`"), "{said}");
    let rows = told["rows"].as_array().unwrap();
    let names: Vec<_> = rows
        .iter()
        .map(|row| row["metric"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["p50", "errors", "cpu"]);
    for folder in [place.run(), place.path().join("out")] {
        for file in [
            "duel.txt",
            "duel.md",
            "duel.json",
            "duel.xml",
            "benchmark.json",
        ] {
            let text = std::fs::read_to_string(folder.join(file)).unwrap();
            assert!(!text.contains("s3cret"), "{file}");
        }
    }
    let run = place.run();
    assert!(
        !std::fs::read_to_string(run.join("run.json"))
            .unwrap()
            .contains("s3cret")
    );

    // What was withheld is asked for again; with it the duel is the same one.
    let run = run.display().to_string();
    let refused = place.authlab(&["duel", "--replay", &run]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(error_line(&refused).contains("give it again with -H 'x-secret: …'"));
    let again = place.authlab(&[
        "duel",
        "--replay",
        &run,
        "-H",
        "x-secret: s3cret",
        "--format",
        "json",
        "--runs",
        "again",
    ]);
    let again = self::told(&again);
    assert_eq!(again["repeat"], told["repeat"]);

    // The same figures give the same verdict.
    let compared = place.authlab(&[
        "compare",
        &run,
        "--base",
        "main",
        "--head",
        "feature-x",
        "--format",
        "json",
    ]);
    let compared: Value = serde_json::from_slice(&compared.stdout).unwrap();
    assert_eq!(compared["duel"]["rows"], told["rows"]);
    assert_eq!(compared["exit_code"], told["exit_code"]);
}

#[test]
fn a_head_that_fails_is_never_a_pass() {
    let place = Place::new();
    place.write("fails.py", FAILS);
    let head = format!("python3 {}/fails.py {{port}}", place.path().display());
    let output = duel(
        &place,
        &["--base", &null(""), "--head", &head, "--format", "json"],
    );
    let told = told(&output);
    assert!(matches!(output.status.code(), Some(1..=3)), "{told}");
    let errors = told["rows"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["metric"] == "errors")
        .unwrap();
    // Where neighbours disturbed every block, none is counted.
    let kept = told["blocks"]["kept"].as_u64().unwrap();
    let failed = errors["counts"][1][0].as_u64().unwrap();
    assert!(kept == 0 || failed > 0, "{told}");
    place.assert_nothing_left();
}

/// Every second answer is a 500.
const FAILS: &str = r#"
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answered = 0
    def do_GET(self):
        Handler.answered += 1
        self.send_response(500 if Handler.answered % 2 else 200)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *words):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"#;

#[test]
fn variants_of_a_scenario_are_sides_too_and_the_metrics_that_decide_are_chosen() {
    let place = Place::new();
    let variant = |name: &str| {
        format!(
            "[[variant]]\nname = \"{name}\"\nflags = {{ password = \"sha256\", policy = \"allow-all\" }}\n"
        )
    };
    let scenario = format!(
        "name = \"two\"\nquestion = \"?\"\n{}{}[[step]]\nname = \"items\"\nrequest = \"GET /items/\"\n\
         [[load]]\nname = \"one\"\nusers = 1\njourney = [\"items\"]\nprofile.quick = {{ blocks = 1, slice = \"5ms\" }}\n",
        variant("x"),
        variant("y"),
    );
    place.write("two.toml", &scenario);
    let words = [
        "two.toml",
        "--base",
        "x",
        "--head",
        "y",
        "--gate",
        "p50,errors,memory,capacity,p99,stale",
        "--format",
        "json",
    ];
    let output = place.authlab(
        &[
            &["duel"],
            &words[..],
            &["--warm-up", "10ms", "--within", "2s"],
        ]
        .concat(),
    );
    let told = told(&output);
    // Nothing was revoked: what was asked for and is missing is never a pass.
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told["missing"][0]
            .as_str()
            .unwrap()
            .starts_with("stale under one: on both sides"),
        "{told}"
    );
    let rows = told["rows"].as_array().unwrap();
    let row = |name: &str| rows.iter().find(|row| row["metric"] == name).unwrap();
    // Where neighbours disturbed every block, there are no figures.
    if told["blocks"]["kept"].as_u64().unwrap() > 0 {
        assert!(row("memory")["base"].as_f64().unwrap() > 1e6, "{told}");
        assert!(row("capacity")["base"].as_f64().unwrap() > 1.0, "{told}");
    }
    assert_eq!(row("p99")["role"]["is"], "advisory");
}

#[test]
fn what_is_wrong_is_one_line_and_starts_nothing() {
    let place = Place::new();
    let good = null("");
    let cases: [(&[&str], &str); 13] = [
        (&["--base", &good], "--head <CMD|URL>"),
        (
            &["--base", "sleep 5", "--head", &good],
            "--base `sleep 5` is neither a url (http://… or host:port) nor a command with `{port}`",
        ),
        (
            &["--base", "sh 'x {port}", "--head", &good],
            "a quote is not closed",
        ),
        (
            &["--base", "127.0.0.1:1/x", "--head", &good],
            "--base 127.0.0.1:1/x: a url names the server only; paths are asked for by --get",
        ),
        (
            &["--base", "http://127.0.0.1:1/x", "--head", &good],
            "paths are asked for by --get",
        ),
        (
            &["--base", &good, "--head", &good, "--get", "x"],
            "a path begins with `/`",
        ),
        (
            &["--base", &good, "--head", &good, "--gate", "p42"],
            "`p42` is not a metric: use p50,",
        ),
        (
            &["--base", &good, "--head", &good, "--head-name", "base"],
            "call them differently",
        ),
        (
            &["--base", &good, "--head", &good, "--ready", "x"],
            "--ready x: a path begins with `/`",
        ),
        (
            &["--base", &good, "--head", &good, "--users", "0"],
            "--users must be 1 to 10000",
        ),
        (
            &["none.toml", "--base", &good, "--head", &good],
            "none.toml: no such file",
        ),
        (&["--replay", "none"], "none"),
        (
            &["--base", "false {port}", "--head", &good],
            "variant `base`",
        ),
    ];
    for (words, said) in cases {
        let output = duel(&place, words);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{words:?}: {}",
            stderr(&output)
        );
        let line = error_line(&output);
        assert!(line.contains(said), "{words:?}: {line}");
    }
    place.assert_nothing_left();
}

#[test]
fn a_duel_cut_short_is_told_partial_and_leaves_nothing() {
    let place = Place::new();
    let mark = place.path().display().to_string();
    let base = null(&format!("# {mark}"));
    // The mark is in a comment of the shell that becomes the server.
    let command = format!("sh -c \"exec {base}\"");
    let child = place.start(&[
        "duel",
        "--base",
        &command,
        "--head",
        &command,
        "--slice",
        "50ms",
        "--warm-up",
        "10ms",
    ]);
    assert!(command::eventually(|| {
        let runs = std::fs::read_dir(place.path().join("reports/runs"));
        runs.is_ok_and(|mut runs| {
            runs.any(|run| {
                std::fs::read_to_string(run.unwrap().path().join("run.json"))
                    .is_ok_and(|text| text.contains("\"block\":1"))
            })
        })
    }));
    let id = pid(&child);
    std::process::Command::new("kill")
        .args(["-INT", &id])
        .status()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("partial"),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    place.assert_nothing_left();
}

fn pid(child: &std::process::Child) -> String {
    child.id().to_string()
}

#[test]
fn git_bisect_run_never_takes_for_bad_what_was_not_measured() {
    let place = Place::new();
    let starts = null("");
    // The baseline, the candidate, more words: the code.
    for (base, head, more, code) in [
        (starts.as_str(), "false {port}", "--bisect", 125),
        ("false {port}", starts.as_str(), "--bisect", 128),
        (
            starts.as_str(),
            "false --port {port}",
            "--bisect --slyce=1s",
            128,
        ),
        (starts.as_str(), "./no-such-program {port}", "--bisect", 125),
        (starts.as_str(), "false {port}", "", 2),
    ] {
        let words = ["--base", base, "--head", head, "--ready-within", "2s"];
        let more: Vec<&str> = more.split_whitespace().collect();
        let output = duel(&place, &[&words[..], &more].concat());
        let case = format!("{base} {head} {more:?}: {}", stderr(&output));
        assert_eq!(output.status.code(), Some(code), "{case}");
    }
    let words = ["--base", &starts, "--head", &starts, "--bisect"];
    let output = duel(&place, &words);
    let code = output.status.code().unwrap();
    assert!(matches!(code, 0 | 125 | 1), "{code}: {}", stderr(&output));
}

#[test]
fn cpu_time_decides_where_both_servers_are_started_here_unless_told_otherwise() {
    let starts = null("");
    let gates = |more: &[&str]| {
        let place = Place::new();
        let words = ["--base", &starts, "--head", &starts];
        duel(&place, &[&words[..], more].concat());
        place.run_json()["duel"]["gates"].clone()
    };
    assert_eq!(gates(&[]), serde_json::json!(["p50", "errors", "cpu"]));
    assert_eq!(
        gates(&["--gate", "p50,errors"]),
        serde_json::json!(["p50", "errors"])
    );
}

/// A single core is shared by the servers and the load generator: it works, and says so by its figures.
#[test]
fn a_duel_works_on_one_core() {
    let place = Place::new();
    let of_one = std::process::Command::new("taskset")
        .args(["-c", "0", "true"])
        .status();
    if !of_one.is_ok_and(|status| status.success()) {
        eprintln!("skipped: taskset -c 0 is not possible here");
        return;
    }
    let (base, head) = (null("--work 200us"), null("--work 1ms"));
    let output = std::process::Command::new("taskset")
        .args([
            "-c",
            "0",
            env!("CARGO_BIN_EXE_authlab"),
            "duel",
            "--format",
            "json",
        ])
        .args([
            "--base",
            &base,
            "--head",
            &head,
            "--gate",
            "cpu",
            "--slice",
            "20ms",
            "--warm-up",
            "20ms",
        ])
        .current_dir(place.path())
        .output()
        .unwrap();
    let told = told(&output);
    let run = place.run_json();
    for cores in ["server_cores", "generator_cores"] {
        assert_eq!(
            run["machine"][cores],
            serde_json::json!([0]),
            "{}",
            run["machine"]
        );
    }
    // Five times the CPU time is seen beside any neighbour.
    assert_eq!(told["exit_code"], 1, "{told}");
    place.assert_nothing_left();
}
