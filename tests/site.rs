//! `authlab lab`: several scenarios, one site; the same command goes on where it was cut short.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "lab/command.rs"]
mod command;

use command::{Place, error_line, stderr};

fn scenario(place: &Place, name: &str, flags: &str) {
    place.write(
        &format!("scenarios/{name}.toml"),
        &format!(
            r#"
name = "{name}"
question = "Is {name} <fast>?"
[flags]
password = "sha256"
threads = 1
[[variant]]
name = "first"
flags = {{ {flags} }}
[[variant]]
name = "second"
flags = {{ policy = "allow-all" }}
[[step]]
name = "health"
request = "GET /healthz"
expect = [200]
[[load]]
name = "one-user"
users = 1
journey = ["health"]
profile.quick = {{ blocks = 2, slice = "20ms", warm_up = "20ms" }}
"#
        ),
    );
}

fn page(place: &Place) -> String {
    std::fs::read_to_string(place.path().join("reports/lab/index.html")).unwrap()
}

fn runs(place: &Place) -> usize {
    let listed = std::fs::read_dir(place.path().join("reports/lab")).unwrap();
    listed
        .filter(|entry| entry.as_ref().unwrap().path().join("run.json").exists())
        .count()
}

#[test]
fn each_scenario_is_run_once_and_its_finding_leads_to_its_page() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("scenarios")).unwrap();
    scenario(&place, "one", "");
    // Its server refuses what it is given, which is bad input: the others do not depend on it.
    scenario(&place, "two", "users = \"file:/nowhere/users.json\"");
    let output = place.authlab(&["lab", "--all"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("two: "), "{}", stderr(&output));
    let html = page(&place);
    assert!(html.contains("Is one &lt;fast&gt;?"), "{html}");
    assert!(html.contains("No run yet: two"), "{html}");
    let link = html.split("<a href=\"").nth(1).unwrap();
    let link = link.split('"').next().unwrap();
    assert!(
        place.path().join("reports/lab").join(link).exists(),
        "{link}"
    );

    scenario(&place, "two", "");
    let before = runs(&place);
    let output = place.authlab(&["lab", "--all"]);
    assert!(
        stderr(&output).contains("one: has its run"),
        "{}",
        stderr(&output)
    );
    assert!(!page(&place).contains("No run yet"));
    assert_eq!(runs(&place), before + 1);
    let _ = place.authlab(&["lab", "--all"]);
    assert_eq!(runs(&place), before + 1, "nothing is left to run");

    // Another build answers for itself, unless any will do.
    for run in std::fs::read_dir(place.path().join("reports/lab")).unwrap() {
        let file = run.unwrap().path().join("run.json");
        if let Ok(text) = std::fs::read_to_string(&file) {
            let other = text.replace("\"profile\":\"debug\"", "\"profile\":\"other\"");
            assert_ne!(text, other);
            std::fs::write(file, other).unwrap();
        }
    }
    let _ = place.authlab(&["lab", "--all", "--any-build"]);
    assert_eq!(runs(&place), before + 1, "any build's runs count");
    let _ = place.authlab(&["lab", "--all"]);
    assert_eq!(runs(&place), before + 3, "both are run again");
}

#[test]
fn a_mistake_in_the_last_scenario_shows_before_the_first_is_run() {
    let place = Place::new();
    std::fs::create_dir(place.path().join("scenarios")).unwrap();
    scenario(&place, "one", "");
    place.write("scenarios/two.toml", "name = \"two\"\nquestoin = \"?\"\n");
    let line = place.refused(&["lab", "--all"]);
    assert!(line.contains("scenarios/two.toml:2"), "{line}");
    assert!(!place.path().join("reports/lab").exists());
    // A folder without any, and a profile that the questions of the lab do not have.
    let empty = Place::new();
    std::fs::create_dir(empty.path().join("scenarios")).unwrap();
    let output = empty.authlab(&["lab", "--all"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(error_line(&output).contains("scenarios/ has no scenario"));
    let output = Place::new().authlab(&["lab", "--profile", "quik"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        error_line(&output).contains("`quik`"),
        "{}",
        error_line(&output)
    );
}
