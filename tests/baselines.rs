//! `authlab compare --criterion` from the command line: two saved baselines, described.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[allow(dead_code, reason = "nothing is run")]
#[path = "lab/command.rs"]
mod command;

use std::process::Output;

use command::{Place, error_line, stderr};

/// A benchmark of a saved baseline, as criterion leaves it.
fn saved(place: &Place, id: &str, baseline: &str, median: f64) {
    let folder = format!("target/criterion/{id}/{baseline}");
    std::fs::create_dir_all(place.path().join(&folder)).unwrap();
    let about = format!(r#"{{"full_id":"{id}","title":"{id}"}}"#);
    place.write(&format!("{folder}/benchmark.json"), &about);
    let estimates = format!(
        r#"{{"median":{{"confidence_interval":{{"lower_bound":{median},"upper_bound":{median}}},"point_estimate":{median}}}}}"#
    );
    place.write(&format!("{folder}/estimates.json"), &estimates);
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn two_baselines_are_described_and_never_judged() {
    let place = Place::new();
    saved(&place, "hit", "main", 100.0);
    saved(&place, "hit", "pr", 300.0);
    let output = place.authlab(&["compare", "--criterion", "main", "pr"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(
        text.contains("+200.0 %") && text.contains("described only"),
        "{text}"
    );
    saved(&place, "miss", "pr", 1.0);
    let words = [
        "compare",
        "--criterion",
        "main",
        "pr",
        "--format",
        "markdown",
    ];
    let output = place.authlab(&words);
    assert_eq!(output.status.code(), Some(2));
    assert!(stdout(&output).contains("- only in pr: miss\n"));
}

#[test]
fn wrong_words_about_baselines_are_one_line_and_exit_two() {
    let place = Place::new();
    saved(&place, "hit", "main", 100.0);
    let table: [(&[&str], &str); 7] = [
        (
            &["--criterion", "main", "pr"],
            "no baseline `pr`: it has main",
        ),
        (
            &["--criterion", "main"],
            "2 values required for '--criterion <BASE> <NEW>'",
        ),
        (
            &["--criterion", "main", "main", "--criterion-home", "nowhere"],
            "nowhere: no folder of criterion's",
        ),
        (
            &["--criterion", "main", "main", "--fail-over", "p50 > 5%"],
            "--fail-over judges nothing here: two saved baselines are separate runs",
        ),
        (
            &["run", "--criterion", "main", "main"],
            "cannot be used with",
        ),
        (
            &["run", "run", "--criterion-home", "x"],
            "cannot be used with",
        ),
        (&[], "required arguments were not provided: <RUNS>..."),
    ];
    for (words, said) in table {
        let output = place.authlab(&[&["compare"], words].concat());
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(
            error_line(&output).contains(said),
            "{words:?}: {}",
            error_line(&output)
        );
    }
}
