//! `authlab predict`: what is predicted, what is not and why, and the error next to a run.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "lab/command.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod command;

use std::path::Path;

use command::{Place, stderr};
use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn predicted(place: &Place, words: &[&str]) -> Value {
    let words = [&["predict"], words, &["--format", "json", "--seed", "1"]].concat();
    let output = place.authlab(&words);
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Commands, which no prediction is made of.
const COMMANDS: &str = r#"
name = "commands"
question = "?"
variant = [
  { name = "null", command = ["authlab", "null", "--listen", "127.0.0.1:{port}"] },
  { name = "url", url = "http://127.0.0.1:9" },
]
step = [{ name = "get", request = "GET /" }]
[[load]]
name = "one-user"
users = 1
journey = ["get"]
profile.quick = { blocks = 1, slice = "10ms", warm_up = "10ms" }
"#;

#[test]
fn each_variant_of_thousandfold_is_predicted_before_it_is_run() {
    let prediction = predicted(&Place::new(), &["thousandfold", "--profile", "smoke"]);
    let loads = prediction["loads"].as_array().unwrap();
    assert_eq!(loads.len(), 8 * 4, "eight variants under four loads");
    assert_eq!(prediction["left_out"].as_array().unwrap().len(), 0);
    let number = |value: &Value| value.as_f64().unwrap();
    for load in loads {
        assert!(number(&load["capacity_per_s"]) > 1.0, "{load}");
        let utilization = number(&load["utilization"]);
        assert!(0.0 < utilization && utilization <= 1.0, "{load}");
        for step in load["steps"].as_array().unwrap() {
            let (p50, p99) = (number(&step["p50_ns"]), number(&step["p99_ns"]));
            assert!(1e3 < p50 && p50 <= p99, "{load}");
        }
    }
    // A slow hash is slower than a fast one on any machine: by a thousand.
    let p50 = |variant: &str| {
        let mut loads = loads.iter();
        let load = loads.find(|one| one["variant"] == variant && one["load"] == "stages");
        number(&load.unwrap()["steps"][0]["p50_ns"])
    };
    assert!(p50("bcrypt-12") > 20.0 * p50("md5"), "{prediction}");
}

#[test]
fn what_cannot_be_predicted_is_named_with_its_reason() {
    let place = Place::new();
    place.write("s.toml", COMMANDS);
    let prediction = predicted(&place, &["s.toml"]);
    let left_out = &prediction["left_out"];
    assert_eq!(left_out.as_array().unwrap().len(), 2);
    assert_eq!(
        left_out[0]["because"],
        "it is a command, whose cost only a run shows"
    );
    let output = place.authlab(&["predict", "s.toml"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("No variant can be predicted."), "{said}");
    assert!(
        said.contains("url: not predicted, it runs elsewhere"),
        "{said}"
    );
    // A service that a variant depends on: no server of it is opened.
    let services = std::fs::read_to_string(Path::new(ROOT).join("scenarios/cold-start.toml"));
    place.write("services.toml", &services.unwrap());
    let prediction = predicted(&place, &["services.toml"]);
    assert_eq!(prediction["loads"].as_array().unwrap().len(), 0);
    let because = prediction["left_out"][0]["because"].as_str().unwrap();
    assert!(
        because.starts_with("it depends on the service `central`"),
        "{because}"
    );
}

#[test]
fn a_scenario_that_is_none_and_a_run_of_another_are_refused_on_one_line() {
    let place = Place::new();
    let line = place.refused(&["predict", "thousandfuld"]);
    assert!(line.contains("did you mean `thousandfold`?"), "{line}");
    let run = Path::new(ROOT).join("reports/published/thousandfold");
    let run = run.to_str().unwrap();
    let line = place.refused(&["predict", "token-kinds", "--against", run]);
    assert!(
        line.contains("it is a run of `thousandfold`, not of `token-kinds`"),
        "{line}"
    );
    let line = place.refused(&["predict", "thousandfold", "--profile", "quik"]);
    assert!(line.contains("quik"), "{line}");
}

#[test]
fn a_lab_predicts_before_it_runs_and_its_page_shows_the_error() {
    let place = Place::new();
    place.write(
        "s.toml",
        "name = \"s\"\nquestion = \"?\"\n\
         [[variant]]\nname = \"open\"\nflags = { policy = \"allow-all\", password = \"sha256\" }\n\
         [[step]]\nname = \"items\"\nrequest = \"GET /items/\"\n\
         [[load]]\nname = \"one\"\nusers = 1\njourney = [\"items\"]\n\
         profile.smoke = { blocks = 1, slice = \"20ms\", warm_up = \"10ms\" }\n",
    );
    let words = [
        "lab",
        "s.toml",
        "--predict",
        "--profile",
        "smoke",
        "--into",
        "lab",
    ];
    let output = place.authlab(&words);
    assert!(output.status.success(), "{}", stderr(&output));
    let page = std::fs::read_to_string(place.path().join("lab/index.html")).unwrap();
    for wanted in ["id=\"prediction\"", "Predicted divided by measured"] {
        assert!(page.contains(wanted), "{wanted}");
    }
    let listed = std::fs::read_dir(place.path().join("lab")).unwrap();
    let run = listed
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap();
    let kept = std::fs::read_to_string(run.join("prediction.json")).unwrap();
    // The kept one is compared, and no other is made: its figures are in the table.
    let kept: Value = serde_json::from_str(&kept).unwrap();
    let run = run.to_str().unwrap();
    let words = ["s.toml", "--profile", "smoke", "--against", run];
    let compared = predicted(&place, &words);
    let line = &compared["lines"][0];
    assert_eq!(
        line["p50"]["predicted"],
        kept["loads"][0]["steps"][0]["p50_ns"]
    );
    assert!(line["p50"]["measured"].as_f64().unwrap() > 0.0);
    // Without a prediction the page has none.
    let words = ["lab", "s.toml", "--profile", "smoke"];
    assert!(place.authlab(&words).status.success());
    let page = std::fs::read_to_string(place.path().join("reports/lab/index.html")).unwrap();
    assert!(!page.contains("id=\"prediction\""));
}
